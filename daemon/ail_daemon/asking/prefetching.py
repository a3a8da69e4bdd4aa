"""`prefetch`: reads, behind all questions, what git says of every line of a file that somebody has opened in an editor.

blame and `git log -L` take .1 to .3 s for one line of a long history, and a hover should not wait for them. What was read
holds until a ref moves; the next question about the file then has it read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from ail_rpc.discovery import RepoPlace

from ..history.command import Stop
from ..history.signature import read_signature
from ..process.logs import log
from ..process.machine import give_way
from ..repos.repos import Repos
from ..search.filehistory import FileHistory, read_file_history
from ..server.params import text
from .askparams import locate

PREFETCH = text("repo"), text("file")
"""The parameters of `prefetch`, for `Method`."""

KEPT = 16
"""Files, the latest asked about; each some hundred kB."""

WAITING = 8
"""Files that wait to be read. An editor that opens a whole project leaves those that were opened last."""

_NICENESS = 5

_Key = tuple[str, str]  # git directory, file


class _Read(NamedTuple):
    """What was read of a file, None for nothing, and of which state of the refs."""

    signature: str
    history: FileHistory | None


class Prefetching:
    """Reads files ahead, one at a time, in a thread that gives way to every other. Thread-safe."""

    def __init__(self, repos: Repos) -> None:
        self._repos = repos
        self._lock = threading.Lock()  # guards what follows
        self._read: OrderedDict[_Key, _Read] = OrderedDict()
        self._waiting: OrderedDict[_Key, RepoPlace] = OrderedDict()
        self._stop = Stop()
        self._thread: threading.Thread | None = None

    async def prefetch(self, params: dict[str, Any]) -> dict[str, Any]:
        """Have `file` of `repo` read ahead; return ready: whether it was. Raises UsageError, NotEnrolledError."""
        _, place, files = self._repos.find_owner(params["repo"], [params["file"]])
        return {"ready": self.request(place, locate(files[0], place))}

    def request(self, place: RepoPlace, file: str) -> bool:
        """Have *file* read, unless it was; return whether there is nothing left to read."""
        key, signature = (place.git_dir, file), read_signature(place, ())
        with self._lock:
            if (read := self._read.get(key)) and read.signature == signature:
                self._read.move_to_end(key)
                return True
            self._waiting[key] = place
            self._waiting.move_to_end(key)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
                self._thread.start()
            return False

    def find(self, place: RepoPlace, file: str) -> FileHistory | None:
        """Return what was read of *file*, None where nothing is or refs have moved since: then it is read again."""
        key = place.git_dir, file
        with self._lock:
            read = self._read.get(key)
        return read.history if read and self.request(place, file) else None

    def forget(self) -> None:
        """Forget everything: it holds texts of removed repositories too."""
        with self._lock:
            self._read, self._waiting = OrderedDict(), OrderedDict()

    def stop(self) -> None:
        """Stop reading."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread:
            thread.join()

    def _work(self) -> None:
        """Read what waits, the latest first, until nothing does."""
        give_way(_NICENESS)
        while True:
            with self._lock:
                if not self._waiting or self._stop.is_set():
                    self._thread = None
                    return
                key, place = self._waiting.popitem()
                into = self._read
            read = self._read_ahead(place, key[1])
            with self._lock:
                into[key] = read
                into.move_to_end(key)
                while len(into) > KEPT:
                    into.popitem(last=False)

    def _read_ahead(self, place: RepoPlace, file: str) -> _Read:
        signature = read_signature(place, ())  # before: what moves meanwhile makes what was read of no use
        try:
            return _Read(signature, read_file_history(place, file, self._stop))
        except Exception as err:  # noqa: BLE001 - a background task: nobody waits for it, the log gets the place
            log("prefetch_failed", level="warning", error=err)
            return _Read(signature, None)
