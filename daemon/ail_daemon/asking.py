"""`ask` and `show`: from a call's params to the contract's reply. Knows which repository, caches, time limits; no ranking."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from time import perf_counter
from typing import Any

from cachetools import LRUCache

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, OutOfTimeError, UsageError
from ail_rpc.framing import pack, unpack

from . import answers, searcher
from .candidates import Question
from .encoders import ServingEncoder
from .index import RepoIndex
from .indexer import Indexer
from .linehistory import NO_LINES, LineHistories
from .methods import SCHEMA
from .model import Scope
from .repos import Repo, Repos

MAX_QUESTION_BYTES = 100_000
_EXACT = "exact"


class Asking:
    """Answers questions about enrolled repositories. Its coroutines run on the daemon's loop, the work in *pool*."""

    def __init__(
        self,
        repos: Repos,
        indexer: Indexer,
        encoder: ServingEncoder,
        pool: Executor,
        cache_size: int,
        max_query_time_s: float,
    ) -> None:
        self._repos = repos
        self._indexer = indexer
        self._encoder = encoder
        self._pool = pool
        self._cache: LRUCache[tuple[Any, ...], bytes] = LRUCache(cache_size)  # packed: a tenth of the memory
        self._max_query_time_s = max_query_time_s
        self._lines = LineHistories()

    async def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the contract's reply. Raises UsageError, NotEnrolledError, NotFoundError, OutOfTimeError."""
        started = perf_counter()
        text = _check_question(params["question"])
        repo, place = self._repos.find(params["repo"])
        self._indexer.request_if_moved(repo, "question")
        scope = Scope(_relative(params["file"], place), tuple(params["lines"]) if params["lines"] else None)
        key = _key(repo, place, text, scope, params)
        cached = self._cache.get(key) if key else None
        if cached:
            reply = unpack(zlib.decompress(cached))
        else:
            reply = await self._in_time(params["timeout"], lambda: self._answer(repo, place, text, scope, params))
            if key and not reply["degraded"]:
                self._cache[key] = zlib.compress(pack(reply), 1)
        spent_ms = (perf_counter() - started) * 1000
        return {**reply, "cached": _EXACT if cached else None, "query_time_ms": round(spent_ms, 3)}

    async def show(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one commit, named by its sha or an unambiguous beginning of it."""
        repo, place = self._repos.find(params["repo"])
        return await self._in_time(params["timeout"], lambda: _show(self._open(repo), place, params["sha"]))

    def _open(self, repo: Repo) -> RepoIndex:
        return repo.open_index(self._encoder.get())

    async def _in_time(self, timeout_s: float | None, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Run *work* in the pool, as long as the caller allows, or else the settings."""
        limit_s = timeout_s or self._max_query_time_s
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._pool, work), limit_s)
        except TimeoutError as err:
            raise OutOfTimeError(f"no answer within {limit_s:g} s", "ask again, or allow more with --timeout") from err

    def _answer(self, repo: Repo, place: RepoPlace, text: str, scope: Scope, params: dict[str, Any]) -> dict[str, Any]:
        index = self._open(repo)
        _check_file(index, repo, scope)
        lines = self._lines.find(place, scope.file, scope.lines) if scope.file and scope.lines else NO_LINES
        encoder = self._encoder.get() if params["mode"] != "lexical" else None
        question = Question(text, scope, params["limit"], params["mode"], lines.blamed, lines.logged)
        found = searcher.ask(index, encoder, question)
        return {
            "schema_version": SCHEMA, "repo": place.root, "question": text, "file": scope.file,
            "lines": list(scope.lines) if scope.lines else None, **found,
            "degraded": self._degraded(repo, index, params["mode"]), "index": describe_index(repo, index),
        }  # fmt: skip

    def _degraded(self, repo: Repo, index: RepoIndex, mode: str) -> str | None:
        """Say why the answer may be less than what was asked for; None where it is not."""
        if repo.progress.phase in ("waiting", "reading") and not index.tips.shas:
            return f"indexing: {index.counts.commits} commits so far"
        if mode == "lexical":
            return None
        if index.vectors is None:
            return self._encoder.reason
        embedded, commits = index.counts.embedded or 0, index.counts.commits
        return f"indexing {100 * embedded // commits} %" if embedded < commits else None


def _key(repo: Repo, place: RepoPlace, text: str, scope: Scope, params: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return what must be alike for an answer to be given again, None where none may be; spacing makes no other question."""
    if params["no_cache"] or repo.index is None:
        return None
    words = " ".join(text.split())
    return (repo.token, repo.index.generation, place.git_dir, scope, params["limit"], params["mode"], words)


def describe_index(repo: Repo, index: RepoIndex) -> dict[str, Any]:
    """Return how fresh the index is: head, commits, pending, complete."""
    counts = index.counts
    return {
        "head": index.tips.head,
        "commits": counts.commits,
        "pending": counts.pending,
        "complete": repo.is_settled and not counts.pending,
    }


def _show(index: RepoIndex, place: RepoPlace, prefix: str) -> dict[str, Any]:
    if not 4 <= len(prefix) <= 64 or any(digit not in "0123456789abcdef" for digit in prefix.lower()):
        raise UsageError(f"{prefix:.80} is no sha", "give 4 to 40 hexadecimal digits")
    match index.store.find_sha(prefix.lower()):
        case []:
            raise NotFoundError(
                f"no indexed commit of {place.root} begins with {prefix}", "`git log` lists the commits"
            )
        case [sha]:
            commit_id = index.store.get_ids([sha])[sha]
        case _:
            raise UsageError(f"more than one commit begins with {prefix}", "give more digits")
    commit = index.store.get_commits([commit_id])[commit_id]
    return {
        "schema_version": SCHEMA, "repo": place.root, "sha": commit.sha, "parents": list(commit.parents),
        "subject": commit.subject, "author": commit.author, "email": commit.email,
        "author_time": answers.format_time(commit),
        "message": commit.message, "paths": index.store.get_paths(commit_id), "reverted_by": None, "replaced_by": None,
    }  # fmt: skip


def _check_question(text: str) -> str:
    if not text.strip():
        raise UsageError("the question is empty", "ask something: ail-client ask 'why …?'")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_QUESTION_BYTES:
        raise UsageError(f"the question is longer than {MAX_QUESTION_BYTES:,} bytes", "ask it in fewer words")
    return text.strip()


def _relative(file: str | None, place: RepoPlace) -> str | None:
    """Return *file* relative to the repository's root; a path outside it is wrong."""
    if not file:
        return None
    inside = os.path.relpath(file, place.root) if os.path.isabs(file) else os.path.normpath(file)
    if inside.startswith(".."):
        raise UsageError(f"{file} lies outside {place.root}", "name a file of the repository")
    return inside


def _check_file(index: RepoIndex, repo: Repo, scope: Scope) -> None:
    is_whole = repo.progress.phase not in ("waiting", "reading")
    if scope.file and is_whole and not index.store.knows_path(scope.file):
        raise NotFoundError(
            f"no commit of {repo.place.root} ever touched {scope.file}",
            "check the spelling; a new file has a history once it is committed",
        )
