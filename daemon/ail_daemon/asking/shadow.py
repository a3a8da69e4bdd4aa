"""The shadow: after a reply, asks the other side the same question and counts how alike both answers were.

It never slows a reply: it starts after the reply was written and when no question has been under way for a while, one at a
time, in a thread of the lowest priority. Comparisons that would wait long, or in a long queue, are dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from ..flags import Flags
from ..model import Scope
from ..process.logs import log
from ..process.machine import give_way
from .plan import is_compared, turn
from .pool import QuestionPool
from .replies import Answered, Asked
from .sides import Comparison, SideFigures, compare

WAITING = 16
PATIENCE_S = 5.0
QUIET_S = 0.05
"""Seconds without a question before one is compared: a user who asks several in a row is not slowed."""

_LOWEST = 19


class _Job(NamedTuple):
    work: Callable[[], Comparison]
    until: float  # the loop's time


class Shadow:
    """Compares some of the questions. To be used on the loop; the work is done in a thread, started at the first."""

    def __init__(
        self, flags: Flags, pool: QuestionPool, figures: SideFigures, search: Callable[[Asked], dict[str, Any]]
    ) -> None:
        self._flags = flags
        self._pool = pool
        self._figures = figures
        self._search = search
        self._waiting: deque[_Job] = deque()
        self._is_running = False
        self._thread = ThreadPoolExecutor(1, "shadow", initializer=give_way, initargs=(_LOWEST,))

    @property
    def is_at_work(self) -> bool:
        """Whether a comparison is under way, or waits."""
        return self._is_running

    def observe(self, answered: Answered) -> None:
        """Ask the other side once the current task, which writes the reply, has ended.

        Only if the question was answered by the side that was asked.
        """
        asked, reply = answered.asked, answered.reply
        if reply.cached or reply.cause or asked.params.mode != "auto":
            return
        other = replace(asked, plan=turn(asked.plan))
        question = asked.repo.key, asked.scope, asked.params.levelled
        self.offer(question, lambda: compare(reply.body, self._search(other)))

    def offer(self, question: tuple[str, Scope, str], work: Callable[[], Comparison]) -> None:
        """Run *work* after the current task, if *question* (repository key, scope, text) is among those to be compared."""
        settings, task = self._flags.current, asyncio.current_task()
        if settings.faiss_enabled and task is not None and is_compared(*question, settings.shadow):
            task.add_done_callback(lambda _: self._queue(work))

    def stop(self) -> None:
        """Drop what waits, and wait for the comparison under way."""
        self._waiting.clear()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _queue(self, work: Callable[[], Comparison]) -> None:
        if len(self._waiting) >= WAITING:
            self._figures.note_dropped()
            return
        self._waiting.append(_Job(work, asyncio.get_running_loop().time() + PATIENCE_S))
        if not self._is_running:
            self._is_running = True
            self._go_on()

    def _go_on(self) -> None:
        """Start the next comparison; while a question is under way, try again soon."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0].until < loop.time():
            self._waiting.popleft()
            self._figures.note_dropped()
        if not self._waiting or not self._flags.current.faiss_enabled:
            self._waiting.clear()
            self._is_running = False
        elif not self._pool.is_idle or loop.time() - self._pool.ended_at < QUIET_S:
            loop.call_later(QUIET_S, self._go_on)
        else:
            done = loop.run_in_executor(self._thread, self._compare, self._waiting.popleft().work)
            done.add_done_callback(lambda _: self._go_on())

    def _compare(self, work: Callable[[], Comparison]) -> None:
        try:
            self._figures.note_comparison(work())
        except Exception as err:  # noqa: BLE001 - a background task: nobody waits for it, the log gets the place
            self._figures.note_dropped()
            log("shadow_failed", level="warning", error=err)
