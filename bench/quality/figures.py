"""What is measured of rankings: how each question went, and the table of it."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from ail_daemon.search.ranking import Ranked

from .gathering import Judged

HEADER = f"{'':<34} {'questions':<12} {'n':>5}  hit@1  hit@3  hit@5 hit@10    mrr  answered    ece  auroc"


class Outcome(NamedTuple):
    """How one question went. rank: of the first answer, None where none was found; group: the kind of question, and its scope."""

    group: tuple[str, str]
    rank: int | None
    confidence: float
    is_answered: bool
    is_answerable: bool

    @classmethod
    def of(cls, judged: Judged, ranked: Ranked) -> Outcome:
        """Return how *judged* went when it was *ranked*."""
        answers = {i for i, is_answer in zip(judged.candidates, judged.is_answer, strict=True) if is_answer}
        place = next((n for n, hit in enumerate(ranked.hits, 1) if hit.commit_id in answers), None)
        scope = judged.row.scope
        scoped = "lines" if scope.lines else "file" if scope.file else "open"
        return cls((judged.row.kind, scoped), place, ranked.confidence, ranked.has_evidence, bool(judged.row.answers))


def show(name: str, outcomes: Sequence[Outcome]) -> None:
    """Print a row for each group of questions, and for each kind in all its scopes together.

    Of those without an answer, only how many were given one.
    """
    for kind in sorted({outcome.group[0] for outcome in outcomes}):
        of_kind = [outcome for outcome in outcomes if outcome.group[0] == kind]
        scopes = sorted({outcome.group[1] for outcome in of_kind})
        for scope in scopes:
            _show_group(name, f"{kind} {scope}", [outcome for outcome in of_kind if outcome.group[1] == scope])
        if len(scopes) > 1:
            _show_group(name, f"{kind} all", of_kind)


def _show_group(name: str, group: str, outcomes: Sequence[Outcome]) -> None:
    if answerable := [outcome for outcome in outcomes if outcome.is_answerable]:
        _show_row(name, group, answerable)
    if false := [outcome.is_answered for outcome in outcomes if not outcome.is_answerable]:
        print(f"{name:<34} {group:<12} {len(false):>5}  false answers {statistics.fmean(false):.3f}", flush=True)


def _show_row(name: str, group: str, outcomes: Sequence[Outcome]) -> None:
    ranks = [outcome.rank or math.inf for outcome in outcomes]
    hits = [statistics.fmean(rank <= k for rank in ranks) for k in (1, 3, 5, 10)]
    figures = "  ".join(f"{figure:.3f}" for figure in (*hits, statistics.fmean(1 / rank for rank in ranks)))
    pairs = sorted((outcome.confidence, outcome.rank == 1) for outcome in outcomes)
    said = statistics.fmean(outcome.is_answered for outcome in outcomes)
    judged = f"{calibration_error(pairs):.3f}  {area_under_curve(pairs):.3f}"
    print(f"{name:<34} {group:<12} {len(outcomes):>5}  {figures}     {said:.3f}  {judged}", flush=True)


def calibration_error(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error of sorted (confidence, is right) over *bins* bins of equal mass."""
    edges = [round(i * len(pairs) / bins) for i in range(bins + 1)]
    parts = [pairs[a:b] for a, b in itertools.pairwise(edges) if b > a]
    gaps = (abs(sum(c for c, _ in part) - sum(right for _, right in part)) for part in parts)
    return sum(gaps) / len(pairs)


def area_under_curve(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the probability that a right first citation has more confidence than a wrong one; ties count half."""
    right = [c for c, is_right in pairs if is_right]
    wrong = [c for c, is_right in pairs if not is_right]
    if not right or not wrong:
        return float("nan")
    return sum((r > w) + 0.5 * (r == w) for r in right for w in wrong) / (len(right) * len(wrong))


def show_figure(name: str, figure: float) -> None:
    """Print one named figure."""
    print(f"{name:<44} {figure:.4f}", flush=True)
