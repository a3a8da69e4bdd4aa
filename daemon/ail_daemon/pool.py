"""The threads that questions are answered in, each within its time. Knows no question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from ail_rpc.errors import OutOfTimeError

from .flags import Flags

_Result = TypeVar("_Result")


class QuestionPool:
    """Runs work beside the loop: a question's, or what must never keep one waiting."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._threads = _make_threads(flags.current.max_workers)
        self._left: list[ThreadPoolExecutor] = []
        self._running: set[asyncio.Future[Any]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered."""
        return not self._running

    def get_limit_s(self, timeout_s: float | None) -> float:
        """Return the time that a call may take: what its caller allows, or else the settings."""
        return timeout_s or self._flags.current.max_query_time_s

    async def run(self, limit_s: float, work: Callable[[], _Result]) -> _Result:
        """Return what *work* returns. Raises OutOfTimeError after *limit_s*; the thread ends what it does all the same."""
        in_context = partial(copy_context().run, work)  # what is logged on the way names the request
        future = asyncio.get_running_loop().run_in_executor(self._threads, in_context)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        try:
            return await asyncio.wait_for(future, limit_s)
        except TimeoutError as err:
            raise OutOfTimeError(f"no answer within {limit_s:g} s", "ask again, or allow more with --timeout") from err

    def submit(self, work: Callable[[], object]) -> None:
        """Have *work* done, by the way."""
        self._threads.submit(work)

    def resize(self, threads: int) -> None:
        """Use so many *threads* from now on; what was begun, or waits, is done by those before. On the loop alone."""
        before, self._threads = self._threads, _make_threads(threads)
        before.shutdown(wait=False)
        self._left.append(before)

    async def drain(self, limit_s: float) -> None:
        """Return when all that runs now is done, after *limit_s* at the latest."""
        if running := set(self._running):
            await asyncio.wait(running, timeout=limit_s)

    def stop(self) -> None:
        """Return when the threads have ended; what had not begun is dropped."""
        for threads in (*self._left, self._threads):
            threads.shutdown(wait=True, cancel_futures=True)


def _make_threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(count, 2), "question")  # one that hangs must not hold up every other
