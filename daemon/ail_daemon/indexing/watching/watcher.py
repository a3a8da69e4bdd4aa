"""Reports when a repository's refs may have moved: through events if they work, else it says why they do not.

A report is a hint, to be checked against the repository: one move may cause several, some come without a move, and moves
beyond `plan.BUDGET` watches, at a parent's renaming, or lost in an overflow cause none. Reading refs, debouncing and
polling are the caller's. watchdog is imported by `start`, not with this module.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ail_rpc.discovery import RepoPlace
from ail_rpc.mounts import find_deaf_type

from .plan import is_directory

if TYPE_CHECKING:
    from .inotify import InotifyWatches
    from .observer import ObserverWatches

_LIMITS = "/proc/sys/fs/inotify"


class Watcher:
    """Watches repositories and plain directories under keys of the caller's.

    on_move(key), on_overflow(): called on the watcher's thread; they must be quick and not raise. Nothing is debounced. An
    overflow means that any number of moves were lost, of any repository; it is reported once. All methods may be called
    from any thread, also from these two.
    """

    def __init__(self, on_move: Callable[[str], None], on_overflow: Callable[[], None]) -> None:
        self._on_move = on_move
        self._on_overflow = on_overflow
        self._watches: InotifyWatches | ObserverWatches | None = None
        self._why_not = "events are not watched yet"

    def start(self) -> None:
        """Start watching; if that fails, `watch` says why."""
        try:
            self._watches = _open_watches(self._on_move, self._on_overflow)
            self._watches.start()
        except (OSError, ImportError) as err:
            self._watches = None
            self._why_not = _explain_start(err)

    def stop(self) -> None:
        """Remove all watches; nothing is reported once this returns."""
        if self._watches:
            self._watches.stop()
            self._watches = None
            self._why_not = "events are not watched any more"

    def watch(self, key: str, place: RepoPlace) -> str | None:
        """Call `on_move(key)` from now on when refs of the repository at *place* may have moved.

        Returns None if events work, else why they do not: then the caller polls. Moves made before it returns may not be
        reported: compare the refs afterwards. Calling it again costs a stat, and watches a repository that replaced a
        deleted one, or what a limit kept out: do so whenever the refs are compared.
        """
        return self._watch(key, place.common_dir, place)

    def watch_directory(self, key: str, path: str) -> str | None:
        """Call `on_move(key)` when a file in the directory *path* is written or renamed. Returns as `watch` does."""
        return self._watch(key, path, None)

    def unwatch(self, key: str) -> None:
        """Remove the watches of *key*, if any; one event that is under way may still be reported."""
        if self._watches:
            self._watches.unwatch(key)

    def count(self) -> int:
        """Return how many of the system's watches are in use, for all keys together."""
        return self._watches.count() if self._watches else 0

    def _watch(self, key: str, path: str, place: RepoPlace | None) -> str | None:
        if self._watches is None:
            return self._why_not
        if not self._watches.is_alive:
            return "watching ended at an error: polled"
        if self._watches.has(key, path, place):
            return None
        if place and not is_directory(os.path.join(path, "refs")) and is_directory(path):
            return f"{path}/refs is no directory of its own: polled"
        if deaf := find_deaf_type(path):
            return f"{path} lies on a file system ({deaf}) that does not tell of every change: polled"
        try:
            self._watches.watch(key, path, place)
        except OSError as err:
            return _explain(err, path)
        return None


def _open_watches(on_move: Callable[[str], None], on_overflow: Callable[[], None]) -> InotifyWatches | ObserverWatches:
    """Return this system's watches. Raises OSError, and ImportError where there are none."""
    system = os.uname().sysname
    if system == "Linux":
        from .inotify import InotifyWatches  # watchdog: 1.2 MB

        return InotifyWatches(on_move, on_overflow)
    if system == "Darwin":
        from .observer import ObserverWatches

        return ObserverWatches(on_move, on_overflow)
    raise ImportError(f"{system} is not known")


def _explain_start(err: OSError | ImportError) -> str:
    if isinstance(err, ImportError):
        return f"events cannot be watched here ({err}): polled"
    if err.errno == errno.EMFILE and _has_free_descriptor():
        return f"the limit of inotify instances is reached: polled; to raise it: {_raise_limit('max_user_instances')}"
    return f"events cannot be watched ({os.strerror(err.errno or 0)}): polled"


def _explain(err: OSError, path: str) -> str:
    if err.errno == errno.ENOSPC:
        return f"the limit of file watches is reached: polled; to raise it: {_raise_limit('max_user_watches')}"
    if err.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{path} is gone: polled"
    return f"{path} cannot be watched ({os.strerror(err.errno or 0)}): polled"


def _raise_limit(name: str) -> str:
    """Return the command that doubles one of inotify's limits, as far as it can be read."""
    try:
        with open(os.path.join(_LIMITS, name)) as file:
            double = 2 * int(file.read())
    except (OSError, ValueError):
        double = 1 << 20 if name == "max_user_watches" else 1 << 10
    return f"sudo sysctl fs.inotify.{name}={double}"


def _has_free_descriptor() -> bool:
    """Say whether this process may open another file: one errno stands for both limits."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
