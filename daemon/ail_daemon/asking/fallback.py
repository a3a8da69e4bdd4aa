"""Lets the lexical side answer if the semantic one cannot: its model is missing, it fails, or it is out of time.

The semantic side gets a share of a question's time, so that the lexical one has the rest. That has threads of its own, in case
those of all questions hang.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from ail_rpc.errors import NotFoundError, OutOfTimeError, RepoError, StorageError, UsageError

from ..process.logs import log
from .plan import NoMeaningError, Plan
from .pool import QuestionPool, make_out_of_time
from .sides import SideFigures

SHARE = 0.6
"""The semantic side's share of a question's time. It usually needs 10 ms of 5 s, also in a large history."""

_Result = TypeVar("_Result")

_NOT_MEANINGS_FAULT = (UsageError, NotFoundError, RepoError, StorageError)
"""Errors that the lexical side would meet as well: of the question, the repository, the database."""


class Fallback:
    """Runs the side that answers a question, in *pool*, and the lexical side in its place if need be."""

    def __init__(self, pool: QuestionPool, figures: SideFigures) -> None:
        self._pool = pool
        self._figures = figures

    async def run(
        self,
        plan: Plan,
        limit_s: float,
        by_meaning: Callable[[], _Result],
        by_words: Callable[[NoMeaningError | None], _Result],
    ) -> _Result:
        """Return the result of the side of *plan*, or of *by_words*, which gets the reason why meaning could not answer.

        Raises OutOfTimeError after *limit_s*; NoMeaningError if words may not step in; errors that both sides would meet.
        """
        started = monotonic()
        if plan.side == "lexical":
            return await self._ask_words(limit_s, lambda: by_words(None), in_reserve=self._pool.is_full)
        try:
            return await self._pool.run(limit_s * SHARE, by_meaning)
        except _NOT_MEANINGS_FAULT:
            raise
        except Exception as err:  # noqa: BLE001 - whatever FAISS, the runtime or a bug of ours raises, words can answer
            problem = _explain(err, limit_s * SHARE)
        self._figures.note_error("semantic")
        if not plan.may_fall_back:
            raise problem
        rest_s = limit_s - (monotonic() - started)
        if rest_s <= 0:
            raise make_out_of_time(limit_s)
        try:
            return await self._ask_words(rest_s, lambda: by_words(problem), in_reserve=True)
        except OutOfTimeError:
            raise make_out_of_time(limit_s) from None

    async def _ask_words(self, limit_s: float, work: Callable[[], _Result], *, in_reserve: bool) -> _Result:
        try:
            return await self._pool.run(limit_s, work, in_reserve=in_reserve)
        except (UsageError, NotFoundError, RepoError):
            raise
        except Exception:
            self._figures.note_error("lexical")
            raise


def _explain(err: Exception, limit_s: float) -> NoMeaningError:
    """Return why the semantic side could not answer; an unexpected error is logged."""
    if isinstance(err, NoMeaningError):
        return err
    if isinstance(err, OutOfTimeError):
        return NoMeaningError("out_of_time", f"meaning took longer than {limit_s:.3g} s")
    log("meaning_failed", level="error", error=err)
    return NoMeaningError("failed", "meaning failed: the log has why")
