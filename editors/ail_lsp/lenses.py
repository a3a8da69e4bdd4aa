"""Where functions and classes begin and end in a text, by its language's keywords and its indentation. Pure.

Good enough for a code lens: no parser is loaded, and a wrong end shifts a question by some lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LENSES_MAX = 300
"""Of one document: some editors resolve every lens at once."""

_LINES_MAX = 400
"""Of one lens; a class of thousands of lines has no single reason."""

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|pub(?:\([a-z]+\))?|unsafe|"
    r"override|virtual|inline|extern|const)\s+)*"
)
_BLOCKS = re.compile(
    rf"^(?P<indent>[ \t]*){_MODIFIERS}"
    r"(?:def|class|func|fn|function\*?|struct|enum|trait|impl|interface|module|type)\b\s*[(*&\w]"
)
_BRACED = re.compile(r"^(?P<indent>[ \t]*)(?:[\w:<>,*&\[\]~]+\s+)+[\w:~]+\s*\([^;]*\)?[^;=]*\{\s*$")
_CONTROL = re.compile(r"^\s*(?:if|for|while|switch|else|return|catch|do|try|with|using|match|case)\b")
_PLAIN_TEXT = frozenset(("markdown", "plaintext", "restructuredtext", "json", "yaml", "toml", "ini", "log", "csv"))


def find_blocks(lines: Sequence[str], language: str = "") -> list[tuple[int, int]]:
    """Return (first, last), counted from 1, of each function and class; at most LENSES_MAX, none of more than 400 lines."""
    if language in _PLAIN_TEXT:
        return []
    found: list[tuple[int, int]] = []
    for number, line in enumerate(lines, 1):
        head = _BLOCKS.match(line) or (None if _CONTROL.match(line) else _match_braced(line))
        if head and len(line) < 500:
            found.append((number, _find_end(lines, number, _width(head["indent"]))))
            if len(found) >= LENSES_MAX:
                break
    return found


def _match_braced(line: str) -> re.Match[str] | None:
    """Match `int main(void) {`; the expression is slow on long lines, so the cheap signs are looked for first."""
    return _BRACED.match(line) if len(line) < 200 and "(" in line and line.rstrip().endswith("{") else None


def _find_end(lines: Sequence[str], first: int, indent: int) -> int:
    """Return the last line that is indented deeper than *indent*, or the closing line behind it."""
    last = first
    for number in range(first + 1, min(len(lines), first + _LINES_MAX) + 1):
        line = lines[number - 1]
        body = line.strip()
        if not body:
            continue
        width = _width(line[: len(line) - len(line.lstrip())])
        if width > indent or body[0] in ")]{":
            last = number
            continue
        return number if body.startswith(("}", "end")) and width == indent else last
    return last


def _width(indent: str) -> int:
    return len(indent.expandtabs(4))
