"""The kernel's events on Linux: one inotify instance and one thread for all repositories, through watchdog's `InotifyFD`.

watchdog's own Observer has a thread for each watch that wakes up every second, and does not report overflows to its
handlers; `InotifyFD` below it blocks, and reports them.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchDescriptor
from watchdog.observers.inotify_c import InotifyConstants as In

from ail_rpc.discovery import RepoPlace

from .plan import REBASES, Spot, is_rebasing, plan, tells_of_a_move

_FLAGS = In.IN_ONLYDIR | In.IN_DONT_FOLLOW | In.IN_EXCL_UNLINK | In.IN_MASK_ADD
_SELF = In.IN_DELETE_SELF | In.IN_MOVE_SELF
_WRITTEN = In.IN_CLOSE_WRITE | In.IN_MOVED_TO
_ANY = _WRITTEN | In.IN_CREATE | In.IN_DELETE | In.IN_MOVED_FROM
_MOST_PLANS = 8  # in a row: while somebody makes directories as fast, the next event plans again
_ID = CallbackId(1)  # one callback serves every watch, so that it hears of an overflow once


@dataclass(slots=True)
class _Watched:
    """One key: where its repository lies (None: a plain directory), what tells it from another, its watches, what failed."""

    place: RepoPlace | None
    identity: tuple[str | int, ...]
    watches: dict[str, WatchDescriptor] = field(default_factory=dict)
    error: OSError | None = None


class InotifyWatches:
    """Calls *on_move* with the key of a repository whose refs may have moved, and *on_overflow* if events were lost."""

    def __init__(self, on_move: Callable[[str], None], on_overflow: Callable[[], None]) -> None:
        self._on_move = on_move
        self._on_overflow = on_overflow
        self._lock = Lock()  # taken before InotifyFD's own, which is never held while it calls us
        self._watched: dict[str, _Watched] = {}
        self._spots: dict[WatchDescriptor, list[tuple[str, Spot]]] = {}
        self._is_stopping = False
        logging.getLogger(
            "watchdog"
        ).propagate = False  # it would write to stderr; an overflow is reported and logged above
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)  # two keys may share a directory
        self._kernel = InotifyFD()
        self._kernel.name = "watcher"

    def start(self) -> None:
        """Start reporting events."""
        self._kernel.start()

    def stop(self) -> None:
        """Remove the watches and end the thread; nothing is reported once this returns."""
        with self._lock:
            self._is_stopping = True
        self._kernel.stop()
        if self._kernel.is_alive():
            self._kernel.join()

    @property
    def is_alive(self) -> bool:
        """Whether events are still read."""
        return self._kernel.is_alive()

    def count(self) -> int:
        """Return how many of the user's watches are in use."""
        return len(self._spots)

    def has(self, key: str, path: str, place: RepoPlace | None) -> bool:
        """Say whether that is watched as *key* already, and whole: neither replaced since, nor cut by a limit."""
        known = self._watched.get(key)
        try:
            return known is not None and not known.error and known.identity == _identify(path, place)
        except OSError:
            return False

    def watch(self, key: str, path: str, place: RepoPlace | None) -> None:
        """Watch the repository at *place*, or (None) the directory *path* alone, in place of what *key* was before.

        Raises OSError: ENOSPC where a limit is reached, ENOENT where there is nothing to watch. Then nothing is watched.
        """
        fresh = _Watched(place, _identify(path, place))
        with self._lock:
            self._forget(key)
            self._watched[key] = fresh
            self._settle(key, path)
            if error := self._watched[key].error:
                self._forget(key)
                raise error

    def unwatch(self, key: str) -> None:
        """Remove a key's watches, if it has any."""
        with self._lock:
            self._forget(key)

    # --- called by watchdog, on its thread -------------------------------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        """Handle one event; see inotify(7)."""
        name = os.fsdecode(event.name)
        with self._lock:
            at = list(self._spots.get(event.wd, ()))
            moved = dict.fromkeys(key for key, spot in at if self._is_move(key, spot, event, name))
        self._tell(moved)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Handle the removal of a watched directory, or of its file system."""
        with self._lock:
            at = self._spots.pop(wd, [])
            for key, spot in at:
                if known := self._watched.get(key):
                    known.watches.pop(spot.path, None)
                    self._end_if_gone(key, spot)
                    if key in self._watched:  # the directory around it may have no watch to tell of that
                        self._settle(key, spot.path)
        self._tell(dict.fromkeys(key for key, _ in at))

    def on_queue_overflow(self) -> None:
        """Handle an overflow: directories made meanwhile get their watches now."""
        with self._lock:
            for key, known in list(self._watched.items()):
                if known.place:
                    self._settle(key, known.place.common_dir)
        self._on_overflow()

    def _tell(self, keys: Iterable[str]) -> None:
        if not self._is_stopping:
            for key in keys:
                self._on_move(key)

    # --- with the lock held ----------------------------------------------------------------------------------------

    def _is_move(self, key: str, spot: Spot, event: InotifyEvent, name: str) -> bool:
        if event.mask & _SELF:
            self._end_if_gone(key, spot)
            return True
        known = self._watched.get(key)
        if known is None or not tells_of_a_move(spot.role, name):
            return False
        if spot.role == "plain":
            return bool(event.mask & _WRITTEN) and not event.is_directory
        if (name in REBASES or (name == "HEAD" and spot.role != "refs")) and is_rebasing(spot.path):
            return False  # its end is told, when the directory goes
        if event.is_directory:
            self._drop(key, os.path.join(spot.path, name))  # should one of that name be there again, it is another
            self._settle(key, spot.path)
        elif name == "HEAD":  # the branch it names now may matter more
            self._settle(key, spot.path)
        return True

    def _end_if_gone(self, key: str, spot: Spot) -> None:
        """Forget a repository that was removed, renamed or unmounted: what is put in its place is watched when asked for."""
        if spot.role in ("git", "root", "plain"):
            self._forget(key)

    def _settle(self, key: str, path: str) -> None:
        """Make the watches of *key* those that its plan names now; *path* is what a plain one consists of.

        Planned again after each addition: no event reports what was made below a directory just before it was watched.
        """
        known = self._watched[key]
        for _ in range(_MOST_PLANS):
            spots = plan(known.place) if known.place else [Spot(path, "plain")]
            for gone in known.watches.keys() - {spot.path for spot in spots}:
                self._drop(key, gone)
            known.error = None if spots else FileNotFoundError(errno.ENOENT, "gone", path)
            missing = [spot for spot in spots if spot.path not in known.watches]
            for spot in missing:
                self._add(key, spot, known)
            if not missing or known.error:
                return

    def _add(self, key: str, spot: Spot, known: _Watched) -> None:
        mask = _FLAGS | _SELF | {"root": 0, "plain": _WRITTEN}.get(spot.role, _ANY)
        try:
            wd = self._kernel.add_callback(os.fsencode(spot.path), Mask(mask), self, _ID)
            if wd < 0:  # so watchdog 7.1.0 says EACCES
                self._kernel.remove_callbacks([(wd, _ID)])
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), spot.path)
        except OSError as err:
            if err.errno not in (errno.ENOENT, errno.ENOTDIR) or spot.role in ("git", "plain"):
                known.error = err  # else it went meanwhile, and the directory around it tells of that
            return
        self._spots.setdefault(wd, []).append((key, spot))
        known.watches[spot.path] = wd

    def _drop(self, key: str, path: str) -> None:
        wd = self._watched[key].watches.pop(path, None)
        if wd is None:
            return
        left = [(other, spot) for other, spot in self._spots.get(wd, []) if (other, spot.path) != (key, path)]
        if left:
            self._spots[wd] = left
        elif self._spots.pop(wd, None) is not None and not self._is_stopping:
            with contextlib.suppress(OSError):
                self._kernel.remove_callbacks([(wd, _ID)])

    def _forget(self, key: str) -> None:
        if known := self._watched.get(key):
            for path in list(known.watches):
                self._drop(key, path)
            del self._watched[key]


def _identify(path: str, place: RepoPlace | None) -> tuple[str | int, ...]:
    """Return what identifies a directory, so that its replacement is noticed."""
    stat = os.stat(path)
    names = (place.root, place.git_dir, place.common_dir) if place else ()
    return (*names, stat.st_dev, stat.st_ino)
