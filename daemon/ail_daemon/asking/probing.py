"""Finds out whether the daemon can answer now, by asking it a tiny question in the usual way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

from ail_rpc.errors import AilError, OutOfTimeError, RepoError

from ..repos.repo import Repo
from ..repos.repos import Repos
from ..server.params import Handler

LIMIT_S = 2.0
"""Limit of one probe: less than its callers wait (`ail-client` 5 s, Prometheus 10), more than loading the model takes."""

_TRIED = 3  # repositories that cannot be read, before that counts as the daemon's fault
_QUESTION = {"question": "why was this change made?", "limit": 1, "no_cache": True, "timeout": LIMIT_S}


class Probing:
    """Asks *ask*, the method, a tiny question, or *encode*s it where no repository is enrolled; many probes at once share one."""

    def __init__(self, repos: Repos, encode: Callable[[], Awaitable[object]], ask: Handler) -> None:
        self._repos = repos
        self._encode = encode
        self._ask = ask
        self._running: asyncio.Task[AilError | None] | None = None

    async def find_fault(self) -> AilError | None:
        """Return why no question can be answered now, None where one was."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._probe(), context=Context())  # belongs to no request
        return await asyncio.shield(self._running)

    async def _probe(self) -> AilError | None:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._ask_any()
        except TimeoutError:
            return OutOfTimeError(f"no answer within {LIMIT_S:g} s", "`ail-client status` shows what the daemon does")
        except AilError as err:
            return err

    async def _ask_any(self) -> AilError | None:
        """Ask about one repository that can be read."""
        fault: AilError | None = None
        repos = sorted(self._repos, key=_weigh)
        if not repos:
            await self._encode()
        for repo in repos[:_TRIED]:
            try:
                await self._ask({**_QUESTION, "repo": repo.place.root})
            except RepoError as err:
                fault = err
            else:
                return None
        return fault


def _weigh(repo: Repo) -> tuple[Any, ...]:
    """Return a sort key: open, sound and small indexes first, so that a probe opens none if it need not."""
    return (repo.index is None, bool(repo.notice), repo.settled.get("commits", 0))
