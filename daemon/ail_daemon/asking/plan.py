"""Which side is to answer a question, by the mode asked for and the current settings. Pure.

An explicit --mode is always honoured; the rollout and the bar on confidence apply to `auto` alone.

The rollout goes by a stable hash of repository, place and question: the same question lands in the same place in every
process, on every machine and in every version, so that raising the share keeps every question that was in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ail_rpc.errors import UnavailableError

from ..model import Cause, Mode, Scope, Side
from ..settings import Settings

SWITCHED_OFF = "meaning is switched off (AIL_FAISS_ENABLED)"

_REMEDIES: dict[Cause, str] = {
    "switched_off": "`ail-client flags AIL_FAISS_ENABLED=true` switches it on",
    "out_of_time": "allow more with AIL_MAX_QUERY_TIME_S",
}


class NoMeaningError(UnavailableError):
    """The semantic side cannot answer: *cause* is the kind of reason, the message the reason.

    remedy: what to do about it, where the cause alone does not say.
    """

    def __init__(self, cause: Cause, message: str, remedy: str = "") -> None:
        remedy = remedy or _REMEDIES.get(cause, "see the daemon's log")
        super().__init__(message, f"{remedy}; or ask by words, in the mode lexical or with AIL_FAISS_FALLBACK=true")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is to be answered; part of a cached answer's key.

    side: which is to answer. mode: `auto` on the semantic side ranks by meaning and words. required: the ranker's confidence in
    its commit below which words rank too, 0: never; not asked where passages say how sure an answer is. may_fall_back: whether
    the lexical side may answer where the semantic one cannot. refused: why the lexical side is to answer where the semantic one
    was asked for, None where it is not.
    """

    side: Side
    mode: Mode
    required: float = 0.0
    may_fall_back: bool = True
    refused: Cause | None = None


def decide(settings: Settings, mode: Mode, repo_key: str, scope: Scope, question: str) -> Plan:
    """Return the plan for a question of normalised spacing. Raises NoMeaningError: meaning is off, with no fallback."""
    if mode == "lexical":
        return Plan("lexical", "lexical")
    if not settings.faiss_enabled:
        if mode == "semantic" and not settings.faiss_fallback:
            raise NoMeaningError("switched_off", SWITCHED_OFF)
        return Plan("lexical", "lexical", refused="switched_off")
    if mode == "semantic":
        return Plan("semantic", "semantic", may_fall_back=settings.faiss_fallback)
    if not is_semantic(repo_key, scope, question, settings.faiss_rollout):
        return Plan("lexical", "lexical")
    return Plan("semantic", "auto", settings.faiss_required_confidence, settings.faiss_fallback)


def turn(plan: Plan) -> Plan:
    """Return the plan that asks only the other side: for comparisons."""
    return Plan("lexical", "lexical") if plan.side == "semantic" else Plan("semantic", "auto", may_fall_back=False)


_ROLLOUT, _SHADOW = b"rollout 1", b"shadow 1"
"""Distinct, or all compared questions would be of one side. Never change them: every question would be placed anew."""


def is_semantic(repo_key: str, scope: Scope, question: str, percent: int) -> bool:
    """Whether a question is among the *percent* (0 to 100) that the semantic side answers. *question*: spacing normalised."""
    return (
        percent == 100 or _find_place(_ROLLOUT, repo_key, scope, question) * 100 < percent << 64
    )  # all: no hash needed


def is_compared(repo_key: str, scope: Scope, question: str, percent: int) -> bool:
    """Whether a question is among the *percent* (0 to 100) that the other side is asked too."""
    return percent > 0 and _find_place(_SHADOW, repo_key, scope, question) * 100 < percent << 64


def _find_place(purpose: bytes, repo_key: str, scope: Scope, question: str) -> int:
    """Return a question's hash, 0 to 2**64 - 1, spread evenly."""
    first, last = scope.lines or (0, 0)
    parts = (repo_key, scope.file or "", str(first), str(last), question)
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    hashed = hashlib.blake2b(person=purpose, digest_size=8)
    for part in encoded:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return int.from_bytes(hashed.digest(), "big")
