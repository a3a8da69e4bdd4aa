"""All processes that descend from this one, also those that detached: how many daemons there really are.

Linux alone: this process becomes the reaper of its orphans (prctl(2), PR_SET_CHILD_SUBREAPER), so that a daemon in a session
of its own stays below it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator

import psutil

_PR_SET_CHILD_SUBREAPER = 36


class Family:
    """The daemons below this process that were not there when it was made."""

    def __init__(self) -> None:
        self._before = {child.pid for child in psutil.Process().children(recursive=True)}
        self._seen: set[int] = set()

    def find_daemons(self) -> set[int]:
        """Return the pids of the daemons that live now."""
        found = {child.pid for child in psutil.Process().children(recursive=True) if self._is_daemon(child)}
        self._seen |= found
        self._reap()
        return found

    def wait_for(self, count: int, timeout_s: float = 10.0) -> set[int]:
        """Return the living daemons as soon as there are *count*, or those there are after *timeout_s*."""
        end = time.monotonic() + timeout_s
        while len(found := self.find_daemons()) != count and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def _is_daemon(self, child: psutil.Process) -> bool:
        if child.pid in self._before:
            return False
        try:
            words = child.cmdline()
            return child.status() != psutil.STATUS_ZOMBIE and "run" in words and "ail" in "".join(words[:3])
        except psutil.Error:
            return False

    def _reap(self) -> None:
        for pid in list(self._seen):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
                self._seen.discard(pid)


@contextlib.contextmanager
def family() -> Iterator[Family]:
    """Keep whatever descends from this process below it for as long as the block lasts."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    found = Family()
    try:
        yield found
    finally:
        found.wait_for(0, timeout_s=0)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
