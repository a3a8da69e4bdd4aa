"""Figures of the two sides that may answer: the semantic one, with FAISS, and the lexical one, by words alone.

`compare` measures how alike two replies are. Only counts, times and similarities are kept, no question, answer or sha.
Every method may be called by several threads.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

from ..model import Cause, Side
from .replies import Answered

RECENT = 1024
"""Percentiles are those of a side's latest answers, so many."""

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Comparison(NamedTuple):
    """Both sides' answers to one question: shares 0 to 1; is_same: whether both name the same commit first (or none)."""

    is_same: bool
    overlap: float
    likeness: float


@dataclass(slots=True)
class _Figures:
    """One side's; times in milliseconds."""

    answers: int = 0
    cached: int = 0
    errors: int = 0
    confidence: float = 0.0  # the sum of fresh answers'
    spent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def describe(self) -> dict[str, Any]:
        fresh = self.answers - self.cached
        return {
            "answers": self.answers, "cached": self.cached, "errors": self.errors,
            "confidence": round(self.confidence / fresh, 4) if fresh else None,
            "latency_ms": _take_percentiles(self.spent_ms),
        }  # fmt: skip


class SideFigures:
    """What each side did since the daemon started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sides: dict[Side, _Figures] = {side: _Figures() for side in get_args(Side)}
        self._fallbacks: Counter[Cause] = Counter(dict.fromkeys(get_args(Cause), 0))
        self._count = self._same = self._dropped = 0
        self._overlap = self._likeness = 0.0

    def observe(self, answered: Answered) -> None:
        """Count a user's question that was answered."""
        reply = answered.reply
        is_cached = reply.cached is not None
        self.note_answer(reply.body["mode"], reply.body["confidence"], answered.spent_ms, is_cached=is_cached)
        if reply.cause:
            self.note_fallback(reply.cause)

    def note_answer(self, side: Side, confidence: float, spent_ms: float, *, is_cached: bool) -> None:
        """Count an answer of *side*; of a cached one time and confidence are not counted."""
        with self._lock:
            figures = self._sides[side]
            figures.answers += 1
            if is_cached:
                figures.cached += 1
                return
            figures.confidence += confidence
            figures.spent_ms.append(spent_ms)

    def note_error(self, side: Side) -> None:
        """Count a question that *side* failed at, whether or not the other one answered it then."""
        with self._lock:
            self._sides[side].errors += 1

    def note_fallback(self, cause: Cause) -> None:
        """Count an answer of words alone where meaning was asked for."""
        with self._lock:
            self._fallbacks[cause] += 1

    def note_comparison(self, found: Comparison) -> None:
        """Count the comparison of both sides' answers to a question."""
        with self._lock:
            self._count += 1
            self._same += found.is_same
            self._overlap += found.overlap
            self._likeness += found.likeness

    def note_dropped(self) -> None:
        """Count a comparison that was dropped because the daemon was busy."""
        with self._lock:
            self._dropped += 1

    def describe(self) -> dict[str, Any]:
        """Return the figures, as plain maps and numbers.

        semantic, lexical: answers (all), cached (of them), errors, confidence (mean of fresh answers, None: there was none),
        latency_ms: p50, p95, p99 of the last RECENT fresh answers (None: none). fallbacks: a count for each Cause.
        agreement: count of questions that both answered, same_first, overlap, likeness (means, 0 to 1, None: none), dropped.
        """
        with self._lock:
            sides: dict[str, Any] = {side: figures.describe() for side, figures in self._sides.items()}
            agreement = {
                "count": self._count, "same_first": self._mean(self._same), "overlap": self._mean(self._overlap),
                "likeness": self._mean(self._likeness), "dropped": self._dropped,
            }  # fmt: skip
            return sides | {"fallbacks": dict(self._fallbacks), "agreement": agreement}

    def _mean(self, total: float) -> float | None:
        return round(total / self._count, 4) if self._count else None


def _take_percentiles(values: deque[float]) -> dict[str, float | None]:
    ranked = sorted(values)
    return {
        name: round(ranked[min(int(len(ranked) * share), len(ranked) - 1)], 3) if ranked else None
        for name, share in _PERCENTILES.items()
    }


_WORD = re.compile(r"\w+")


def compare(one: dict[str, Any], other: dict[str, Any]) -> Comparison:
    """Return how alike two replies' citations and answers are.

    overlap: commits that both cite, as a share of those that either does; likeness: the same of the answers' words. Two that
    cite, or say, nothing agree.
    """
    shas = [[citation["sha"] for citation in reply["citations"]] for reply in (one, other)]
    words = [frozenset(_WORD.findall(reply["answer"].casefold())) for reply in (one, other)]
    return Comparison(shas[0][:1] == shas[1][:1], _share({*shas[0]}, {*shas[1]}), _share(*words))


def _share(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
