"""What each commit did to some lines of a file (`git log -L`), and which lines a function is (`-L :function:file`).

Nothing configured runs: see `command`. git's built-in patterns decide which lines begin a function; `functions.attributes` says
which of them for which files, since most repositories leave that to git's default, to which an indented method is none.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from ail_rpc.errors import NotFoundError, OutOfTimeError, UsageError

from .blame import read_ignored_revisions
from .command import GitCommand, Stop, get_reason
from .refs import read_shallow_boundary

_ATTRIBUTES = Path(__file__).with_name("functions.attributes")
_MARK = b"\0"
_MOST_BYTES = 16 << 20
_NAME_MAX = 200
_PLAIN = re.compile(r"\w+(?:\.\w+)*")
_LINE = re.compile(
    rb"^[0-9a-f]{40,64} \d+ (\d+).*\n(?:[^\t].*\n)*\t[^\S\n]*\S", re.MULTILINE
)  # a line that is not blank


class LineChange(NamedTuple):
    """What one commit did to the lines. path: the file's name then. lines: of the diff, each with its sign, context included.

    is_ignored: `.git-blame-ignore-revs` lists the commit.
    """

    sha: str
    path: str
    lines: tuple[str, ...]
    is_ignored: bool = False

    @property
    def removed(self) -> list[str]:
        """The text of the removed lines."""
        return [line[1:] for line in self.lines if line.startswith("-")]

    @property
    def added(self) -> list[str]:
        """The text of the added lines."""
        return [line[1:] for line in self.lines if line.startswith("+")]


def trace_lines(
    git: GitCommand, file: str, first: int, last: int, stop: Stop, commit: str, most: int
) -> tuple[list[LineChange], bool]:
    """Return what the newest *most* commits did to the lines, newest first, and whether that is all; see History.trace_lines."""
    if "\0" in file:
        return [], True
    options = ["log", f"-L{first},{last}:{file}", "--format=%x00%H", "--no-textconv", "--no-ext-diff", "--no-color"]
    options += ["--src-prefix=a/", "--dst-prefix=b/", f"-{most + 1}", commit, "--"]
    kept = bytearray()
    is_whole = False
    with git.stream(options, []) as output, stop.ending(output), contextlib.suppress(OutOfTimeError):
        for chunk in output.iter_chunks():
            kept += chunk
            if len(kept) > _MOST_BYTES:
                break
        else:
            is_whole = not stop.is_set()
    found = [_read_change(part) for part in bytes(kept).split(b"\n" + _MARK) if part.strip(b"\n\0")]
    found = found if is_whole else found[:-1]  # the last one may be cut off
    boundary = read_shallow_boundary(git.place)
    found = [one for one in found if one.sha not in boundary]  # it seems to have made all that is older
    ignored = set(read_ignored_revisions(git)) if found else set()
    marked = [one._replace(is_ignored=one.sha in ignored) for one in found]
    return marked[:most], is_whole and len(marked) <= most


def find_function(git: GitCommand, file: str, name: str, commit: str) -> tuple[int, int]:
    """Return the first and last line of the function *name* of *file* in *commit*; see History.find_function."""
    if not name.strip() or len(name) > _NAME_MAX or "\n" in name or "\0" in file:
        raise UsageError(f"{name!r:.80} names no function", "for example FILE:function, or -L :function:FILE")
    parts = [rf"\b{part}\b" for part in name.split(".")] if _PLAIN.fullmatch(name) else [name]
    try:
        around = _list_lines(git, file, parts[:-1], commit) if len(parts) > 1 else set()
        lines = _list_lines(git, file, parts, commit) - around  # `Class.method`: the method behind the class's line
    except _GitRefusedError as err:
        raise _translate(str(err), file, name, commit) from err
    return min(lines), max(lines)


class _GitRefusedError(Exception):
    """git's reason."""


def _list_lines(git: GitCommand, file: str, expressions: list[str], commit: str) -> set[int]:
    """Return the lines, but for blank ones, of the functions that *expressions* find, each behind the one before."""
    attributes = ["-c", f"core.attributesFile={_ATTRIBUTES}"]
    plain = ["blame", "--porcelain", "--no-textconv", "--no-ignore-revs-file"]
    # `^!` leaves out the parents, so that blame walks no history: only the range that it resolves is wanted.
    ranges = [f"-L:{one}" for one in expressions]
    done = git.run([*attributes, *plain, *ranges, f"{commit}^!", "--", os.fsencode(file)])
    if done.returncode:
        raise _GitRefusedError(get_reason(done.stderr))
    return {int(line) for line in _LINE.findall(done.stdout)}


def _translate(reason: str, file: str, name: str, commit: str) -> Exception:
    if "no match" in reason:
        return NotFoundError(f"{file} has no function {name} at {commit:.10}", "name its lines: FILE:FIRST-LAST")
    if "-L" in reason:
        return UsageError(f"git cannot search for {name!r:.80}: {reason}", "for example -L :function:FILE")
    return NotFoundError(f"{file} is not a file at {commit:.10}", "a function is looked for in a committed file")


def _read_change(part: bytes) -> LineChange:
    head, _, diff = part.lstrip(_MARK).partition(b"\n")
    path, lines, is_within = "", [], False
    for line in diff.split(b"\n"):
        if line.startswith(b"@@ "):
            is_within = True
        elif is_within and line[:1] in (b" ", b"+", b"-"):
            lines.append(line.decode("utf-8", "replace"))
        elif line.startswith((b"+++ b/", b'+++ "b/')):
            path = line[6:].decode("utf-8", "surrogateescape")
    return LineChange(head.decode("ascii", "replace").strip(), path, tuple(lines))
