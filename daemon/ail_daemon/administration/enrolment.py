"""`repo.add`, `repo.remove`, `repo.list`, `repo.notify` and the repositories' part of `status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ail_rpc.errors import NotARepositoryError, NotEnrolledError

from ..encoding.encoders import ServingEncoder
from ..history.refs import describe_unread, read_shallow_boundary
from ..indexing import skipping
from ..indexing.embedding import describe_wait
from ..indexing.freshness import Freshness
from ..indexing.indexer import Indexer
from ..repos.repo import Repo, describe_index
from ..repos.repos import Repos

_MODEL_S = 1.0
"""`add` waits so long for the model to be loaded, so that it says what is missing; loading takes .2 s."""


class Enrolment:
    """Enrols and removes repositories, and describes them."""

    def __init__(
        self,
        repos: Repos,
        indexer: Indexer,
        freshness: Freshness,
        encoder: ServingEncoder,
        forget: Callable[[], None],
    ) -> None:
        self._repos = repos
        self._indexer = indexer
        self._freshness = freshness
        self._encoder = encoder
        self._forget = forget

    async def add(self, params: dict[str, Any]) -> dict[str, Any]:
        """Enrol the repository that `repo` lies in and request its update; return once the enrolment is on disk."""
        repo = await asyncio.to_thread(self._repos.add, params["repo"])
        await asyncio.to_thread(self._freshness.enrol, repo)
        await asyncio.wait({asyncio.create_task(asyncio.to_thread(self._encoder.get))}, timeout=_MODEL_S)
        return self._describe(repo)

    async def remove(self, params: dict[str, Any]) -> dict[str, Any]:
        """End the enrolment; with `purge`, remove every byte of the index, also one that an earlier `remove` left."""
        start, is_purged = params["repo"], params["purge"]
        try:
            found = await asyncio.to_thread(self._repos.find_even_gone, start)
        except (NotEnrolledError, NotARepositoryError):
            if is_purged and await asyncio.to_thread(self._repos.purge_left, start):
                return {"path": start, "purged": True}
            raise
        await asyncio.to_thread(self._freshness.leave, found)
        await asyncio.to_thread(self._repos.remove, found, purge=is_purged)
        await asyncio.to_thread(self._forget)
        return {"path": found.place.root, "purged": is_purged}

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return every enrolled repository."""
        del params
        return await self.get_status(None)

    async def notify(self, params: dict[str, Any]) -> dict[str, Any]:
        """Take the hint that `repo` may have moved."""
        repo, _ = self._repos.find(params["repo"])
        self._indexer.request(repo, "hook")
        return {"path": repo.place.root}

    async def get_status(self, start: str | None) -> dict[str, Any]:
        """Return the repositories' part of `status`, of the one around *start* or (None) of all."""
        repos = list(self._repos) if start is None else [self._repos.find_even_gone(start)]
        return {"repos": [self._describe(repo) for repo in repos]}

    def _describe(self, repo: Repo) -> dict[str, Any]:
        """Return path, head, commits, pending, complete, updated_by, notice and the progress of an update.

        skipped: commits set aside, in part or whole. unread: what of the history is not there or never read, None: nothing.
        watched: `events`, or why they do not work. encoded: texts, since the daemon started. embedded: commits found by
        meaning, None where that is not known. Opens nothing: what is not open was left as it settled.
        """
        progress = repo.progress.describe()  # before what an update sets at its end: `idle` is told with all of that
        settled = repo.settled
        skipped = repo.index.counts.skipped if repo.index else settled.get("skipped", 0)
        lack = repo.notice or self._encoder.notice or describe_wait(repo) or skipping.describe(skipped)
        status = {
            "path": repo.place.root, "repo": repo.key, "updated_by": repo.updated_by or settled.get("updated_by"),
            "notice": "; ".join(filter(None, (lack, repo.bundle_notice))) or None, "unread": describe_unread(repo.place),
            "skipped": skipped,
            "watched": repo.watched or "events", "encoded": repo.encoded,
            **progress,
        }  # fmt: skip
        if (index := repo.index) is not None:
            return status | describe_index(repo, index) | {"embedded": index.counts.embedded}
        kept = {"head": settled.get("head"), "commits": settled.get("commits", 0)}
        kept["is_shallow"] = bool(read_shallow_boundary(repo.place))
        return status | kept | {"embedded": None, "pending": 0, "complete": repo.is_settled}
