"""Tells when a name in the socket's directory is removed or replaced. Linux's inotify through ctypes; knows no other room.

A client that finds no socket starts a daemon, which finds the lock taken and waits for the one that holds it to look at its file
again. By the timer alone that was up to five seconds; so it is some milliseconds, and costs nothing while nothing happens.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable

_DELETE, _MOVED_FROM, _MOVED_TO, _DELETE_SELF, _MOVE_SELF = 0x200, 0x40, 0x80, 0x400, 0x800  # inotify(7)
_ONLYDIR, _DONT_FOLLOW = 0x1000000, 0x2000000
_MASK = _DELETE | _MOVED_FROM | _MOVED_TO | _DELETE_SELF | _MOVE_SELF | _ONLYDIR | _DONT_FOLLOW


class Doorway:
    """Calls *on_change* on the running loop after something in the watched directory went or was put in place.

    Where the system has no inotify, or no instance is left, nothing is ever told.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None)
            self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            asyncio.get_running_loop().add_reader(self._fd, self._take)

    def watch(self, directory: str) -> None:
        """Watch *directory*, also one that took the place of what was watched; to be repeated, for 3 µs, with every look."""
        if self._fd >= 0:
            self._libc.inotify_add_watch(self._fd, os.fsencode(directory), _MASK)

    def close(self) -> None:
        """Tell nothing any more."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _take(self) -> None:
        os.read(self._fd, 1 << 16)  # what it was does not matter: the file is looked at
        self._on_change()
