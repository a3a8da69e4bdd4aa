"""Reads the changed lines of commits, in one stream of `git diff-tree -p`, bounded a file and a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ail_daemon.history.limits import USUAL
from ail_daemon.text.passages import CommitChanges, FileChange, Hunk, find_passages

from .command import GitCommand
from .objects import list_all
from .refs import is_partial, read_shallow_boundary
from .resuming import hold_back_last, read_resuming
from .unwanted import ATTRIBUTES, PATHSPECS, is_unwanted

FILE_BYTES = 16 << 10
COMMIT_BYTES = USUAL.diff_bytes
_BLOBS = (
    "-c", "core.quotePath=false", "diff-tree", "--stdin", "--always", "--root", "-r", "--raw", "--no-abbrev", "--no-renames",
    "--no-ext-diff", "--ignore-submodules=all", "--format=commit %H",
)  # fmt: skip
FEW = 8  # commits of a partial clone, of which git may die one after the other: listing all that is here takes longer
_LEAST_PATH = 6  # a shorter one may be any word
_LINE_BYTES = 2 << 10  # a longer line is data, whatever the file is called

_HUNK = re.compile(rb"@@ -(\d+)(?:,\d+)? \+(\d+)")
PASSAGE_BYTES = 512 << 10
"""Of a commit's changed lines, in which passages are looked for."""

_MARK = b"commit "  # no line of a diff begins so: its lines begin with a sign, its headers with other words
DIFF = (
    "-c", f"core.attributesFile={ATTRIBUTES}", "-c", "core.quotePath=false",
    "diff-tree", "--stdin", "--always", "--root", "-r", "-p", "-U0", "-w", "--ignore-blank-lines", "-M", "-l200",
    "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/",
    "--format=commit %H",
)  # fmt: skip
"""git's words for changed lines. -l200: vendored files, too, are compared when renames are looked for, each with each."""
NARROWED = (*DIFF, "--", *PATHSPECS)
"""Without the files that are left out: git would die of a missing vendored blob when it looks for renames. It takes two to
seven times as long (`python -m bench.changes`), so only where one is missing."""


class Lacking(NamedTuple):
    """Commits of a partial clone that change blobs which are not here.

    wanted: some of files whose lines are read: they cannot be. unwanted: of files that are left out alone.
    """

    wanted: set[str]
    unwanted: set[str]


class ChangeReader:
    """Reads changed lines of one repository; *skipped* is where shas are put whose blobs are damaged.

    present: what a partial clone has, None: to be listed.
    """

    def __init__(
        self, git: GitCommand, skipped: list[str], commit_bytes: int = COMMIT_BYTES, present: set[str] | None = None
    ) -> None:
        self._git = git
        self._skipped = skipped
        self._commit_bytes = commit_bytes
        self._is_partial = is_partial(git.place)
        self._present = present

    def iter_changes(self, shas: Iterable[str]) -> Iterator[CommitChanges]:
        """Yield the changes of those that have any, in the order of *shas*."""
        boundary = read_shallow_boundary(self._git.place)
        wanted = (sha for sha in shas if sha not in boundary)
        for _, changes in read_resuming(self._git, wanted, self._read, self._give_up):
            if changes.text:
                yield changes

    def _read(self, shas: list[str]) -> Iterator[tuple[str, CommitChanges]]:
        if not self._is_partial:
            yield from self._stream(shas, DIFF)
        elif len(shas) <= FEW:
            yield from self._stream(shas, NARROWED)
        else:
            yield from self._read_partial(shas)

    def _read_partial(self, shas: list[str]) -> Iterator[tuple[str, CommitChanges]]:
        """Yield as `_read`, without the lines of commits of which a blob is missing: git would die of each of them."""
        lacking = find_lacking(self._git, shas, self._present or list_all(self._git))
        readable = [sha for sha in shas if sha not in lacking.wanted]
        whole = self._stream([sha for sha in readable if sha not in lacking.unwanted], DIFF)
        narrowed = self._stream([sha for sha in readable if sha in lacking.unwanted], NARROWED)
        for sha in shas:
            stream = narrowed if sha in lacking.unwanted else whole
            record = (sha, CommitChanges(sha, "")) if sha in lacking.wanted else next(stream, None)
            if record is None:
                return
            yield record

    def _stream(self, shas: list[str], diff: Sequence[str]) -> Iterator[tuple[str, CommitChanges]]:
        if not shas:
            return
        with self._git.stream(diff, shas) as output:
            for sha, record in zip(
                shas, hold_back_last(collect_changes(output.lines, self._commit_bytes), output), strict=False
            ):
                if record.sha != sha:  # an unknown sha: git says nothing and goes on
                    return
                yield sha, record

    def _give_up(self, sha: str) -> Iterator[tuple[str, CommitChanges]]:
        if not self._is_partial:
            self._skipped.append(sha)
        return iter(())


