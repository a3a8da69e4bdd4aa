"""`flags` and `reload`: show, change and reread the settings; the reply comes once the changes are in force.

`Applying` passes changed settings to the objects that hold them: caches, threads, the model, watches. Code that reads
`Flags.current` when it needs a value does not need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..asking.caches import AnswerCaches
from ..asking.pool import QuestionPool
from ..encoding.encoders import check_model, make_bulk
from ..flags import Flag, Flags
from ..indexing.freshness import Freshness
from ..indexing.opening import Indexing
from ..settings import Settings

_ENCODING = {"model", "encoder", "max_workers", "batch_size"}


class Applying:
    """Subscribed to *flags*. Quick changes are applied at once, on the loop; loading and watching in a thread."""

    def __init__(
        self,
        flags: Flags,
        models_dir: str,
        indexing: Indexing,
        pool: QuestionPool,
        caches: AnswerCaches,
        freshness: Freshness,
    ) -> None:
        self._flags = flags
        self._models_dir = models_dir
        self._encoder, self._repos, self._indexer = indexing
        self._pool = pool
        self._caches = caches
        self._freshness = freshness
        self._begun: dict[asyncio.Task[None], str] = {}
        self._encoder.on_prepared = self._look_at_all
        self._leave = (flags.check_with(self._check), flags.subscribe(self._apply))

    async def wait(self, limit_s: float) -> list[str]:
        """Wait until every change is in force, at most *limit_s*; return the settings that are not yet."""
        if self._begun:
            await asyncio.wait({*self._begun}, timeout=limit_s)
        return sorted(set(self._begun.values()))

    async def stop(self) -> None:
        """Apply no more changes, and wait for those under way."""
        for leave in self._leave:
            leave()
        if self._begun:
            await asyncio.wait({*self._begun})

    def _check(self, before: Settings, after: Settings) -> None:
        if _changed(before, after) & {"model", "encoder"}:
            check_model(after, self._models_dir)

    def _apply(self, before: Settings, after: Settings) -> None:
        changed = _changed(before, after)
        if "cache_size" in changed:
            self._caches.exact.resize(after.cache_size)
        if "faiss_cache_size" in changed:
            self._caches.similar.resize(after.faiss_cache_size)
        self._caches.similar.threshold = after.faiss_similarity_threshold
        if "max_workers" in changed:
            self._pool.resize(after.max_workers)
        if changed & {"reconcile_s", "embed_on_battery"}:
            self._freshness.look_now()
        if changed & _ENCODING:
            self._begin("AIL_MODEL", self._switch_model)
        if "watch" in changed:
            self._begin("AIL_WATCH", self._freshness.watch_as_set)
        if "refs" in changed:
            self._begin("AIL_REFS", self._look_at_all)

    def _begin(self, variable: str, work: Callable[[], None]) -> None:
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(work))
        self._begun[task] = variable
        task.add_done_callback(self._begun.pop)

    def _switch_model(self) -> None:
        if self._encoder.switch(make_bulk(self._flags.current, self._models_dir)):  # the latest: threads may overtake
            self._look_at_all()

    def _look_at_all(self) -> None:
        for repo in self._repos:
            self._indexer.request(repo, "timer")


def _changed(before: Settings, after: Settings) -> set[str]:
    return {one.name for one in fields(Settings) if getattr(before, one.name) != getattr(after, one.name)}


_LIMIT_S = 3.0
"""For questions asked before a change and for the change itself, half each. The client waits for 5 s."""


class Configuring:
    """Shows and changes settings while the daemon runs."""

    def __init__(self, flags: Flags, pool: QuestionPool, applying: Applying) -> None:
        self._flags = flags
        self._pool = pool
        self._applying = applying

    async def flags(self, params: dict[str, Any]) -> dict[str, Any]:
        """Set what `set` assigns, all of it or (UsageError) nothing; return every setting, and what `reload` returns."""
        changed = self._flags.set(params["set"]) if params["set"] else []
        reply = await self._settle(changed)
        return {"flags": [flag.describe() for flag in self._flags.get()], **reply}

    async def reload(self, params: dict[str, Any]) -> dict[str, Any]:
        """Read file and environment again; return the settings that changed, and the names of those not in force yet.

        Questions asked before are answered before this returns.
        """
        del params
        return await self._settle(self._flags.reload())

    async def _settle(self, changed: list[Flag]) -> dict[str, Any]:
        if changed:
            await self._pool.drain(_LIMIT_S / 2)
        applying = await self._applying.wait(_LIMIT_S / 2)
        return {"changed": [flag.describe() for flag in changed], "applying": applying}
