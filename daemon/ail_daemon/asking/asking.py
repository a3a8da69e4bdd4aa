"""`ask`: from a call's params to the contract's reply. Which repository, which side, within which time; no ranking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from ..flags import Flags
from ..index.store import DamagedError
from ..index.words import WordIndexError
from ..indexing.freshness import Freshness
from ..repos.repos import Repos
from .answering import Answering
from .askparams import AskParams
from .fallback import Fallback
from .functions import resolve_function
from .plan import decide
from .pool import QuestionPool
from .replies import Answered, Asked, Observer, Reply

DAMAGE = (WordIndexError, DamagedError)
"""Errors by which an index is found damaged."""


class Asking:
    """Answers questions about enrolled repositories. Its coroutines run on the daemon's loop, the work in threads."""

    def __init__(
        self,
        repos: Repos,
        freshness: Freshness,
        flags: Flags,
        pool: QuestionPool,
        answering: Answering,
        fallback: Fallback,
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._flags = flags
        self._pool = pool
        self._answering = answering
        self._fallback = fallback
        self.completing: Observer = lambda _: None  # may add to the reply
        self.observers: Sequence[Observer] = ()

    async def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a user's question; every observer is notified once it is sent. Raises as `answer` does."""
        answered = await self._answer(params)
        self.completing(answered)
        asyncio.get_running_loop().call_soon(self._notify, answered)
        return answered.wire

    def _notify(self, answered: Answered) -> None:
        for observe in self.observers:
            observe(answered)

    async def answer(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a question of our own, as to probe or warm the caches; no observer is notified.

        Raises UsageError, NotEnrolledError, NotFoundError, NoMeaningError, OutOfTimeError.
        """
        return (await self._answer(params)).wire

    def find(self, params: AskParams) -> Asked:
        """Return the question with its repository, scope and plan. Raises UsageError, NotEnrolledError, NoMeaningError."""
        settings = self._flags.current
        params.check(settings.max_question_bytes)
        repo, place, files = self._repos.find_owner(params.repo, [params.file] if params.file else [])
        scope = params.get_scope(files[0] if files else None, place)
        plan = decide(settings, params.mode, repo.key, scope, params.levelled)
        return Asked(params, repo, place, scope, plan, params.identify_text(scope, place))

    async def _answer(self, params: dict[str, Any]) -> Answered:
        started = perf_counter()
        asked = self.find(await self._resolve(AskParams.parse(params)))
        limit_s = self._pool.get_limit_s(asked.params.timeout_s)
        await self.freshen(asked, limit_s)
        reply = await self.reply(asked, limit_s - (perf_counter() - started))
        spent_ms = (perf_counter() - started) * 1000
        wire = {**reply.body, "cached": reply.cached, "query_time_ms": round(spent_ms, 3)}
        return Answered(asked, reply, wire, spent_ms)

    async def _resolve(self, params: AskParams) -> AskParams:
        """Return *params* with the lines of the function that they name, if they name one."""
        if not params.function:
            return params
        _, place, files = self._repos.find_owner(params.repo, [params.file] if params.file else [])
        own = replace(params, file=files[0] if files else None)
        limit_s = self._pool.get_limit_s(params.timeout_s)
        return await self._pool.run(limit_s, lambda: resolve_function(own, place))

    async def freshen(self, asked: Asked, limit_s: float) -> None:
        """Have the index of *asked* cite nothing that is gone, and wait a moment for what is new. Raises OutOfTimeError."""
        await self._freshness.ensure(asked.repo, limit_s)

    async def reply(self, asked: Asked, limit_s: float) -> Reply:
        """Return the reply, from the cache or by a search. Raises as `answer` does."""
        return self._answering.recall(asked) or await self._search(asked, limit_s)

    async def _search(self, asked: Asked, limit_s: float) -> Reply:
        try:
            return await self._fallback.run(
                asked.plan, limit_s, lambda: self._answering.answer(asked),
                lambda problem: self._answering.answer(asked.by_words(), problem),
            )  # fmt: skip
        except DAMAGE as err:
            self.mend(asked, err)
            raise

    def mend(self, asked: Asked, err: WordIndexError | DamagedError) -> None:
        """Have the index of *asked* made anew, which was found damaged."""
        self._freshness.mend(asked.repo, err)
