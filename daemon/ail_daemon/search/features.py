"""The ranker's input: each candidate's signals, and the matrix of features made of them. Pure: knows no repository.

The same candidates serve each side alone as well, by words or by meaning.

Each feature is explained and measured in docs/ranking.md. None rewards a commit for being recent. Shares are of any candidate's
best value, or of the best possible, so that they mean the same in a repository of 100 commits and of 100,000.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..text.direction import Direction

Floats = npt.NDArray[np.float64]


class Signals(NamedTuple):
    """What is known about one candidate commit.

    cosine: of question and message, -1 to 1; None where there is no embedding. words, changed, prose: BM25 scores, 0
    where not found. coverage: the rarity of the question's terms that stand in message or paths; coverage_anywhere: in
    those or in changed lines. named, named_changed: how many of the question's names stand, as spelled, in the message,
    in changed lines. touches_lines: blame names it for the asked lines. logged: its share, 0 to 1, of the lines' history
    (`git log -L`): the fewer commits that has, the more each. nearness: how alike its nearest path is to the asked
    file's, 0 to 1; stem: whether a path's name holds that file's. paths: how many it touches. pull: the id of the merge
    that brought it, else its own. body: characters of its message after the subject. passages: how many its diff added;
    reasons: those that state one. direction: whether it adds or takes away. is_opposite: it did the opposite of what is asked
    about, to the same thing.
    """

    cosine: float | None = None
    words: float = 0.0
    changed: float = 0.0
    touches_file: bool = False
    touches_lines: bool = False
    logged: float = 0.0
    coverage: float = 0.0
    coverage_anywhere: float = 0.0
    named: int = 0
    named_changed: int = 0
    nearness: float = 0.0
    stem: bool = False
    paths: int = 0
    is_merge: bool = False
    is_reference: bool = False
    pull: int | None = None
    prose: float = 0.0
    body: int = 0
    passages: int = 0
    reasons: int = 0
    direction: Direction = 0
    is_opposite: bool = False


class QuestionTerms(NamedTuple):
    """What the features need of a question.

    rarity: of each term. names: how many it spells. asks: how far it asks, 0 to 1. commits: of the history that is asked.
    direction: whether it asks for something added or something taken away.
    """

    rarity: Mapping[str, float]
    names: int = 0
    asks: float = 0.0
    commits: int = 0
    direction: Direction = 0


_ASKING = re.compile(r"\?|\b(?:why|whose|who)\b", re.I)
_BEGINNING = re.compile(
    r"^\W*(?:what|when|how|which|where|is|are|was|were|did|does|do|can|could|should)\b|[,.:;] (?:what|how|when|which|where)\b",
    re.I,
)  # begins a question, unless a full stop ends it: "When using X, do not …."
# A line without a full stop: a symptom, or keywords. A release note without one must not lose much.
_LOOSE = 0.2
_SAME_THING = 0.2
"""Share of the question's rarity in the title of a commit that adds, or takes away, what the question names. In a message .3 was
asked for; but "Enable profiling" says in passing that os.Exit may not be used, and is asked why that is forbidden."""

_FULL = {"words": 6.0, "changed": 2.2}
"""About what BM25 gives a document for all of a question's terms, by their rarity: (1 + k1) times the fields' weights."""

FEATURES = (
    "cosine", "words", "words_possible", "changed", "changed_possible", "coverage", "coverage_anywhere", "named", "named_changed",
    "touches_file", "touches_few", "nearness", "stem", "touches_lines", "logged", "merge",
    "pull_cosine", "pull_words", "pull_coverage", "pull_lines", "prose", "body", "passages", "reasons", "paths", "along",
)  # fmt: skip
"""The columns of `build`."""


def measure_asking(question: str) -> float:
    """Return how far *question* asks, as people do (1), or states, as release notes do (0)."""
    has_stop = question.rstrip().endswith((".", "!", ")", ":"))
    if _ASKING.search(question) or (_BEGINNING.search(question) and not has_stop):
        return 1.0
    return 0.0 if has_stop else _LOOSE


def build(terms: QuestionTerms, candidates: Sequence[Signals]) -> Floats:
    """Return (len(candidates), len(FEATURES)): a row for each candidate."""
    columns = _columns(terms, candidates)
    return np.stack([columns[name] for name in FEATURES], axis=1)


def _columns(terms: QuestionTerms, candidates: Sequence[Signals]) -> dict[str, Floats]:
    values = dict(zip(Signals._fields, zip(*candidates, strict=True), strict=True))

    def column(name: str) -> Floats:
        return np.array(values[name], np.float64)

    possible = sum(terms.rarity.values()) or 1.0
    cosine = np.nan_to_num(column("cosine"))  # None becomes nan
    words, changed, coverage = (column(name) for name in ("words", "changed", "coverage"))
    touches, lines = column("touches_file"), column("touches_lines")
    same = _Groups(values["pull"])
    return {
        "cosine": cosine,
        "words": _share(words), "words_possible": words / (_FULL["words"] * possible),
        "changed": _share(changed), "changed_possible": changed / (_FULL["changed"] * possible),
        "coverage": coverage / possible, "coverage_anywhere": column("coverage_anywhere") / possible,
        "named": column("named") / max(terms.names, 1), "named_changed": column("named_changed") / max(terms.names, 1),
        "touches_file": touches, "touches_few": touches / np.log2(2 + column("paths")),
        "nearness": column("nearness"), "stem": column("stem"), "touches_lines": lines, "logged": column("logged"),
        "merge": column("is_merge"),
        "pull_cosine": same.best(cosine) - cosine, "pull_words": _share(same.best(words)) - _share(words),
        "pull_coverage": (same.best(coverage) - coverage) / possible, "pull_lines": same.best(lines) - lines,
        "prose": _share(column("prose")), "along": column("direction") * terms.direction,
        **{name: np.log1p(column(name)) for name in ("body", "passages", "reasons", "paths")},
    }  # fmt: skip


class _Groups:
    """Candidates by their pull request; None is a group of its own."""

    def __init__(self, pulls: Sequence[int | None]) -> None:
        numbers: dict[object, int] = {}
        self._of = np.array(
            [numbers.setdefault(place if p is None else (p,), len(numbers)) for place, p in enumerate(pulls)]
        )

    def best(self, values: Floats) -> Floats:
        """Return for each candidate the best of its group's *values*."""
        most = np.full(int(self._of.max()) + 1, -math.inf)
        np.maximum.at(most, self._of, values)
        spread: Floats = most[self._of]
        return spread


