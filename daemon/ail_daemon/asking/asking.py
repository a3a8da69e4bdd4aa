"""`ask`: from a call's params to the contract's reply. Knows which repository, which caches, which side; no ranking."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import replace
from time import perf_counter, time
from typing import Any, Literal, NamedTuple

from ail_rpc import WHY
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import UsageError

from ..flags import Flags
from ..history.worktree import identify
from ..index.repoindex import RepoIndex
from ..index.words import WordIndexError
from ..indexing.freshness import Freshness
from ..model import Cause, Scope
from ..process.underway import get_request
from ..repos.repo import describe_index
from ..repos.repos import Repos
from ..search import filters
from ..search.linehistory import hash_text
from ..server.params import check_file
from .answering import Answering, Asked
from .caches import ExactCache, SimilarCache
from .fallback import Fallback
from .plan import LESS_SURE, SWITCHED_OFF, NoMeaningError, decide, turn
from .pool import QuestionPool
from .shadow import Shadow
from .sides import SideFigures, compare
from .wording import canonical

CONTENTS_MAX_BYTES = 768 << 10
"""Of an unsaved text: a request has 1 MiB."""

_LASTING = ("switched_off", "low_confidence")


class Told(NamedTuple):
    """A reply; which cache it came from, None for neither; why words alone tell it where meaning was asked for, else None."""

    reply: dict[str, Any]
    cached: Literal["exact", "similar"] | None = None
    cause: Cause | None = None

    @property
    def may_be_kept(self) -> bool:
        """Whether it will be the same for as long as the index and the settings are."""
        return self.cause in _LASTING if self.cause else not self.reply["degraded"]


class Asking:
    """Answers questions about enrolled repositories. Its coroutines run on the daemon's loop, the work in threads."""

    def __init__(
        self,
        repos: Repos,
        freshness: Freshness,
        flags: Flags,
        pool: QuestionPool,
        answering: Answering,
        exact: ExactCache,
        similar: SimilarCache,
        figures: SideFigures,
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._flags = flags
        self._pool = pool
        self._answering = answering
        self._exact = exact
        self._similar = similar
        self._figures = figures
        self._fallback = Fallback(pool, figures)
        self._shadow = Shadow(flags, pool, figures)

    async def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the contract's reply. Raises UsageError, NotEnrolledError, NotFoundError, NoMeaningError, OutOfTimeError."""
        started = perf_counter()
        asked = self.check(params)
        limit_s = self._pool.get_limit_s(params["timeout"])
        await self._freshness.ensure(asked.repo, limit_s)
        told = self._recall(asked) or await self._answer(asked, limit_s - (perf_counter() - started))
        spent_ms = (perf_counter() - started) * 1000
        self._note(told, spent_ms)
        return {**told.reply, "cached": told.cached, "query_time_ms": round(spent_ms, 3)}

    async def _answer(self, asked: Asked, limit_s: float) -> Told:
        try:
            told = await self._fallback.run(
                asked.plan, limit_s, lambda: self._ask_meaning(asked), lambda problem: self._ask_words(asked, problem)
            )
        except WordIndexError:
            self._freshness.mend(asked.repo)
            raise
        self._offer_to_compare(asked, told)
        return told

    def stop(self) -> None:
        """End what goes on after replies; a comparison at hand is finished."""
        self._shadow.stop()

    def check(self, params: dict[str, Any]) -> Asked:
        """Return the question that a call's params are. Raises UsageError, NotEnrolledError, NoMeaningError."""
        text = _check_question(
            params["question"] or (WHY if params["file"] else ""), self._flags.current.max_question_bytes
        )
        repo, place = self._repos.find(params["repo"])
        scope = Scope(_relative(params["file"], place), tuple(params["lines"]) if params["lines"] else None)
        plan = decide(self._flags.current, params["mode"], repo.key, scope, _level(text))
        return Asked(text, scope, repo, place, plan, params, _identify(params["contents"], scope, place))

    def _recall(self, asked: Asked) -> Told | None:
        """Return the reply to the same question, None where none is kept. Fast enough for the loop: touches no index."""
        index = asked.repo.index
        if index is None or asked.params["no_cache"]:
            return None
        kept = self._exact.get(_key(asked, index, _level(asked.text)))
        return Told({**kept, "index": describe_index(asked.repo, index, asked.place)}, "exact") if kept else None

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _ask_meaning(self, asked: Asked) -> Told:
        """Answer from a similar question's reply, else from the index; keep what may be given again."""
        index, encoder = self._answering.open_for_meaning(asked)
        may_recall = not asked.params["no_cache"]
        alike = _key(asked, index, canonical(asked.text))
        if may_recall and (kept := self._similar.get(alike, encoder.encode([asked.text]))):
            here = {"question": asked.text, "index": describe_index(asked.repo, index, asked.place)}
            return self._keep(asked, index, Told(kept | here, "similar"))
        reply = self._answering.find(asked, index, encoder)
        told = Told(reply)
        if reply["mode"] == "lexical":
            told = Told(reply | {"degraded": reply["degraded"] or LESS_SURE}, cause="low_confidence")
        if may_recall and told.may_be_kept:
            self._similar.put(alike, encoder.encode([asked.text]), told.reply)
        return self._keep(asked, index, told)

    def _ask_words(self, asked: Asked, problem: NoMeaningError | None) -> Told:
        """Answer by words alone; *problem*: why meaning, which was asked, could not."""
        asked = asked._replace(plan=replace(asked.plan, side="lexical", mode="lexical", required=0.0))
        index = self._answering.open_for_words(asked)
        reply = self._answering.find(asked, index, None)
        if problem:
            lack = "; ".join(filter(None, (problem.message, reply["degraded"])))
            return Told(reply | {"degraded": lack}, cause=problem.cause)
        if asked.plan.refused:
            reply["degraded"] = reply["degraded"] or SWITCHED_OFF
        return self._keep(asked, index, Told(reply, cause=asked.plan.refused))

    def _keep(self, asked: Asked, index: RepoIndex, told: Told) -> Told:
        if told.may_be_kept and not asked.params["no_cache"]:
            self._exact.put(_key(asked, index, _level(asked.text)), told.reply)
        return told

    # --- after the reply ----------------------------------------------------------------------------------------------

    def _note(self, told: Told, spent_ms: float) -> None:
        if get_request() is None:
            return  # a probe's question, or one that warms the caches
        reply = told.reply
        self._figures.note_answer(reply["mode"], reply["confidence"], spent_ms, is_cached=told.cached is not None)
        if told.cause:
            self._figures.note_fallback(told.cause)

    def _offer_to_compare(self, asked: Asked, told: Told) -> None:
        """Have the other side asked later, where the question is one of those that are compared."""
        if told.cached or told.cause or asked.params["mode"] != "auto":
            return
        other = asked._replace(plan=turn(asked.plan))
        key = asked.repo.key, asked.scope, _level(asked.text)
        self._shadow.offer(key, lambda: compare(told.reply, self._answering.ask(other)))


def _key(asked: Asked, index: RepoIndex, wording: Hashable) -> tuple[Hashable, ...]:
    """Return what must be alike for an answer to be given again: this enrolment and state, the scope, every option, *wording*.

    The plan is part of it: an answer by meaning is not given again once words alone are to answer.
    """
    params = asked.params
    options = (params["limit"], params["mode"], params["at"], asked.state, filters.get_key(params, time()))
    return (asked.repo.token, index.generation, asked.place.git_dir, asked.scope, asked.plan, options, wording)


def _identify(contents: str | None, scope: Scope, place: RepoPlace) -> Hashable:
    """Return what tells the text in which the scope's lines are counted from any other; no file is read. Raises UsageError."""
    if scope.file is None or scope.lines is None:
        return None
    if contents is None:
        return identify(place, scope.file)
    if len(contents) > CONTENTS_MAX_BYTES:
        raise UsageError(
            f"the contents are larger than {CONTENTS_MAX_BYTES >> 10} KiB", "leave them out: the file is read"
        )
    return hash_text(contents.encode("utf-8", "surrogateescape"))


def _level(text: str) -> str:
    """Return *text* with its spacing levelled: that makes no other question."""
    return " ".join(text.split())


def _check_question(text: str, most_bytes: int) -> str:
    if not text.strip():
        raise UsageError("the question is empty", "ask something: ail-client ask 'why …?'")
    if len(text.encode("utf-8", "surrogatepass")) > most_bytes:
        raise UsageError(
            f"the question is longer than {most_bytes:,} bytes",
            "ask in fewer words, or allow more with AIL_MAX_QUESTION_BYTES",
        )
    return text.strip()


def _relative(file: str | None, place: RepoPlace) -> str | None:
    """Return *file* relative to the repository's root; a path outside it is wrong."""
    if not file:
        return None
    check_file(file)
    inside = os.path.relpath(file, place.root) if os.path.isabs(file) else os.path.normpath(file)
    if inside.startswith(".."):
        raise UsageError(f"{file} lies outside {place.root}", "name a file of the repository")
    return inside
