"""From features to an order and a confidence. Pure: numbers in, numbers out; knows no index or repository.

A candidate's score is a weighted sum of its features (see `features`, and docs/ranking.md for what each is worth). The
weights lie in ranking.json beside this file; `python -m bench.quality.fit` writes them. There are three sets: meaning with words,
words alone, and meaning alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from .features import FEATURES, Floats, QuestionTerms, Signals, build

EVIDENCE = (
    "share", "margin", "cosine", "coverage", "words_possible", "changed_possible", "touches_file", "lines", "asks",
    "best_cosine", "best_coverage", "best_words_possible", "best_changed_possible", "terms", "code",
)  # fmt: skip
"""By what the first hit and the whole question are judged; see `find_evidence`."""

_CHANCE = 3.7
_BY_CHANCE = {"cosine": 0.14, "coverage": 0.09, "best_cosine": 0.14, "best_coverage": 0.09}
"""In a history smaller than those fitted on (1,261 commits and more) the same cosine says more: the largest of n normal
values grows with sqrt(2 log n). Among 17,000 commits .45 is chance, among three .2 is; so the difference to _CHANCE is added."""

_BEST = ("cosine", "coverage", "words_possible", "changed_possible")
NOTHING_BELOW = 0.03
"""The ranker's confidence below which not even the nearest commits are returned, unless a file is named: then, and from it on,
they are, as `no_evidence`."""

_SURE = 0.95  # that a commit named by its sha is meant


Fold = Callable[[list[int]], list[list[int]]]
"""Groups commit ids, best first, that are one change; ids that it leaves out stay as they are."""


class Hit(NamedTuple):
    """A ranked candidate; score 0 to 1, larger is better: its share of all candidates' weight, no probability."""

    commit_id: int
    score: float
    signals: Signals


class Bars(NamedTuple):
    """The least support of an answer, to questions that state, that ask, and that ask about a file or lines."""

    states: float
    asks: float
    asks_about: float

    def get(self, *, asks: bool, is_scoped: bool) -> float:
        """Return the bar of a question."""
        return (self.asks_about if is_scoped else self.asks) if asks else self.states


@dataclass(frozen=True, slots=True)
class Model:
    """One set of weights.

    asks, states: one for each of FEATURES, for questions that ask and for those that state. confidence: whether the first
    hit is an answer; support: whether the history has one at all; a weight for each of EVIDENCE and, last, the bias.
    """

    asks: Floats
    states: Floats
    confidence: Floats
    support: Floats
    bars: Bars


@dataclass(frozen=True, slots=True)
class Ranked:
    """Hits, best first; the probability, 0 to 1, that the first is an answer; whether there is one, judged by EVIDENCE."""

    hits: list[Hit]
    confidence: float
    has_evidence: bool = False
    evidence: tuple[float, ...] = (0.0,) * len(EVIDENCE)


@cache
def load_model(*, is_semantic: bool, by_words: bool = True) -> Model:
    """Return the shipped weights: for meaning and words, for words alone, or (not *by_words*) for meaning alone."""
    kept = json.loads(resources.files(__package__).joinpath("ranking.json").read_text("utf-8"))
    return parse_model(kept["lexical" if not is_semantic else "semantic" if by_words else "meaning"])


def parse_model(kept: dict[str, dict[str, float]]) -> Model:
    """Return a Model of what ranking.json holds for it; a feature that it does not name has no weight."""
    asks, states = (np.array([kept[style].get(name, 0.0) for name in FEATURES]) for style in ("asks", "states"))
    confidence, support = (
        np.array([kept[judged].get(name, 0.0) for name in (*EVIDENCE, "bias")]) for judged in ("confidence", "support")
    )
    return Model(asks, states, confidence, support, Bars(**kept["bars"]))


