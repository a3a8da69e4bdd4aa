"""Which commits the asked lines come from: blame and earlier changes, both asked of git at the same time.

Blame names only the last change, and a question is about that in two of three cases; `git log -L` finds half of the others. It
gets as long as blame took, and that again: a file of ten thousand commits must not keep a question waiting. The rest is found
in the background, for the next question: a busy machine's answers must not stay less sure. Results are cached by the
state of the repository's refs, so that the next question about the same lines costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import NamedTuple

from cachetools import LRUCache

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, UsageError

from ..history.command import Stop
from ..history.limits import ASKED
from ..history.opening import open_history
from ..history.signature import read_signature
from ..history.worktree import LineMap
from ..text.passages import Passage
from .filehistory import FileHistory, read_standing

_CODE_CHARS = 4000
_KEPT = 256  # ranges of lines; each some shas
_LEAST_S = 1.2  # at least, for `git log -L`: a second is better than a wrong answer
_MOST_S = 10.0  # and in the background


class Lines(NamedTuple):
    """What git says of a file, or of some lines of it.

    blamed: line number -> sha of its last change. logged: shas of all that changed the lines, newest first. is_whole: whether
    that is all there is, or all that is sought. notice: that some are not committed yet, None: all are. there: first and
    last line numbers in the commit. around: as blamed, by the commit's lines, neighbours included. standing: the
    passages of the file in the commit. code: the text of the asked lines.
    """

    blamed: dict[int, str]
    logged: tuple[str, ...]
    is_whole: bool = True
    notice: str | None = None
    there: tuple[int, int] = (0, 0)
    around: dict[int, str] = {}  # noqa: RUF012 - never changed
    standing: tuple[Passage, ...] = ()
    code: str = ""

    @property
    def are_older(self) -> bool:
        """Whether no commit that is there made the lines: those of a shallow clone may be older than all it has."""
        return self.there != (0, 0) and not self.blamed


NO_LINES = Lines({}, ())

_ABOVE, _BELOW = 40, 6
"""Lines beside the asked ones that are blamed too: a comment stands above the code that it is about."""

_Kept = LRUCache[tuple[object, ...], Lines]


class NotCommittedError(NotFoundError):
    """None of the asked lines is in any commit yet."""


class LineHistories:
    """Asks git, and caches. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._kept: _Kept = LRUCache(_KEPT)
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="line-history")
        self._completing: Future[None] | None = None
        self._stop = Stop()
        self._is_stopping = False

    def forget(self) -> None:
        """Clear the cache: it holds file names of removed repositories too."""
        with self._lock:
            self._kept = LRUCache(_KEPT)  # a new one: searches under way write into the old one

    def stop(self) -> None:
        """Stop the searches in the background."""
        with self._lock:
            self._is_stopping = True
            self._stop.set()
        self._behind.shutdown(cancel_futures=True)

    def find(
        self,
        place: RepoPlace,
        file: str,
        lines: tuple[int, int] | None,
        contents: bytes | None = None,
        commit: str = "HEAD",
        ahead: FileHistory | None = None,
    ) -> Lines:
        """Return where *lines* (first, last) of *file* come from, counted in *contents* (None: as *commit* has them).

        lines None: only `standing`. ahead: what was read ahead of the file in *commit*; None: git is asked. Raises as
        History.blame does, and NotCommittedError.
        """
        state = contents and hash_text(contents)
        key = (place.git_dir, read_signature(place, ()), file, lines, state, commit)
        with self._lock:
            into, found = self._kept, self._kept.get(key)
        if found is None:
            if lines and ahead:
                found = _look_up(place, file, lines, contents, ahead)
            elif lines:
                found = _ask_git(place, file, lines, contents, commit)
            else:
                standing = ahead.passages if ahead else read_standing(place, file, commit)[0]
                found = Lines({}, (), standing=standing)
            self._keep(into, key, found)
        if not found.is_whole:
            begun = found
            self._look_on(lambda stop: self._complete(into, key, _look_for_all(place, file, begun, commit, stop)))
        return found

    def _complete(self, into: _Kept, key: tuple[object, ...], found: Lines) -> None:
        if not self._is_stopping:  # a search cut off then is incomplete
            self._keep(into, key, found)

    def _keep(self, into: _Kept, key: tuple[object, ...], found: Lines) -> None:
        with self._lock:
            into[key] = found

    def _look_on(self, complete: Callable[[Stop], None]) -> None:
        """Complete one range in the background; others wait for the next question about them."""
        with self._lock:
            if self._completing is None or self._completing.done():
                self._stop = Stop()
                with contextlib.suppress(RuntimeError):  # the daemon is stopping
                    self._completing = self._behind.submit(complete, self._stop)


