"""Events on macOS, through watchdog's Observer: one recursive stream a repository, which sleeps until something happens.

FSEvents watches trees, not directories, so that events of objects/ come too and are dropped here, and no watch is used up by a
directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from ail_rpc.discovery import RepoPlace

from .plan import REBASES, Role, is_rebasing, tells_of_a_move

_QUIET = frozenset(("opened", "closed_no_write"))
_ROLES: dict[str, Role] = {"": "git", "refs": "refs", "reftable": "reftable"}


class ObserverWatches:
    """The interface of `InotifyWatches`. These streams do not report lost events: the timer finds what they miss."""

    def __init__(self, on_move: Callable[[str], None], on_overflow: Callable[[], None]) -> None:
        del on_overflow
        self._on_move = on_move
        self._lock = Lock()
        self._watches: dict[str, ObservedWatch] = {}
        self._observer: BaseObserver = Observer(
            timeout=3600
        )  # its thread waits on a queue; the time only bounds a stop

    def start(self) -> None:
        """Start reporting events."""
        self._observer.start()

    def stop(self) -> None:
        """End every stream."""
        self._observer.stop()
        self._observer.join()

    @property
    def is_alive(self) -> bool:
        """Whether events are still read."""
        return self._observer.is_alive()

    def count(self) -> int:
        """Return how many streams are in use."""
        return len(self._watches)

    def has(self, key: str, path: str, place: RepoPlace | None) -> bool:
        """Say whether *key* is watched, and its directory is there; a stream outlives what is put in its place."""
        del place
        return key in self._watches and os.path.isdir(path)

    def watch(self, key: str, path: str, place: RepoPlace | None) -> None:
        """Watch the repository at *place*, or (None) the directory *path* alone. Raises OSError."""
        with self._lock:
            self._drop(key)
            handler = _Handler(path, place is None, lambda: self._on_move(key))
            self._watches[key] = self._observer.schedule(handler, path, recursive=place is not None)

    def unwatch(self, key: str) -> None:
        """End a key's stream."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: str) -> None:
        if watch := self._watches.pop(key, None):
            self._observer.unschedule(watch)


class _Handler(FileSystemEventHandler):
    """Calls *on_move* for what may be a move of a ref below the git directory *top*, or any file written in a plain one."""

    def __init__(self, top: str, is_plain: bool, on_move: Callable[[], None]) -> None:
        self._top = top
        self._is_plain = is_plain
        self._on_move = on_move

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take one event; a rename has two paths."""
        if event.event_type in _QUIET:
            return
        paths = {os.fsdecode(path) for path in (event.src_path, event.dest_path) if path}
        if any(self._counts(path, event) for path in paths):
            self._on_move()

    def _counts(self, path: str, event: FileSystemEvent) -> bool:
        if path == self._top:
            return event.event_type in ("deleted", "moved")
        inside, name = os.path.split(os.path.relpath(path, self._top))
        if self._is_plain:
            return not event.is_directory and event.event_type in ("closed", "modified", "moved") and not inside
        role = _find_role(inside)
        if (name in REBASES or (name == "HEAD" and role != "refs")) and is_rebasing(os.path.dirname(path)):
            return False  # its end is told, when the directory goes
        return inside.split("/")[0] != ".." and tells_of_a_move(role, name)


def _find_role(inside: str) -> Role:
    """Return the role of the directory *inside*, a path relative to the git directory."""
    first, _, rest = inside.partition("/")
    if first == "worktrees":
        return "worktrees" if not rest else "reftable" if rest.endswith("/reftable") else "worktree"
    return _ROLES.get(first, "root")  # objects/ and the rest: nothing counts
