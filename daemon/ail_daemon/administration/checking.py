"""`check.index`: compares the index with all that git reaches, and words and vectors with the store; repairs what differs.

It does not rely on the signatures and tips that updates use.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from ail_rpc.errors import BusyError, StorageError

from ..encoding.encoders import ServingEncoder
from ..flags import Flags
from ..index.repoindex import RepoIndex
from ..indexing.embedding import describe_wait
from ..indexing.indexer import Indexer
from ..indexing.reading import LocalReader
from ..model import Tips
from ..repos.repo import Repo
from ..repos.repos import Repos

_MOST_CLOSED = 5


@dataclass(frozen=True, slots=True)
class Findings:
    """The faults of an index: commits not indexed, indexed ones that git does not reach, missing documents and vectors.

    integrity: what SQLite says of its file, "ok" if all is well.
    """

    missing: int = 0
    unreachable: int = 0
    words_short: int = 0
    vectors_short: int = 0
    unembedded: int = 0
    unread: int = 0
    integrity: str = "ok"

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found."""
        return self == Findings()

    def describe(self) -> dict[str, Any]:
        """Return what was found, by name."""
        return {name: getattr(self, name) for name in self.__slots__}


class Checking:
    """Checks enrolled repositories against git."""

    def __init__(self, repos: Repos, indexer: Indexer, flags: Flags, encoder: ServingEncoder) -> None:
        self._repos = repos
        self._indexer = indexer
        self._flags = flags
        self._encoder = encoder

    async def check_index(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return for `repo`, or for every repository, the faults, whether they were repaired, and whether all is well now."""
        start = params["repo"]
        repos = list(self._repos) if start is None else [self._repos.find(start)[0]]
        checked = [await self._check(repo) for repo in repos]
        return {"ok": all(one["ok"] for one in checked), "repos": checked}

    async def _check(self, repo: Repo) -> dict[str, Any]:
        await self._update(repo)
        found = await self._inspect_at_rest(repo)
        left = found
        if not found.is_ok and (not repo.notice or found.integrity != "ok"):
            await asyncio.to_thread(_discard, repo, found)
            await self._update(repo)
            left = await self._inspect_at_rest(repo)
        is_ok, notice = left.is_ok and not repo.notice, repo.notice or describe_wait(repo)
        result = {"path": repo.place.root, "ok": is_ok, "repaired": is_ok and not found.is_ok, "notice": notice}
        return result | {"commits": repo.index.counts.commits if repo.index else 0, "found": found.describe()}

    async def _update(self, repo: Repo) -> None:
        self._indexer.forget(repo)
        repo.settled = {}
        await asyncio.wrap_future(self._indexer.request(repo, "timer").done)

    async def _inspect_at_rest(self, repo: Repo) -> Findings:
        """Inspect *repo*; again after another update where one closed the index meanwhile, as after a damaged database."""
        for _ in range(_MOST_CLOSED):
            try:
                return await asyncio.to_thread(self._inspect, repo)
            except BusyError:
                await self._update(repo)
        return await asyncio.to_thread(self._inspect, repo)

    def _inspect(self, repo: Repo) -> Findings:
        try:
            index = repo.open_index(self._encoder.get())
            integrity = index.store.check_integrity()
        except StorageError as err:
            return Findings(integrity=err.message)
        return replace(_compare(repo, index, self._flags), integrity=integrity)


def _compare(repo: Repo, index: RepoIndex, flags: Flags) -> Findings:
    reader = LocalReader(repo.place, flags.current.refs, limits=flags.history_limits)
    tips = sorted(reader.tips.shas)
    reachable = set(reader.iter_shas(tips, [])) if tips else set()
    indexed = set(index.store.iter_shas())
    counts, documents = index.counts, index.store.count_documents()
    embedded = index.store.count_embedded()
    return Findings(
        missing=len(reachable - indexed),
        unreachable=len(indexed - reachable),
        words_short=abs(documents - len(index.words)),
        vectors_short=0 if counts.embedded is None else abs(embedded - counts.embedded),
        unembedded=0 if counts.embedded is None or repo.waits_for_power else len(indexed) - embedded,
        unread=len(indexed) - counts.changed,
    )


def _discard(repo: Repo, found: Findings) -> None:
    """Discard what is damaged, so that the next update makes it anew."""
    if found.integrity != "ok":
        repo.set_aside()
        return
    index = repo.index
    if index is not None:
        index.store.remove_orphans()
        index.change(tips=Tips(None))  # all is compared
        if found.words_short:
            index.distrust_words()
    repo.is_doubtful = True
