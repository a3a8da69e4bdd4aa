"""The threads that questions are answered in, each within its time. Knows no question."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ail_rpc.errors import OutOfTimeError

from .flags import Flags

_Result = TypeVar("_Result")
_RESERVED = 2


class QuestionPool:
    """Runs work beside the loop: a question's, or what must never keep one waiting.

    running, ended_at: how many questions are under way, and when (the loop's time) the last one ended, for what gives way to
    them; read and written on the loop alone.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._size = max(flags.current.max_workers, 2)
        self._threads = ThreadPoolExecutor(self._size, "question")
        self._reserve = ThreadPoolExecutor(_RESERVED, "reserve")
        self.running = 0
        self.ended_at = 0.0
        self._busy = 0  # threads, also those that nobody waits for any more
        self._lock = threading.Lock()

    def get_limit_s(self, timeout_s: float | None) -> float:
        """Return the time that a call may take: what its caller allows, or else the settings."""
        return timeout_s or self._flags.current.max_query_time_s

    @property
    def is_full(self) -> bool:
        """Whether every thread but those in reserve is at work."""
        return self._busy >= self._size

    async def run(self, limit_s: float, work: Callable[[], _Result], *, in_reserve: bool = False) -> _Result:
        """Return what *work* returns. Raises OutOfTimeError after *limit_s*; the thread ends what it does all the same.

        in_reserve: in a thread of those kept for it, which are free when all others hang.
        """
        loop = asyncio.get_running_loop()
        self.running += 1
        try:
            return await asyncio.wait_for(
                loop.run_in_executor(self._reserve, work)
                if in_reserve
                else loop.run_in_executor(self._threads, self._count, work),
                limit_s,
            )
        except TimeoutError as err:
            raise make_out_of_time(limit_s) from err
        finally:
            self.running -= 1
            self.ended_at = loop.time()

    def _count(self, work: Callable[[], _Result]) -> _Result:
        with self._lock:
            self._busy += 1
        try:
            return work()
        finally:
            with self._lock:
                self._busy -= 1

    def submit(self, work: Callable[[], object]) -> None:
        """Have *work* done, by the way."""
        self._threads.submit(work)

    def stop(self) -> None:
        """Return when the threads have ended; what had not begun is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._reserve.shutdown(wait=True, cancel_futures=True)


def make_out_of_time(limit_s: float) -> OutOfTimeError:
    """Return the error that says that *limit_s* were not enough."""
    return OutOfTimeError(f"no answer within {limit_s:g} s", "ask again, or allow more with --timeout")
