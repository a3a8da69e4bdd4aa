"""`show`: one commit as the index knows it, also by its sha before a rewrite."""

from __future__ import annotations

from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, UsageError

from ..encoding.encoders import ServingEncoder
from ..history.limits import ASKED
from ..history.opening import open_history
from ..index.repoindex import RepoIndex
from ..index.rewrites import find_retired, find_successor
from ..indexing.freshness import Freshness
from ..model import SCHEMA
from ..repos.repos import Repos
from ..search import answers
from ..search.fates import find_fate
from .pool import QuestionPool


class Showing:
    """Shows commits of enrolled repositories. Its coroutine runs on the daemon's loop, the work in *pool*."""

    def __init__(self, repos: Repos, freshness: Freshness, encoder: ServingEncoder, pool: QuestionPool) -> None:
        self._repos = repos
        self._freshness = freshness
        self._encoder = encoder
        self._pool = pool

    async def show(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one commit, named by its sha, an unambiguous beginning of it, or a ref. Raises NotFoundError, UsageError."""
        repo, place = self._repos.find(params["repo"])
        limit_s = self._pool.get_limit_s(params["timeout"])
        await self._freshness.ensure(repo, limit_s)
        return await self._pool.run(limit_s, lambda: _show(repo.open_index(self._encoder.get()), place, params["sha"]))


def _show(index: RepoIndex, place: RepoPlace, name: str) -> dict[str, Any]:
    prefix = name if _is_sha(name) else _find_named(place, name)
    old = None
    match index.store.find_sha(prefix.lower()):
        case []:
            old, sha = _find_rewritten(index, place, prefix.lower())
        case [sha]:
            pass
        case _:
            raise UsageError(f"more than one commit begins with {prefix}", "give more digits")
    commit_id = index.store.get_ids([sha])[sha]
    commit = index.store.get_commits([commit_id])[commit_id]
    fate = find_fate(index.store, commit_id, commit)
    return {
        "schema_version": SCHEMA, "repo": place.root, "sha": commit.sha, "successor_of": old,
        "parents": list(commit.parents),
        "subject": commit.subject, "author": commit.author, "email": commit.email,
        "author_time": answers.format_time(commit),
        "message": commit.message, "paths": index.store.get_paths(commit_id), **fate._asdict(),
    }  # fmt: skip


def _is_sha(name: str) -> bool:
    return 4 <= len(name) <= 64 and all(digit in "0123456789abcdef" for digit in name.lower())


def _find_named(place: RepoPlace, name: str) -> str:
    """Return the sha of the commit that *name* leads to: HEAD, a branch, a tag, `HEAD~2`. Raises UsageError."""
    sha = open_history(place, limits=ASKED).find_commit(name)
    if sha is None:
        raise UsageError(f"{name:.80} is neither a sha nor a name of a commit", "`git log` lists the commits")
    return sha


def _find_rewritten(index: RepoIndex, place: RepoPlace, prefix: str) -> tuple[str, str]:
    """Return (old sha, its successor) for the beginning of a commit that is gone. Raises NotFoundError, UsageError."""
    match find_retired(index.store, prefix):
        case [old] if new := find_successor(index.store, old):
            return old, new
        case [old]:
            raise NotFoundError(
                f"{old} is gone: no branch or tag of {place.root} reaches it any more, and nothing tells what took its place",
                "`git reflog` may still know it",
            )
        case []:
            raise NotFoundError(
                f"no indexed commit of {place.root} begins with {prefix}", "`git log` lists the commits"
            )
        case _:
            raise UsageError(f"more than one commit begins with {prefix}", "give more digits")
