"""Open documents as an editor describes them: lines that end as LSP says, columns counted in UTF-16 units. Pure.

pygls keeps documents too, but splits lines at form feeds and other characters that end no line in LSP, and joins the whole
text again at every keystroke: 20 ms in a file of 100,000 lines.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


class Document:
    """One open document.

    lines: each with its line end; the last has none and may be "". version: the editor's; it grows with every change.
    is_changed: whether it was changed since it was opened or saved. is_open: False for one that stands for the file on the disk.
    """

    __slots__ = ("is_changed", "is_open", "language", "lines", "uri", "version")

    def __init__(self, uri: str, text: str, version: int = 0, language: str = "", *, is_open: bool = True) -> None:
        self.uri = uri
        self.version = version
        self.language = language
        self.lines = split_lines(text)
        self.is_changed = False
        self.is_open = is_open

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    def copy(self) -> Document:
        """Return a copy that a thread may read while this one changes."""
        copy = Document(self.uri, "", self.version, self.language, is_open=self.is_open)
        copy.lines, copy.is_changed = list(self.lines), self.is_changed
        return copy

    def get_line(self, number: int) -> str:
        """Return line *number*, counted from 1, without its end; "" where there is none."""
        return self.lines[number - 1].rstrip("\r\n") if 1 <= number <= len(self.lines) else ""

    def replace_all(self, text: str) -> None:
        """Take *text* as the whole text."""
        self.lines = split_lines(text)
        self.is_changed = True

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Put *text* in the place of what lies between two positions, (line, UTF-16 column) from 0; beyond the end: the end."""
        start, end = self._clamp(start), self._clamp(max(start, end))
        first, last = start[0], end[0]
        head = self.lines[first][: to_index(self.lines[first], start[1])]
        joined = head + text + self.lines[last][to_index(self.lines[last], end[1]) :]
        if first and joined.startswith("\n") and self.lines[first - 1].endswith("\r"):  # together one line end
            first -= 1
            joined = self.lines[first] + joined
        new = split_lines(joined)
        is_at_end = last == len(self.lines) - 1
        self.lines[first : last + 1] = new if is_at_end else new[:-1]
        self.is_changed = True

    def _clamp(self, position: tuple[int, int]) -> tuple[int, int]:
        line, column = max(position[0], 0), max(position[1], 0)
        if line >= len(self.lines):
            return len(self.lines) - 1, count_units(self.lines[-1])
        return line, column


def split_lines(text: str) -> list[str]:
    """Return the lines of *text* with their ends; the last is what follows the last end, "" if nothing does."""
    lines = _LINE.findall(text)
    if len(lines) > 1 and not lines[-2].endswith(("\n", "\r")):
        lines.pop()  # the expression matches once more behind a last line without an end
    return lines


def to_index(line: str, units: int) -> int:
    """Return the index in *line* that is *units* UTF-16 units from its begin; at most where its end begins."""
    body = line.rstrip("\r\n")
    if body.isascii():
        return min(units, len(body))
    for index, char in enumerate(body):
        if units <= 0:
            return index
        units -= 2 if ord(char) > 0xFFFF else 1
    return len(body)


def count_units(text: str) -> int:
    """Return the length of *text* in UTF-16 units."""
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def to_whole_text(text: str) -> str:
    """Return *text* with each lone surrogate, which no file can hold, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
