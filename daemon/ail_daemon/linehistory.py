"""Which commits the asked lines come from: blame, and what changed them before, both asked of git at the same time.

Blame names the last change alone, and a question is about that in two of three cases; `git log -L` finds half of the others. It
gets as long as blame took, and once more that: a file of ten thousand commits must not keep a question waiting. What was found is
kept by the state of the repository's refs, so that the next question about the same lines costs nothing.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple

from cachetools import LRUCache

from ail_rpc.discovery import RepoPlace

from .history.opening import open_history
from .limits import ASKED
from .signature import read_signature

_KEPT = 256  # ranges of lines; each some shas
_LEAST_S = 0.2  # that `git log -L` gets in any case


class Lines(NamedTuple):
    """blamed: line number -> sha of its last change. logged: shas of all that changed the lines, newest first."""

    blamed: dict[int, str]
    logged: tuple[str, ...]


NO_LINES = Lines({}, ())


class LineHistories:
    """Asks git, and remembers. Threads may ask at any time."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[object, ...], Lines] = LRUCache(_KEPT)
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Forget everything: the names of files among it, of a repository that was removed."""
        with self._lock:
            self._kept.clear()

    def find(self, place: RepoPlace, file: str, lines: tuple[int, int]) -> Lines:
        """Return where *lines* (first, last) of *file* at HEAD come from. Raises as History.blame does."""
        key = (place.git_dir, read_signature(place, ()), file, lines)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = _ask_git(place, file, lines)
            with self._lock:
                self._kept[key] = kept
        return kept


def _ask_git(place: RepoPlace, file: str, lines: tuple[int, int]) -> Lines:
    history, stop, began = open_history(place, limits=ASKED), threading.Event(), perf_counter()
    with ThreadPoolExecutor(1, thread_name_prefix="log-lines") as pool:
        logging = pool.submit(history.log_lines, file, *lines, stop)
        timer: threading.Timer | None = None
        try:
            blamed = dict(history.blame(file, *lines))
            timer = threading.Timer(max(_LEAST_S, perf_counter() - began), stop.set)
            timer.start()
            logged = logging.result()
        finally:
            stop.set()
            if timer:
                timer.cancel()
    return Lines(blamed, tuple(logged))
