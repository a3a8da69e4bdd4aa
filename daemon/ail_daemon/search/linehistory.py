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

_KEPT = 256  # ranges of lines; each some shas
_LEAST_S = 0.2  # that `git log -L` gets in any case
_MOST_S = 10.0  # and behind the question's back


class Lines(NamedTuple):
    """blamed: line number -> sha of its last change. logged: shas of all that changed the lines, newest first.

    is_whole: whether that is all there is, or all that is looked for.
    """

    blamed: dict[int, str]
    logged: tuple[str, ...]
    is_whole: bool = True


NO_LINES = Lines({}, ())

_Kept = LRUCache[tuple[object, ...], Lines]


class LineHistories:
    """Asks git, and remembers. Threads may ask at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._kept: _Kept = LRUCache(_KEPT)
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="line-history")
        self._completing: Future[None] | None = None
        self._stop = threading.Event()

    def forget(self) -> None:
        """Forget everything: the names of files among it, of a repository that was removed."""
        with self._lock:
            self._kept = LRUCache(_KEPT)  # another one: what is looked for just now goes into the old one

    def stop(self) -> None:
        """End what is looked for behind questions' backs."""
        with self._lock:
            self._stop.set()
        self._behind.shutdown(cancel_futures=True)

    def find(self, place: RepoPlace, file: str, lines: tuple[int, int]) -> Lines:
        """Return where *lines* (first, last) of *file* at HEAD come from. Raises as History.blame does."""
        key = (place.git_dir, read_signature(place, ()), file, lines)
        with self._lock:
            into, found = self._kept, self._kept.get(key)
        if found is None:
            found = _ask_git(place, file, lines)
            self._keep(into, key, found)
        if not found.is_whole:
            blamed = found.blamed
            self._look_on(lambda stop: self._keep(into, key, Lines(blamed, _log_lines(place, file, lines, stop))))
        return found

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
            blamed = dict(history.blame(file, *lines))
            is_whole = bool(wait([logging], max(_LEAST_S, perf_counter() - began)).done)
        finally:
            stop.set()
        return Lines(blamed, tuple(logging.result()), is_whole)


def _log_lines(place: RepoPlace, file: str, lines: tuple[int, int], stop: threading.Event) -> tuple[str, ...]:
    """Return what changed the lines, as far as that is found in the time there is."""
    timer = threading.Timer(_MOST_S, stop.set)
    timer.start()
    try:
        return tuple(open_history(place, limits=ASKED).log_lines(file, *lines, stop))
    finally:
        timer.cancel()
