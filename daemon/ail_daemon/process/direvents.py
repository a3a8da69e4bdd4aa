"""Tells the event loop of files that come and go in a few directories, through inotify(7); Linux alone.

Not through watchdog, which has a thread and takes 1.2 MB: the server needs two directories, on its own loop.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

_CREATE, _DELETE, _MOVED_FROM, _MOVED_TO, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x40, 0x80, 0x400, 0x800
_ONLY_DIRECTORIES = 0x01000000
_MASK = _CREATE | _DELETE | _MOVED_FROM | _MOVED_TO | _DELETE_SELF | _MOVE_SELF | _ONLY_DIRECTORIES


class DirectoryEvents:
    """Calls *on_change* on the running loop after anything was made, renamed or removed in a watched directory."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._fd = -1
        if sys.platform == "linux":
            import ctypes  # 3 ms

            self._libc = ctypes.CDLL(None)
            self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._read)

    def watch(self, directories: Iterable[str]) -> bool:
        """Watch *directories* as well; whether events of all will be told. Again for the same costs a system call each."""
        return self._fd >= 0 and all(
            self._libc.inotify_add_watch(self._fd, os.fsencode(path), _MASK) >= 0 for path in directories
        )

    def close(self) -> None:
        """Watch nothing any more."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._fd, 1 << 16):
                pass
        self._on_change()
