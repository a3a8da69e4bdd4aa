"""How text is laid out on a terminal: wrapping, columns, colour, links, ages. Knows nothing of answers."""

from __future__ import annotations

import sys
import time

try:
    from _datetime import datetime  # as CPython's `datetime` does, which before 3.12 adds 2 ms of its own
except ImportError:  # another Python
    from datetime import datetime

from .output import get_width, has_colour, is_terminal
from .wrapping import count_columns, cut, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    Style = Literal["bold", "dim", "match", "sha", "warning"]

_STYLES: Mapping[Style, str] = {"bold": "1", "dim": "2", "match": "1", "sha": "35", "warning": "1;31"}
"""Of the sixteen colours only magenta is legible on dark and on light: its least contrast over ten palettes of five well
known terminals is 3.3 : 1; yellow, which git uses for a sha, has 1.7, red 2.4 (and is bold here), the others less."""

_SPANS = (("year", 365.25), ("month", 30.44), ("week", 7.0), ("day", 1.0))
_PHASES = {"reading": "reading", "embedding": "embedding", "changes": "reading changes of"}
SHORT_SHA = 10
_NARROW = 40
_PROSE_MAX = 100  # columns; longer lines are hard to read


class Page:
    """What stdout can show: its width in columns (None: endless), colour, and commits' addresses (""; links go nowhere)."""

    __slots__ = ("colour", "commit_url", "width")

    def __init__(self, width: int | None, colour: bool, commit_url: str = "") -> None:
        self.width = width
        self.colour = colour
        self.commit_url = commit_url

    @property
    def is_narrow(self) -> bool:
        """Whether columns are scarce."""
        return self.width is not None and self.width < _NARROW

    def paint(self, text: str, style: Style) -> str:
        """Return *text* in *style*, if there is colour."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text

    def name_commit(self, sha: str, shown: str = "") -> str:
        """Return *sha* shortened, or as *shown*, in its colour, linked to the commit's page where there is one."""
        text = self.paint(shown or shorten(sha), "sha")
        if not self.commit_url or not _is_sha(sha):
            return text
        return f"\x1b]8;;{self.commit_url}{sha}\x1b\\{text}\x1b]8;;\x1b\\"

    def get_room(self, indent: str = "") -> int | None:
        """Return the columns of a line of prose behind *indent*; None: endless."""
        return None if self.width is None else max(10, min(self.width, _PROSE_MAX) - count_columns(indent))

    def wrap(self, text: str, indent: str = "") -> list[str]:
        """Return *text* broken at spaces into lines that fit, each beginning with *indent*; a long word stays whole."""
        room = self.get_room(indent)
        return [indent + text] if room is None else [indent + line for line in wrap(text, room)]


def get_page(commit_url: str = "") -> Page:
    """Return the page for stdout."""
    return Page(get_width(), has_colour(), commit_url)


def get_page_of_notes() -> Page:
    """Return the page for stderr: the terminal that stdout is too, without links; else endless lines without colour."""
    return get_page() if is_terminal(sys.stderr) and is_terminal(sys.stdout) else Page(None, False)


def shorten(sha: str) -> str:
    """Return *sha* abbreviated."""
    return sha[:SHORT_SHA]


def describe_time(iso: str, now: float | None = None) -> str:
    """Return the date in *iso* (ISO 8601) and its age, "2026-05-04 (3 months ago)"; what is no time as it is."""
    age = describe_age(iso, now)
    return f"{iso[:10]} ({age})" if age else iso


def describe_age(iso: str, now: float | None = None) -> str:
    """Return how long ago the moment *iso* (ISO 8601) is, "3 months ago"; "" for what is no time."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    return _describe_days(((time.time() if now is None else now) - moment.timestamp()) / 86400)


def describe_span(seconds: float) -> str:
    """Return a length of time in its two largest units: "3 min 20 s"."""
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (whole % 60, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"


def describe_progress(state: dict[str, Any]) -> str:
    """Return "embedding 1,200 of 16,715 commits, 320/s, 48 s left", as far as a repository's *state* has it."""
    phase, total = state.get("phase") or "idle", state.get("of") or state.get("total")
    if phase in ("idle", "waiting"):
        return "waiting to be indexed"
    named = _PHASES.get(phase, "indexing")
    parts = [f"{named} {state.get('done') or 0:,} of {total:,} commits" if total else f"{named} commits"]
    if rate := state.get("rate"):
        parts.append(f"{rate:,.0f}/s")
    if (eta_s := state.get("eta_s")) is not None:
        parts.append(f"{describe_span(eta_s)} left")
    return ", ".join(parts)


def describe_preparing(spent_s: float) -> str:
    """Return the progress text for a model prepared for *spent_s* so far: "preparing the model, 12 s"."""
    return f"preparing the model, {describe_span(spent_s)}"


def make_table(heads: Sequence[str], rows: Sequence[Sequence[str]], page: Page | None = None) -> list[str]:
    """Return the lines of a table, columns as wide as needed, the last one cut at the width of *page*."""
    widths = [max(map(count_columns, column)) for column in zip(heads, *rows, strict=True)]
    if page is not None and page.width is not None:
        widths[-1] = max(10, page.width - sum(widths[:-1]) - 2 * (len(widths) - 1))
    lines = []
    for row in (heads, *rows):
        cells = [*row[:-1], cut(row[-1], widths[-1])]
        lines.append("  ".join(_pad(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    return lines


def _is_sha(text: str) -> bool:
    return 4 <= len(text) <= 64 and not set(text) - set("0123456789abcdef")


def _describe_days(days: float) -> str:
    if days < 0:
        return "in the future"
    for unit, length in _SPANS:
        if (count := int(days / length)) >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "today"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - count_columns(text))
