"""Which commits the asked lines come from: blame, and what changed them before, both asked of git at the same time.

Blame names the last change alone, and a question is about that in two of three cases; `git log -L` finds half of the others. It
gets as long as blame took, and once more that: a file of ten thousand commits must not keep a question waiting. What it had not
found by then is looked for behind the question's back, for the next one: what a busy machine was asked must not stay less sure.
What was found is kept by the state of the repository's refs, so that the next question about the same lines costs nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import NamedTuple

from cachetools import LRUCache

from ail_rpc.discovery import RepoPlace

from ..history.limits import ASKED
from ..history.opening import open_history
from ..history.signature import read_signature
from ..text.passages import FileChange, Hunk, Passage, find_passages

_FILE_BYTES = 1 << 20
_CODE_CHARS = 4000
_KEPT = 256  # ranges of lines; each some shas
_LEAST_S = 1.2  # that `git log -L` gets in any case: a second is better than a wrong answer
_MOST_S = 10.0  # and behind the question's back


class Lines(NamedTuple):
    """What git says of a file, or of some lines of it.

    blamed: line number -> sha of its last change. logged: shas of all that changed the lines, newest first. is_whole: whether
    that is all there is, or all that is looked for. around: as blamed, of the lines beside them as well. standing: the
    passages of the file at HEAD. code: the text of the asked lines.
    """

    blamed: dict[int, str]
    logged: tuple[str, ...]
    is_whole: bool = True
    around: dict[int, str] = {}  # noqa: RUF012 - never changed
    standing: tuple[Passage, ...] = ()
    code: str = ""


NO_LINES = Lines({}, ())

_ABOVE, _BELOW = 40, 6
"""Lines beside the asked ones that are blamed too: a comment stands above the code that it is about."""

_Kept = LRUCache[tuple[object, ...], Lines]


class LineHistories:
    """Asks git, and remembers. Threads may ask at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._kept: _Kept = LRUCache(_KEPT)
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="line-history")
        self._completing: Future[None] | None = None
        self._stop = threading.Event()
        self._is_stopping = False

    def forget(self) -> None:
        """Forget everything: the names of files among it, of a repository that was removed."""
        with self._lock:
            self._kept = LRUCache(_KEPT)  # another one: what is looked for just now goes into the old one

    def stop(self) -> None:
        """End what is looked for behind questions' backs."""
        with self._lock:
            self._is_stopping = True
            self._stop.set()
        self._behind.shutdown(cancel_futures=True)

    def find(self, place: RepoPlace, file: str, lines: tuple[int, int] | None) -> Lines:
        """Return where *lines* (first, last) of *file* at HEAD come from, None: what stands in the file alone.

        Raises as History.blame does.
        """
        key = (place.git_dir, read_signature(place, ()), file, lines)
        with self._lock:
            into, found = self._kept, self._kept.get(key)
        if found is None:
            found = _ask_git(place, file, lines) if lines else Lines({}, (), standing=_read_standing(place, file)[0])
            self._keep(into, key, found)
        if lines and not found.is_whole:
            self._look_on(lambda stop: self._complete(into, key, found, _log_lines(place, file, lines, stop)))
        return found

    def _complete(self, into: _Kept, key: tuple[object, ...], begun: Lines, logged: tuple[str, ...]) -> None:
        if not self._is_stopping:  # what was cut off there is not whole
            self._keep(into, key, begun._replace(logged=logged, is_whole=True))

    def _keep(self, into: _Kept, key: tuple[object, ...], found: Lines) -> None:
        with self._lock:
            into[key] = found

    def _look_on(self, complete: Callable[[threading.Event], None]) -> None:
        """Have one range's rest looked for; another's is when somebody asks about that again."""
        with self._lock:
            if self._completing is None or self._completing.done():
                self._stop = threading.Event()
                with contextlib.suppress(RuntimeError):  # the daemon is stopping
                    self._completing = self._behind.submit(complete, self._stop)


def _ask_git(place: RepoPlace, file: str, lines: tuple[int, int]) -> Lines:
    history, stop, began = open_history(place, limits=ASKED), threading.Event(), perf_counter()
    with ThreadPoolExecutor(1, thread_name_prefix="log-lines") as pool:
        logging = pool.submit(history.log_lines, file, *lines, stop)
        try:
            first, last = lines
            around = dict(history.blame(file, max(first - _ABOVE, 1), last + _BELOW))
            standing, content = _read_standing(place, file)
            is_whole = bool(wait([logging], max(_LEAST_S, perf_counter() - began)).done)
        finally:
            stop.set()
        blamed = {line: sha for line, sha in around.items() if first <= line <= last}
        if not blamed:  # no such lines: let git say how many there are
            blamed = dict(history.blame(file, first, last))
        code = "\n".join(content[first - 1 : last])[:_CODE_CHARS]
        return Lines(blamed, tuple(logging.result()), is_whole, around, standing, code)


def _read_standing(place: RepoPlace, file: str) -> tuple[tuple[Passage, ...], list[str]]:
    """Return the passages that stand in *file* at HEAD, and its lines; none of a file that is not there, or too large."""
    content = open_history(place, limits=ASKED).read_file(file)
    if content is None or len(content) > _FILE_BYTES:
        return (), []
    lines = content.decode("utf-8", "replace").splitlines()
    return tuple(find_passages([FileChange(file, [Hunk(0, 1, [], lines)])], is_bounded=False)), lines


def _log_lines(place: RepoPlace, file: str, lines: tuple[int, int], stop: threading.Event) -> tuple[str, ...]:
    """Return what changed the lines, as far as that is found in the time there is."""
    timer = threading.Timer(_MOST_S, stop.set)
    timer.start()
    try:
        return tuple(open_history(place, limits=ASKED).log_lines(file, *lines, stop))
    finally:
        timer.cancel()