def _ask_git(place: RepoPlace, file: str, lines: tuple[int, int], contents: bytes | None, commit: str) -> Lines:
    history, stop, began = open_history(place, limits=ASKED), Stop(), perf_counter()
    mapping = history.map_lines(file, contents, commit) if contents is not None else None
    asked = _Mapped.of(file, lines, mapping)
    with ThreadPoolExecutor(1, thread_name_prefix="log-lines") as pool:
        logging = pool.submit(history.log_lines, file, *asked.there, stop, commit)
        try:
            first, last = asked.there
            around = dict(history.blame(file, max(first - _ABOVE, 1), last + _BELOW, commit=commit))
            within = {line: sha for line, sha in around.items() if first <= line <= last}
            if not within:  # no such lines: git's error says how many there are
                within = dict(history.blame(file, first, last, commit=commit))
            standing, content = read_standing(place, file, commit)
            is_whole = bool(wait([logging], max(_LEAST_S, perf_counter() - began)).done)
        finally:
            stop.set()
        code = "\n".join(content[first - 1 : last])[:_CODE_CHARS]
        logged, blamed = tuple(logging.result()), asked.back(within.items())
        return Lines(blamed, logged, is_whole, asked.notice, asked.there, around, standing, code)


def _look_up(place: RepoPlace, file: str, lines: tuple[int, int], contents: bytes | None, ahead: FileHistory) -> Lines:
    """Return of what was read ahead what `_ask_git` finds."""
    is_same = contents is None or contents == ahead.content
    mapping = None if is_same else open_history(place, limits=ASKED).map_lines(file, contents or b"")
    asked = _Mapped.of(file, lines, mapping)
    first, last = asked.there
    if first > ahead.total:
        raise UsageError(f"{file} has {ahead.total:,} lines at HEAD", "name lines of the file as it was committed last")
    near = range(max(first - _ABOVE, 1), last + _BELOW + 1)
    around = {line: ahead.blamed[line] for line in near if line in ahead.blamed}
    blamed = asked.back((line, sha) for line, sha in around.items() if first <= line <= last)
    code = "\n".join(ahead.lines[first - 1 : last])[:_CODE_CHARS]
    logged = tuple(ahead.log.find(first, last))
    return Lines(blamed, logged, True, asked.notice, asked.there, around, ahead.passages, code)


def _look_for_all(place: RepoPlace, file: str, found: Lines, commit: str, stop: Stop) -> Lines:
    """Return *found* with the earlier changes of the lines, as far as they are found in time."""
    timer = threading.Timer(_MOST_S, stop.set)
    timer.start()
    try:
        logged = open_history(place, limits=ASKED).log_lines(file, *found.there, stop, commit)
        return found._replace(logged=tuple(logged), is_whole=True)
    finally:
        timer.cancel()


class _Mapped(NamedTuple):
    """Asked lines as the commit has them. there: (first, last); here: line there -> line as asked, None: the same; notice."""

    there: tuple[int, int]
    here: dict[int, int] | None = None
    notice: str | None = None

    @classmethod
    def of(cls, file: str, lines: tuple[int, int], mapping: LineMap | None) -> _Mapped:
        """Return *lines* mapped. Raises UsageError past the end, NotCommittedError."""
        if mapping is None:
            return cls(lines)
        if lines[0] > mapping.total:
            raise UsageError(f"{file} has {mapping.total:,} lines", "lines are those of the file as it stands")
        found = {line: mapping.find(line) for line in range(lines[0], min(lines[1], mapping.total) + 1)}
        new = [line for line, (_, is_committed) in found.items() if not is_committed]
        there = {old: line for line, (old, _) in reversed(found.items()) if old is not None}
        said = f"{_name(new)} of {file} {'is' if len(new) == 1 else 'are'} not committed yet"
        if not there:
            raise NotCommittedError(
                said, "lines have a history once they are committed; ask about the file, or other lines"
            )
        return cls((min(there), max(there)), there, said if new else None)

    def back(self, blamed: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return what blame says, by the lines as they were asked."""
        here = self.here
        return {line if here is None else here[line]: sha for line, sha in blamed if here is None or line in here}


def _name(lines: list[int]) -> str:
    """Return "line 3", "lines 3-5", "lines 3, 7-8"."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    named = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs[:5])
    return f"line{'s' if len(lines) > 1 else ''} {named}{' and others' if len(runs) > 5 else ''}"


def hash_text(contents: bytes) -> bytes:
    """Return what identifies a text."""
    return hashlib.blake2b(contents, digest_size=16).digest()
