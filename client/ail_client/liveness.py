"""Whether a daemon that is late with its first reply is stuck, or working but starved. Imported only when one is late.

What a process can see of another of the same user: when it last touched its lock, which it does four times a second
while it serves clients; and, on Linux, its main thread's state, processor time and turns (proc(5): stat and schedstat).

A thread that is stopped or waits for something gets no turn at all; one that waits for Python's lock wakes up every 5 ms; one
in an endless loop uses the processor and touches nothing; one that is starved is runnable and does not get to run.
"""

from __future__ import annotations

import os
import time

_IDLE_WORK_NS = 200_000_000  # processor time, in which a serving loop polls its clients many times
_RUNNABLE = (b"R", b"D")
_STOPPED = (b"T", b"t", b"Z", b"X")


class Turns:
    """A main thread's state, the nanoseconds it ran, and how often it was given the processor."""

    __slots__ = ("count", "ran_ns", "state")

    def __init__(self, state: bytes, ran_ns: int, count: int) -> None:
        self.state = state
        self.ran_ns = ran_ns
        self.count = count


class Lateness:
    """One wait for the daemon *pid*, watched from now on."""

    def __init__(self, pid: int | None, lock_path: str) -> None:
        self._pid = pid
        self._lock_path = lock_path
        self._looked_at = time.time()
        self._first = self._last = _read_turns(pid)

    def is_at_work(self) -> bool:
        """Whether it served anybody since the last call, or would if it got the processor."""
        looked_at, self._looked_at = self._looked_at, time.time()
        last, self._last = self._last, _read_turns(self._pid)
        if has_beaten(self._lock_path, looked_at):
            self._first = self._last
            return True
        if not (self._first and last and self._last) or self._last.state in _STOPPED:
            return False
        is_in_a_loop = self._last.ran_ns - self._first.ran_ns > _IDLE_WORK_NS
        return not is_in_a_loop and (self._last.count > last.count or self._last.state in _RUNNABLE)


def has_beaten(lock_path: str, since: float) -> bool:
    """Whether the file was touched *since*, in seconds since 1970."""
    try:
        return os.stat(lock_path).st_mtime > since
    except OSError:
        return False


def _read_turns(pid: int | None) -> Turns | None:
    """Return the main thread's turns in *pid*; None where the system does not say."""
    task = f"/proc/{pid}/task/{pid}"
    try:
        with open(task + "/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]
        with open(task + "/schedstat", "rb") as file:
            ran_ns, _waited_ns, count = map(int, file.read().split())
    except (OSError, ValueError, IndexError):
        return None
    return Turns(state, ran_ns, count)
