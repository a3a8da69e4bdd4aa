"""How text lies on a terminal: wrapping, columns, colour, ages. Knows nothing of answers."""

from __future__ import annotations

import time
from datetime import datetime  # msgpack has imported it already

from .output import get_width, has_colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = {"bold": "1", "dim": "2", "yellow": "33"}
_SPANS = (("year", 365.25), ("month", 30.44), ("week", 7.0), ("day", 1.0))
_SHORT_SHA = 10


class Page:
    """What the terminal on stdout can show: its width in columns (None: endless) and whether it takes colour."""

    __slots__ = ("colour", "width")

    def __init__(self, width: int | None, colour: bool) -> None:
        self.width = width
        self.colour = colour

    def paint(self, text: str, colour: str) -> str:
        """Return *text* in *colour*, if there is any."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour and text else text

    def wrap(self, text: str, indent: str = "") -> list[str]:
        """Return *text* broken at spaces into lines that fit, each beginning with *indent*; a long word stays whole."""
        if self.width is None:
            return [indent + text]
        room = max(20, self.width - len(indent))
        lines, line = [], ""
        for word in text.split(" "):
            if line and _columns(line) + 1 + _columns(word) > room:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        return [indent + each for each in (*lines, line)]


def get_page() -> Page:
    """Return the page that stdout is."""
    return Page(get_width(), has_colour())


def shorten(sha: str) -> str:
    """Return the beginning of *sha* that people write."""
    return sha[:_SHORT_SHA]


def describe_time(iso: str, now: float | None = None) -> str:
    """Return the date in *iso* (ISO 8601) and its age, "2026-05-04 (3 months ago)"; what is no time as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    days = ((time.time() if now is None else now) - moment.timestamp()) / 86400
    return f"{moment:%Y-%m-%d} ({_describe_age(days)})"


def describe_span(seconds: float) -> str:
    """Return a length of time in its two largest units: "3 min 20 s"."""
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (whole % 60, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"


def make_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, columns as wide as they need."""
    widths = [max(map(_columns, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]


def _describe_age(days: float) -> str:
    if days < 0:
        return "in the future"
    for unit, length in _SPANS:
        if (count := int(days / length)) >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "today"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
