"""Parses a unified diff into files with removed and added lines. Pure.

Accepts any text, also cut off or malicious, in time linear in its length. Hunks are read by the counts in their heads, so
that a removed line `-- a/x` is not read as a file's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ail_daemon.text.redaction import without_secrets

PATCH_MAX_BYTES = 512 << 10
"""The largest diff that is looked at; senders cut at a file's boundary."""

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WORD = re.compile(r"[^\W_]{2,}")
_FEWEST_WORDS = 3
_LEAST_CHARS = 12
_PAIRS_MAX = 4000  # pairs of lines compared in one file; a change with more is rewritten code


@dataclass(slots=True)
class FileChange:
    """What a diff does to one file: path after it (before it, where the file goes), lines without their white space.

    at: for each line its number after the change, or where it was removed. edited: removed lines that were reworded in the
    same place, as far as pairs_left allowed to compare. bare: removed lines in whose place fewer than half as many came.
    """

    path: str
    old_path: str
    is_new: bool = False
    is_gone: bool = False
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    pairs_left: int = _PAIRS_MAX


def parse_patch(text: str) -> list[FileChange]:
    """Return the files that a diff, as `git diff -U0 --src-prefix=a/ --dst-prefix=b/` writes it, changes, in its order."""
    return list(_iter_files(iter(text.split("\n"))))


def is_telling(line: str) -> bool:
    """Whether *line* is long enough that finding it again means something: `else:` is everywhere."""
    return len(line) >= _LEAST_CHARS and len(_WORD.findall(line)) >= _FEWEST_WORDS


def level(line: str) -> str:
    """Return *line* as it is compared: as the index keeps changed lines, without white space around it."""
    if not line.isascii():
        line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return line.strip()


def _iter_files(lines: Iterator[str]) -> Iterator[FileChange]:
    change: FileChange | None = None
    for line in lines:
        if line.startswith("diff --git "):
            if change:
                yield change
            change = _named_in_head(line[11:])
        elif change and (hunk := _HUNK.match(line)):
            _read_hunk(change, lines, int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1))
        elif change:
            _read_header(change, line)
    if change:
        yield change


def _read_header(change: FileChange, line: str) -> None:
    """Read a header line between a file's first line and its first hunk."""
    if line.startswith("--- "):
        change.old_path = _unquote(line[4:], "a/", change.old_path)
    elif line.startswith("+++ "):
        change.path = _unquote(line[4:], "b/", change.old_path)
    elif line.startswith("rename from "):
        change.old_path = _unquote(line[12:])
    elif line.startswith("rename to "):
        change.path = _unquote(line[10:])
    elif line.startswith("new file mode"):
        change.is_new = True
    elif line.startswith("deleted file mode"):
        change.is_gone = True


def _read_hunk(change: FileChange, lines: Iterator[str], going: int, number: int, coming: int) -> None:
    removed, added = len(change.removed), len(change.added)
    for sign, text in _iter_signed(lines, going, coming):
        if sign == "-":
            change.removed.append(text)
        elif sign == "+":
            change.added.append(text)
        change.at.setdefault(text, max(number, 1))
        number += sign != "-"
    going_on = [line for line in change.removed[removed:] if is_telling(line)]
    coming_on = [line for line in change.added[added:] if is_telling(line)]
    if 2 * len(coming_on) < len(going_on):
        change.bare.update(going_on)
    change.pairs_left -= len(going_on) * len(coming_on)
    if change.pairs_left > 0:
        change.edited |= _find_edited(going_on, coming_on)


def _iter_signed(lines: Iterator[str], going: int, coming: int) -> Iterator[tuple[str, str]]:
    """Yield (sign, levelled text) of a hunk's lines, as many as its head announces."""
    while going > 0 or coming > 0:
        line = next(lines, None)
        if line is None:
            return
        sign = line[:1]
        if sign != "\\":  # "\ No newline at end of file"
            going -= sign != "+"
            coming -= sign != "-"
            yield sign, level(without_secrets(line[1:]))


def _find_edited(removed: list[str], added: list[str]) -> set[str]:
    """Return those of *removed* that share most words with one of *added*: they were reworded, not removed."""
    coming = [frozenset(_WORD.findall(line)) for line in added]
    return {line for line in removed if any(_is_alike(frozenset(_WORD.findall(line)), other) for other in coming)}


def _is_alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return 2 * len(words & others) >= len(words | others) > 0


def _named_in_head(names: str) -> FileChange:
    """Take both names from `a/old b/new`: exact where they are alike or quoted; renames name them again below."""
    if names.startswith('"'):
        old, _, new = names[1:].partition('" ')
        return FileChange(_unquote(new, "b/"), _unquote(f'"{old}"', "a/"))
    middle = len(names) // 2
    same = names[middle : middle + 1] == " " and names[2:middle] == names[middle + 3 :]
    old, _, new = (names[:middle], "", names[middle + 1 :]) if same else names.partition(" b/")
    return FileChange(new.removeprefix("b/"), old.removeprefix("a/"))


def _unquote(name: str, prefix: str = "", no_file: str = "") -> str:
    r"""Return a path as git stores it from how a diff writes it: `"a/\303\244\n"` or `a/x`; *no_file* for /dev/null."""
    name = name.rstrip("\t")  # git ends a name with a blank in it so
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        raw = _ESCAPE.sub(lambda match: _unescape(match[1]), name[1:-1])
        name = raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return no_file if name == "/dev/null" else name.removeprefix(prefix)


def _unescape(code: str) -> str:
    if len(code) == 3:
        byte = int(code, 8) & 0xFF
        return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)
    return _NAMED.get(code, code)