def find_lacking(git: GitCommand, shas: list[str], present: set[str]) -> Lacking:
    """Return those of *shas* that change a blob which is missing, and so cannot be read as others are.

    present: what is here (`list_all`). Which blobs each commit changes takes its trees alone. Where trees are missing too,
    git ends early, and the commits after that count as lacking what is wanted.
    """
    missing: dict[str, list[bool]] = {}  # of each commit, for each blob that is not here: is its file unwanted?
    with git.stream(_BLOBS, shas) as output:
        of_commit: list[bool] = []
        for line in output.lines:
            if line.startswith(_MARK):
                of_commit = missing.setdefault(line[len(_MARK) : -1].decode(), [])
            elif line.startswith(b":") and not present.issuperset(_list_blobs(line)):
                path = line.rstrip(b"\n").partition(b"\t")[2].strip(b'"').decode("utf-8", "surrogateescape")
                of_commit.append(is_unwanted(path))
        is_whole = output.is_whole()
    if not is_whole and missing:
        missing.popitem()
    wanted = {sha for sha in shas if sha not in missing or not all(missing[sha])}
    return Lacking(wanted, {sha for sha in shas if sha not in wanted and missing[sha]})


def _list_blobs(line: bytes) -> list[str]:
    """Return the blobs of one line of `--raw`, before and after: neither what is not there nor submodules."""
    modes = line.split(b" ", 4)
    return [modes[i + 2].decode() for i in (0, 1) if modes[i].lstrip(b":") not in (b"000000", b"160000")]


def collect_changes(lines: Iterable[bytes], commit_bytes: int = COMMIT_BYTES) -> Iterator[CommitChanges]:
    """Yield the changes of every commit of a stream of patches; their text has at most *commit_bytes*."""
    commit: _Collected | None = None
    for line in lines:
        if line.startswith(_MARK):
            if commit:
                yield commit.finish()
            commit = _Collected(line[len(_MARK) : -1].decode(), commit_bytes)
        elif commit:
            commit.add(line)
    if commit:
        yield commit.finish()


class _Collected:
    """What is kept of one commit's patch."""

    def __init__(self, sha: str, room: int) -> None:
        self.sha = sha
        self._kept: list[bytes] = []
        self._room = room
        self._file_room = FILE_BYTES
        self._in_hunk = False  # before the first one, `---` and `+++` name the file
        self._path = b""
        self._is_unwanted = False  # the file at hand; git prints lines of it where the repository's attributes say so
        self._files: list[FileChange] = []
        self._hunks: list[Hunk] = []  # of the file at hand
        self._sides: tuple[list[str], list[str]] = [], []  # of the hunk at hand: what it removes, what it adds
        self._passage_room = PASSAGE_BYTES

    def add(self, line: bytes) -> None:
        first = line[:1]
        if first == b"@":
            self._begin_hunk(line)
        elif self._in_hunk and first in (b"+", b"-"):
            self._take_line(line)
        elif line.startswith(b"diff "):
            self._in_hunk, self._file_room, self._path, self._is_unwanted = False, FILE_BYTES, b"", False
            self._hunks = []
        elif line.startswith((b"--- a/", b"+++ b/")):
            self._begin_side(line)

    def _begin_hunk(self, line: bytes) -> None:
        if self._is_unwanted:
            self._in_hunk = True
            return
        if context := line.split(b"@@", 2)[-1].strip():
            self._keep(b"@@ " + context + b"\n")
        if not self._in_hunk:
            self._in_hunk = True
            self._files.append(FileChange(self._path.decode("utf-8", "surrogateescape"), self._hunks))
        if match := _HUNK.match(line):
            self._sides = [], []
            self._hunks.append(Hunk(int(match[1]), int(match[2]), *self._sides))

    def _begin_side(self, line: bytes) -> None:
        self._path = line[6:].rstrip(b"\n\t")
        self._is_unwanted = is_unwanted(self._path.decode("utf-8", "surrogateescape"))

    def _take_line(self, line: bytes) -> None:
        if self._is_unwanted:
            return
        if (
            len(self._path) < _LEAST_PATH or self._path not in line
        ):  # a header or a list says what the path says already
            self._keep(line)
        self._keep_for_passages(line)

    def _keep(self, line: bytes) -> None:
        size = len(line)
        if size <= self._file_room and size <= self._room and size <= _LINE_BYTES:
            self._kept.append(line)
            self._room -= size
            self._file_room -= size

    def _keep_for_passages(self, line: bytes) -> None:
        self._passage_room -= len(line)
        if self._hunks and self._passage_room > 0:
            removed, added = self._sides
            (added if line[:1] == b"+" else removed).append(line[1:].rstrip(b"\r\n").decode("utf-8", "replace"))

    def finish(self) -> CommitChanges:
        """Return what was kept."""
        text = b"".join(self._kept).decode("utf-8", "replace")
        return CommitChanges(self.sha, text, tuple(find_passages(self._files)))
