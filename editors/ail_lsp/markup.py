"""Text from outside as CommonMark that holds none of its own markup. Pure.

An editor renders what a commit's author wrote: it must show no picture (which would be fetched), no link, no heading of theirs.
"""

from __future__ import annotations

import re

from ail_client.sanitise import to_block, to_line, to_path
from ail_client.wrapping import reflow

_SIGNS = re.compile(r"[\\`*\[\]<>&|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=//)|(?<=\bwww)\.")
"""Signs of markup; `_` but for one within a name; what makes a bare address a link."""

_AT_START = re.compile(r"^(?:(\d{1,9})(?=[.)])|(?=[#+=-]))")
_RUNS = re.compile(r"`+")
_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[A-Za-z0-9_.~%#?=&+-]*)*")


def escape(text: str) -> str:
    """Return *text* on one line as literal text, wherever in a line it is put."""
    literal = _SIGNS.sub(lambda found: f"\\{found[0]}", to_line(text))
    return _AT_START.sub(lambda found: f"{found[1] or ''}\\", literal)


def quote(text: str) -> list[str]:
    """Return *text* as the lines of a block quote; paragraphs are filled anew, lists and code keep their lines."""
    lines: list[str] = []
    for paragraph in "\n".join(to_block(text.strip("\n"))).split("\n\n"):
        shown = [escape(line) for line in reflow(paragraph.split("\n"))]
        if shown:
            lines += [">"] if lines else []
            lines += [f"> {line}\\" for line in shown[:-1]] + [f"> {shown[-1]}"]
    return lines


def code(text: str) -> str:
    """Return *text*, on one line, as a code span that shows exactly it; "" for nothing."""
    shown = to_path(text.replace("\n", " "))
    fence = "`" * (1 + max(map(len, _RUNS.findall(shown)), default=0))
    pad = " " if shown[:1] in ("`", " ") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown.strip() else ""


def link(shown: str, url: str) -> str:
    """Return *shown*, Markdown already, linked to *url* where that is a plain web address; else *shown* alone."""
    return f"[{shown}]({url})" if _URL.fullmatch(url) else shown
