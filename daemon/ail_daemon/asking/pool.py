"""The threads that questions are answered in, each within its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from ail_rpc.errors import OutOfTimeError

from ..flags import Flags
from ..index.store import ClosedError

_Result = TypeVar("_Result")
_RESERVED = 2
_REPLACED = 3  # times that an index may be replaced under one question


class QuestionPool:
    """Runs questions, and other work that they must not wait for, in threads.

    ended_at: when (the loop's time) the last question ended; background work waits a while after it.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._size = _at_least_two(flags.current.max_workers)
        self._threads = ThreadPoolExecutor(self._size, "question")
        self._reserve = ThreadPoolExecutor(_RESERVED, "reserve")
        self._left: list[ThreadPoolExecutor] = []
        self._running: set[asyncio.Future[Any]] = set()
        self.ended_at = 0.0
        self._busy = 0  # threads, also those whose question has timed out
        self._lock = threading.Lock()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered."""
        return not self._running

    @property
    def is_full(self) -> bool:
        """Whether every thread but those in reserve is at work."""
        return self._busy >= self._size

    def get_limit_s(self, timeout_s: float | None) -> float:
        """Return the time that a call may take: what its caller allows, or else the settings."""
        return timeout_s or self._flags.current.max_query_time_s

    async def run(self, limit_s: float, work: Callable[[], _Result], *, in_reserve: bool = False) -> _Result:
        """Return what *work* returns. Raises OutOfTimeError after *limit_s*; the thread ends what it does all the same.

        Where an index that it reads is closed under it, *work* is done again, which opens the one that takes its place.

        in_reserve: in a thread of those kept for it, which are free when all others hang.
        """
        loop = asyncio.get_running_loop()
        in_context = partial(copy_context().run, _repeat_if_closed, work)  # what is logged on the way names the request
        future = (
            loop.run_in_executor(self._reserve, in_context)
            if in_reserve
            else loop.run_in_executor(self._threads, self._count, in_context)
        )
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        try:
            return await asyncio.wait_for(future, limit_s)
        except TimeoutError as err:
            raise make_out_of_time(limit_s) from err
        finally:
            self.ended_at = loop.time()

    def submit(self, work: Callable[[], object]) -> None:
        """Run *work* in the background."""
        self._threads.submit(work)

    def resize(self, threads: int) -> None:
        """Use so many *threads* from now on; work already submitted is done by the former ones. To be called on the loop."""
        before, self._size = self._threads, _at_least_two(threads)
        self._threads = ThreadPoolExecutor(self._size, "question")
        before.shutdown(wait=False)
        self._left.append(before)

    async def drain(self, limit_s: float) -> None:
        """Wait until all that runs now is done, at most *limit_s*."""
        if running := set(self._running):
            await asyncio.wait(running, timeout=limit_s)

    def stop(self) -> None:
        """Wait until the threads have ended; work that has not begun is dropped."""
        for threads in (*self._left, self._threads, self._reserve):
            threads.shutdown(wait=True, cancel_futures=True)

    def _count(self, work: Callable[[], _Result]) -> _Result:
        with self._lock:
            self._busy += 1
        try:
            return work()
        finally:
            with self._lock:
                self._busy -= 1


def _repeat_if_closed(work: Callable[[], _Result]) -> _Result:
    """Return what *work* returns, done again where its index was replaced meanwhile, as a damaged one is.

    One that is healed may be replaced twice, by an empty one first.
    """
    for _ in range(_REPLACED):
        with suppress(ClosedError):
            return work()
    return work()


def make_out_of_time(limit_s: float) -> OutOfTimeError:
    """Return the error that says that *limit_s* were not enough."""
    return OutOfTimeError(f"no answer within {limit_s:.3g} s", "ask again, or allow more with AIL_MAX_QUERY_TIME_S")


def _at_least_two(threads: int) -> int:
    return max(threads, 2)  # one that hangs must not hold up every other
