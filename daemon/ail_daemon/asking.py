"""`ask`: from a call's params to the contract's reply. Knows which repository, which caches; no ranking."""

from __future__ import annotations

import os
from collections.abc import Hashable
from time import perf_counter, time
from typing import Any, Literal, NamedTuple

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, UsageError

from . import filters, searcher
from .caches import ExactCache, SimilarCache
from .candidates import Question
from .encoders import EncodedOnce, ServingEncoder
from .flags import Flags
from .freshness import Freshness
from .index import RepoIndex
from .indexstate import describe_index
from .linehistory import NO_LINES, LineHistories
from .methods import SCHEMA
from .model import Encoder, Scope
from .pool import QuestionPool
from .repos import Repo, Repos
from .wording import canonical

MAX_QUESTION_BYTES = 100_000


class Asked(NamedTuple):
    """A checked question: in words, about what, where, with its other params."""

    text: str
    scope: Scope
    repo: Repo
    place: RepoPlace
    params: dict[str, Any]


class Told(NamedTuple):
    """A reply, and which cache it came from, None for neither."""

    reply: dict[str, Any]
    cached: Literal["exact", "similar"] | None = None


class Asking:
    """Answers questions about enrolled repositories. Its coroutines run on the daemon's loop, the work in *pool*."""

    def __init__(
        self,
        repos: Repos,
        freshness: Freshness,
        encoder: ServingEncoder,
        pool: QuestionPool,
        flags: Flags,
        exact: ExactCache,
        similar: SimilarCache,
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._encoder = encoder
        self._pool = pool
        self._flags = flags
        self._exact = exact
        self._similar = similar
        self._lines = LineHistories()

    async def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the contract's reply. Raises UsageError, NotEnrolledError, NotFoundError, OutOfTimeError."""
        started = perf_counter()
        asked = self._check(params)
        limit_s = self._pool.get_limit_s(params["timeout"])
        await self._freshness.ensure(asked.repo, limit_s)
        told = self._recall(asked)
        if told is None:
            told = await self._pool.run(limit_s, lambda: self._answer(asked))
        spent_ms = (perf_counter() - started) * 1000
        return {**told.reply, "cached": told.cached, "query_time_ms": round(spent_ms, 3)}

    def _open(self, repo: Repo) -> RepoIndex:
        return repo.open_index(self._encoder.get())

    def _check(self, params: dict[str, Any]) -> Asked:
        if not self._flags.current.faiss_enabled:
            params = params | {"mode": "lexical"}
        text = _check_question(params["question"])
        repo, place = self._repos.find(params["repo"])
        scope = Scope(_relative(params["file"], place), tuple(params["lines"]) if params["lines"] else None)
        return Asked(text, scope, repo, place, params)

    def _recall(self, asked: Asked) -> Told | None:
        """Return the reply to the same question, None where none is kept. Fast enough for the loop: touches no index."""
        index = asked.repo.index
        if index is None or asked.params["no_cache"]:
            return None
        kept = self._exact.get(_key(asked, index, _level(asked.text)))
        return Told({**kept, "index": describe_index(asked.repo, index, asked.place)}, "exact") if kept else None

    def _answer(self, asked: Asked) -> Told:
        """Answer from a similar question's reply, else from the index; keep what may be given again."""
        index = self._open(asked.repo)
        _check_file(index, asked.repo, asked.scope)
        loaded = index.encoder if asked.params["mode"] != "lexical" else None
        encoder = EncodedOnce(loaded) if loaded else None
        exactly, alike = _key(asked, index, _level(asked.text)), _key(asked, index, canonical(asked.text))
        may_recall = not asked.params["no_cache"]
        if encoder and may_recall and (kept := self._similar.get(alike, encoder.encode([asked.text]))):
            told = Told(
                kept | {"question": asked.text, "index": describe_index(asked.repo, index, asked.place)}, "similar"
            )
        else:
            told = Told(self._find(asked, index, encoder))
        if may_recall and not told.reply["degraded"]:
            self._exact.put(exactly, told.reply)
            if encoder and not told.cached:
                self._similar.put(alike, encoder.encode([asked.text]), told.reply)
        return told

    def _find(self, asked: Asked, index: RepoIndex, encoder: Encoder | None) -> dict[str, Any]:
        """Return the reply from the index, without what only this call knows: `cached`, `query_time_ms`."""
        text, scope, repo, place, params = asked
        passing = filters.compile(params, index, place)
        lines = self._lines.find(place, scope.file, scope.lines) if scope.file and scope.lines else NO_LINES
        among = passing.ids if passing else None
        question = Question(text, scope, params["limit"], params["mode"], lines.blamed, lines.logged, among)
        return {
            "schema_version": SCHEMA, "repo": place.root, "question": text, "file": scope.file,
            "lines": list(scope.lines) if scope.lines else None, **searcher.ask(index, encoder, question),
            "degraded": self._degraded(repo, index, params["mode"]), "index": describe_index(repo, index, place),
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


def _key(asked: Asked, index: RepoIndex, wording: Hashable) -> tuple[Hashable, ...]:
    """Return what must be alike for an answer to be given again: this enrolment and state, the scope, every option, *wording*."""
    params = asked.params
    options = (params["limit"], params["mode"], filters.get_key(params, time()))
    return (asked.repo.token, index.generation, asked.place.git_dir, asked.scope, options, wording)


def _level(text: str) -> str:
    """Return *text* with its spacing levelled: that makes no other question."""
    return " ".join(text.split())


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
