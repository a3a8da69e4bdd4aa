"""Asks the hot questions again after an index changed, so that they find their answers in the cache as before.

One at a time, and none while anybody waits for an answer. What is known of them is in `recent`, in memory alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ail_rpc.errors import AilError

from ..process.logs import log
from ..repos.repo import Repo
from ..repos.repos import Repos
from ..server.params import Handler
from .caches import uncounted
from .pool import QuestionPool
from .recent import RecentQuestions

HOT = 32
"""Questions that are asked again, of those asked twice or more: at 10 ms each a third of a second of one core."""

_QUIET_S = 1.0
"""A rebase changes an index many times; after so long without a change the last one is worth warming for."""

_BUSY_S = 0.02


class Warming:
    """Warms on the loop it is started on; *ask* is asked for nothing but to fill the caches."""

    def __init__(self, ask: Handler, repos: Repos, recent: RecentQuestions, pool: QuestionPool) -> None:
        self._ask = ask
        self._repos = repos
        self._recent = recent
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._generations: dict[str, int] = {}
        self.warmed = 0

    def note_update(self, repo: Repo) -> None:
        """Take note that an update of *repo* ended; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._plan, repo)

    async def stop(self) -> None:
        """Warm no more."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _plan(self, repo: Repo) -> None:
        index = repo.index
        if index is None or self._generations.get(repo.key) == index.generation:
            return
        self._generations[repo.key] = index.generation
        if not len(self._recent):
            return
        if before := self._tasks.get(repo.key):
            before.cancel()
        task = self._tasks[repo.key] = self._loop.create_task(self._warm(repo))
        task.add_done_callback(lambda done: self._tasks.pop(repo.key) if self._tasks.get(repo.key) is done else None)

    async def _warm(self, repo: Repo) -> None:
        await asyncio.sleep(_QUIET_S)
        hottest = self._recent.find_hottest(HOT, among=lambda start: self._repos.is_within(start, repo))
        with uncounted():
            for params in hottest:
                while not self._pool.is_idle:
                    await asyncio.sleep(_BUSY_S)
                await self._ask_again(repo, params)

    async def _ask_again(self, repo: Repo, params: dict[str, Any]) -> None:
        try:
            await self._ask(params)
            self.warmed += 1
        except AilError:
            pass  # its file or its ref is gone: whoever asks it again is told
        except Exception as err:  # noqa: BLE001 - a background task must outlive a bug; the log gets the traceback
            log("warming_failed", level="error", repo_id=repo.key, error=err)
