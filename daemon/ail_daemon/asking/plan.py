"""Which side is to answer a question, by what was asked for and by the settings as they stand. Pure.

`auto` goes by the settings and the rollout. Who names a mode gets it: neither the rollout nor the bar concerns them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ail_rpc.errors import UnavailableError

from ..model import Cause, Mode, Scope, Side
from ..settings import Settings
from . import rollout

SWITCHED_OFF = "meaning is switched off (AIL_FAISS_ENABLED)"
LESS_SURE = "by meaning it was less sure: answered by words alone"

_REMEDIES: dict[Cause, str] = {
    "switched_off": "`ail-client flags AIL_FAISS_ENABLED=true` switches it on",
    "model": "`ail-daemon model prepare` makes the model ready",
    "out_of_time": "allow more with --timeout",
}


class NoMeaningError(UnavailableError):
    """The semantic side cannot answer: *cause* says which kind of reason, the message which reason."""

    def __init__(self, cause: Cause, message: str) -> None:
        remedy = _REMEDIES.get(cause, "see the daemon's log")
        super().__init__(message, f"{remedy}; or ask by words, with --mode lexical or AIL_FAISS_FALLBACK=true")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is to be answered; part of what a kept answer is kept by.

    side: which is to answer. mode: what it is asked as: `auto` on the semantic side means with words. required: confidence below
    which words alone are asked too, 0: never. may_fall_back: whether words may answer where meaning cannot. refused: why
    words are to answer where meaning was asked for, None where they are not.
    """

    side: Side
    mode: Mode
    required: float = 0.0
    may_fall_back: bool = True
    refused: Cause | None = None


def decide(settings: Settings, mode: Mode, repo_key: str, scope: Scope, question: str) -> Plan:
    """Return the plan for a question, its spacing levelled. Raises NoMeaningError: meaning is off, and words may not step in."""
    if mode == "lexical":
        return Plan("lexical", "lexical")
    if not settings.faiss_enabled:
        if mode == "semantic" and not settings.faiss_fallback:
            raise NoMeaningError("switched_off", SWITCHED_OFF)
        return Plan("lexical", "lexical", refused="switched_off")
    if mode == "semantic":
        return Plan("semantic", "semantic", may_fall_back=settings.faiss_fallback)
    if not rollout.is_semantic(repo_key, scope, question, settings.faiss_rollout):
        return Plan("lexical", "lexical")
    return Plan("semantic", "auto", settings.faiss_required_confidence, settings.faiss_fallback)


def turn(plan: Plan) -> Plan:
    """Return the plan that asks the other side, and it alone: for comparisons."""
    return Plan("lexical", "lexical") if plan.side == "semantic" else Plan("semantic", "auto", may_fall_back=False)
