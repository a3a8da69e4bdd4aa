"""The threads that questions are answered in, each within its time. Knows no question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from ail_rpc.errors import OutOfTimeError

from .flags import Flags

_Result = TypeVar("_Result")


class QuestionPool:
    """Runs work beside the loop: a question's, or what must never keep one waiting."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._threads = ThreadPoolExecutor(max(flags.current.max_workers, 2), "question")

    def get_limit_s(self, timeout_s: float | None) -> float:
        """Return the time that a call may take: what its caller allows, or else the settings."""
        return timeout_s or self._flags.current.max_query_time_s

    async def run(self, limit_s: float, work: Callable[[], _Result]) -> _Result:
        """Return what *work* returns. Raises OutOfTimeError after *limit_s*; the thread ends what it does all the same."""
        try:
            in_context = partial(copy_context().run, work)  # what is logged on the way names the request
            return await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(self._threads, in_context), limit_s
            )
        except TimeoutError as err:
            raise OutOfTimeError(f"no answer within {limit_s:g} s", "ask again, or allow more with --timeout") from err

    def submit(self, work: Callable[[], object]) -> None:
        """Have *work* done, by the way."""
        self._threads.submit(work)

    def stop(self) -> None:
        """Return when the threads have ended; what had not begun is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
