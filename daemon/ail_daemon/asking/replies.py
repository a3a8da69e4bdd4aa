"""A question being answered, and its reply: the types that this package's modules share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ail_rpc.discovery import RepoPlace

from ..model import Cause, Scope
from ..repos.repo import Repo
from .askparams import AskParams
from .plan import Plan

_LASTING = ("switched_off", "low_confidence")

CacheName = Literal["exact", "similar"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was found for it: the repository, the place within it, and how it is to be answered.

    state: identifies the text in which its lines are counted.
    """

    params: AskParams
    repo: Repo
    place: RepoPlace
    scope: Scope
    plan: Plan
    state: Hashable = None

    def by_words(self) -> Asked:
        """Return the question for the lexical side."""
        return replace(self, plan=replace(self.plan, side="lexical", mode="lexical", required=0.0))


@dataclass(frozen=True, slots=True)
class Reply:
    """The contract's reply, but for what the call itself adds.

    cached: which cache it came from, None for neither. cause: why the lexical side answers for the semantic one, else None.
    """

    body: dict[str, Any]
    cached: CacheName | None = None
    cause: Cause | None = None

    @property
    def may_be_kept(self) -> bool:
        """Whether it stays valid until the index or the settings change."""
        return self.cause in _LASTING if self.cause else not self.body["degraded"]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that a user asked, with its reply: `wire` is about to be sent, and an observer may add to it."""

    asked: Asked
    reply: Reply
    wire: dict[str, Any]
    spent_ms: float


Observer = Callable[[Answered], None]
"""Observes a reply after it was sent, on the loop, in microseconds; longer work it schedules."""
