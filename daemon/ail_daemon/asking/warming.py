"""Asks frequent questions again after an index changed, so that their answers are in the cache again.

One at a time, and none while a question is under way. `RecentQuestions` remembers what was asked, in memory only; any thread
may call it.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ail_rpc.errors import AilError
from ail_rpc.framing import pack, unpack

from ..process.logs import log
from ..repos.repo import Repo
from ..repos.repos import Repos
from ..server.params import Handler
from .caches import uncounted
from .pool import QuestionPool
from .replies import Answered

HOT = 32
"""Questions that are asked again, of those asked at least twice: a third of a second of one core."""

_QUIET_S = 1.0
"""A rebase changes an index many times; after so long without a change the last one is worth warming for."""

_BUSY_S = 0.02


class Warming:
    """Runs on the loop it is started on; *ask* fills the caches, its replies are dropped."""

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
        """Stop warming."""
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
            pass  # its file or ref no longer exists: a user who asks it again gets the error
        except Exception as err:  # noqa: BLE001 - a background task must outlive a bug; the log gets the traceback
            log("warming_failed", level="error", repo_id=repo.key, error=err)


SIZE = 512
"""Questions that are kept; the one that was not asked for the longest time is dropped first."""

LONGEST_BYTES = 2_000
"""Bytes of a question with its params; longer ones are not kept, so that all take at most 1 MB."""


class RecentQuestions:
    """Params of `ask` that say what was asked (`AskParams.describe`), and how often each came."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._counts: OrderedDict[bytes, int] = OrderedDict()  # packed params; the latest last

    def __len__(self) -> int:
        return len(self._counts)

    def observe(self, answered: Answered) -> None:
        """Count a question that was answered."""
        self.note(answered.asked.params.describe())

    def note(self, params: Mapping[str, Any]) -> None:
        """Count one more call of `ask` with *params* that was answered."""
        key = pack(dict(params))
        if len(key) > LONGEST_BYTES:
            return
        with self._lock:
            self._counts[key] = self._counts.pop(key, 0) + 1
            if len(self._counts) > self._size:
                self._counts.popitem(last=False)

    def sample(self, n: int) -> list[dict[str, Any]]:
        """Return the params of at most *n* questions, chosen at random; `repo` is the directory that was asked from."""
        with self._lock:
            chosen = random.sample([*self._counts], min(n, len(self._counts)))
        return [unpack(key) for key in chosen]

    def find_hottest(
        self, n: int, at_least: int = 2, among: Callable[[str], bool] = lambda _: True
    ) -> list[dict[str, Any]]:
        """Return the params of the *n* questions asked most, at least *at_least* times; the latest first among equals.

        among: whether questions from a directory count.
        """
        with self._lock:
            rows = [(unpack(key), count) for key, count in reversed(self._counts.items()) if count >= at_least]
        counting = {repo for repo in {str(params["repo"]) for params, _ in rows} if among(repo)}
        rows = [row for row in rows if row[0]["repo"] in counting]
        rows.sort(key=lambda row: -row[1])
        return [params for params, _ in rows[:n]]

    def forget(self, is_forgotten: Callable[[str], bool] = lambda _: True) -> int:
        """Forget the questions from directories that *is_forgotten*, all by default; return how many they were."""
        with self._lock:
            repos = {key: str(unpack(key)["repo"]) for key in self._counts}
            gone = {repo for repo in set(repos.values()) if is_forgotten(repo)}
            for key, repo in repos.items():
                if repo in gone:
                    del self._counts[key]
        return sum(repo in gone for repo in repos.values())