def rank(candidates: dict[int, Signals], terms: QuestionTerms, model: Model, fold: Fold | None = None) -> Ranked:
    """Return all candidates, best first, equal ones by id, and how sure it is that the first is an answer.

    fold: groups ids, best first, that are one change; a group's first stands for all, at the rank of its best.
    """
    if not candidates:
        return Ranked([], 0.0)
    ids, signals = list(candidates), list(candidates.values())
    features = build(terms, signals)
    scores = features @ (terms.asks * model.asks + (1 - terms.asks) * model.states)
    order = sorted(range(len(ids)), key=lambda place: (-scores[place], -ids[place]))
    shares = _softmax(scores)
    groups = fold([ids[place] for place in order]) if fold else []
    beside = _find_beside(order, [one.pull for one in signals], {ids.index(i) for i in (groups[0] if groups else [])})
    evidence = find_evidence(terms, features, shares, order, beside)
    hits = _fold_hits([Hit(ids[place], float(shares[place]), signals[place]) for place in order], groups)
    bar = model.bars.get(asks=terms.asks == 1, is_scoped=any(one.touches_file for one in signals))
    has_evidence = judge(evidence, model.support) >= bar
    return _refer(Ranked(hits, judge(evidence, model.confidence), has_evidence, tuple(evidence.tolist())))


def _find_beside(order: list[int], pulls: list[int | None], alike: set[int]) -> set[int]:
    """Return the places of the first, and of its pull request's and its change's other commits: they are no rivals."""
    first = order[0]
    return {place for place in order if pulls[first] is not None and pulls[place] == pulls[first]} | {first} | alike


def _fold_hits(hits: list[Hit], groups: list[list[int]]) -> list[Hit]:
    by_id = {hit.commit_id: hit for hit in hits}
    standing = [by_id[group[0]]._replace(score=max(by_id[i].score for i in group)) for group in groups]
    folded = {i for group in groups for i in group}
    return standing + [hit for hit in hits if hit.commit_id not in folded]


def judge(evidence: Floats, weights: Floats) -> float:
    """Return the probability, 0 to 1, that *weights*, with the bias last, give to *evidence*."""
    return 1 / (1 + math.exp(-float(np.append(evidence, 1.0) @ weights)))


def find_evidence(terms: QuestionTerms, features: Floats, shares: Floats, order: list[int], beside: set[int]) -> Floats:
    """Return the EVIDENCE that the first of *order* is an answer.

    share: of all candidates' weight, its own and that of what is *beside* it. margin: how much more it has than the best
    candidate that is not. lines: whether it touches the asked ones, now or before. best_…: the best of any candidate:
    a question about another project has no good one. terms: the logarithm of how many the question has. code: whether any
    changed line holds one of them: a history without code has less to show. The others are the first's own features.
    """
    first = order[0]
    rival = next((shares[place] for place in order if place not in beside), 0.0)
    own = dict(zip(FEATURES, features[first].tolist(), strict=True)) | {
        "share": float(sum(shares[place] for place in beside)),
        "margin": float(shares[first] - rival),
        "lines": float(
            features[first][FEATURES.index("touches_lines")] or features[first][FEATURES.index("logged")] > 0
        ),
        "asks": terms.asks,
        "terms": math.log1p(len(terms.rarity)),
        "code": float(features[:, FEATURES.index("changed")].max() > 0),
        **{f"best_{name}": float(features[:, FEATURES.index(name)].max()) for name in _BEST},
    }
    small = max(0.0, _CHANCE - math.sqrt(2 * math.log1p(terms.commits)))
    return np.array([own[name] + _BY_CHANCE.get(name, 0.0) * small for name in EVIDENCE])


def _refer(ranked: Ranked) -> Ranked:
    """Put commits that the question names by sha first: they are what was asked about."""
    named = [hit._replace(score=1.0) for hit in ranked.hits if hit.signals.is_reference]
    if not named:
        return ranked
    others = [hit for hit in ranked.hits if not hit.signals.is_reference]
    return replace(ranked, hits=named + others, confidence=max(ranked.confidence, _SURE), has_evidence=True)


def _softmax(scores: Floats) -> Floats:
    weight: Floats = np.exp(scores - scores.max())
    shares: Floats = weight / weight.sum()
    return shares