def _share(values: Floats) -> Floats:
    shares: Floats = values / (values.max() or 1.0)
    return shares


def covers(terms: QuestionTerms, title: Iterable[str]) -> bool:
    """Whether a *title*'s terms are about what the question is about."""
    held = sum(terms.rarity.get(term, 0.0) for term in set(title))
    return held >= _SAME_THING * (sum(terms.rarity.values()) or 1.0)


def by_words(candidates: Mapping[int, Signals]) -> dict[int, Signals]:
    """Return the lexical side's candidates: without cosines, and without those that only meaning found."""
    return {commit_id: signals._replace(cosine=None) for commit_id, signals in candidates.items() if _has_more(signals)}


def by_meaning(candidates: Mapping[int, Signals]) -> dict[int, Signals]:
    """Return the candidates of meaning alone; file, lines and a named commit still count: they are no words."""
    return {
        commit_id: signals._replace(
            words=0.0, changed=0.0, prose=0.0, coverage=0.0, coverage_anywhere=0.0, named=0, named_changed=0
        )
        for commit_id, signals in candidates.items()
    }


def _has_more(signals: Signals) -> bool:
    return bool(
        signals.words
        or signals.changed
        or signals.prose
        or signals.named_changed
        or signals.touches_file
        or signals.is_reference
    )
