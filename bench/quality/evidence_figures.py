"""How the judge of passages does, printed: for each scope and kind of question, and how well its probability is calibrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ail_daemon.search.judging import SCOPES, Sureness

from .cases import Case
from .figures import calibration_error


class Judged(NamedTuple):
    """A case as trees weighed it.

    is_first: whether the first passage holds the reason; is_right: whether what is quoted does, which may be two passages of one
    commit; order: commits by their passages.
    """

    case: Case
    sureness: Sureness
    is_first: bool
    is_right: bool
    order: list[int]


class Told(NamedTuple):
    """What a user is told: with which probability, and whether it is enough to be the answer."""

    judged: Judged
    probability: float
    is_given: bool


_HOLDERS: dict[str, Callable[[Judged], bool]] = {
    "first": lambda one: one.is_first, "quoted": lambda one: one.is_right, "found at all": lambda one: any(one.case.holds),
}  # fmt: skip
"""What may hold the reason."""


def show_reasons(title: str, told: Sequence[Told]) -> None:
    """Print how questions in other words went: what holds the reason, where the right commits stand, the gate."""
    print(title)
    for scope, name in enumerate(SCOPES):
        of_scope = [one for one in told if one.judged.case.scope == scope]
        for reason in ("message", "diff"):
            judged = [one.judged for one in of_scope if one.judged.case.row["reason"] == reason]
            if judged:
                shares = [np.mean([is_so(one) for one in judged]) for is_so in _HOLDERS.values()]
                listed = ", ".join(f"{title} {share:.3f}" for title, share in zip(_HOLDERS, shares, strict=True))
                print(f"  {name:<6} {reason:<8} {len(judged):>4}  holds the reason: {listed}")
        _show_commits(name, [one.judged for one in of_scope if one.judged.case.is_answerable])
        _show_gate(name, of_scope)


def _show_commits(name: str, judged: Sequence[Judged]) -> None:
    for method, orders in (
        ("ranker", [one.case.ranked for one in judged]), ("passages", [one.order for one in judged])
    ):  # fmt: skip
        pairs = zip(orders, judged, strict=True)
        ranks = [next((n for n, i in enumerate(order, 1) if i in one.case.answers), np.inf) for order, one in pairs]
        hits = ", ".join(f"@{k} {np.mean([rank <= k for rank in ranks]):.3f}" for k in (1, 3, 5, 10))
        print(f"  {name:<6} right commit by {method:<8} {hits}, MRR {np.mean([1 / rank for rank in ranks]):.3f}")


def show_titles(told: Sequence[Told]) -> None:
    """Print how questions in the words of titles went: by whether the commit wrote a reason, or is another project's."""
    print("in the words of a commit's title")
    for scope, name in enumerate(SCOPES[:2]):
        for kind, of_kind in _sort_titles([one for one in told if one.judged.case.scope == scope]).items():
            print(f"  {name:<6} {kind:<16} {_describe(of_kind)}")


def show_plain(told: Sequence[Told]) -> None:
    """Print how plain questions went, whose first passages were read."""
    print("in plain words")
    for scope, name in enumerate(SCOPES[:2]):
        if of_scope := [one for one in told if one.judged.case.scope == scope]:
            accepted = np.mean([one.judged.case.is_answerable for one in of_scope])
            print(f"  {name:<6} accepted any {accepted:.3f}; {_describe(of_scope)}")


def _sort_titles(told: Sequence[Told]) -> dict[str, list[Told]]:
    kinds: dict[str, list[Told]] = {}
    for one in told:
        kinds.setdefault(_name_title_kind(one.judged.case), []).append(one)
    return kinds


def _name_title_kind(case: Case) -> str:
    if not case.is_answerable:
        return "another project"
    if "tells" in case.row:
        return "read: tells" if case.row["tells"] else "read: does not"
    return "reason written" if any(case.holds) else "no reason"


def _describe(told: Sequence[Told]) -> str:
    given = [one.judged.is_right for one in told if one.is_given]
    right = np.array([one.judged.is_right for one in told], float)
    probability = np.array([one.probability for one in told])
    return (
        f"{len(told):>4}  quoted holds {right.mean():.3f}, answered {len(given) / len(told):.3f},"
        f" right of those {np.mean(given) if given else 0:.3f}; mean probability {probability.mean():.3f},"
        f" squared error {np.mean((probability - right) ** 2):.3f}"
    )


def _show_gate(name: str, told: Sequence[Told]) -> None:
    given = [one.is_given for one in told if one.judged.case.is_answerable]
    false = [one.is_given for one in told if not one.judged.case.is_answerable]
    pairs = sorted((one.probability, one.judged.is_right) for one in told)
    sure = [is_right for probability, is_right in pairs if probability >= 0.7]
    risks = [np.mean([right for _, right in pairs[int(len(pairs) * (1 - share)) :]]) for share in (0.5, 0.7, 0.9)]
    print(
        f"  {name:<6} answered {np.mean(given):.3f}, without an answer {np.mean(false):.3f} of {len(false)};"
        f" ECE {calibration_error(pairs, 5):.3f}; said at 70 % or more: {len(sure)}, right {np.mean(sure) if sure else 0:.3f};"
        f" right of the surest 50, 70, 90 %: {', '.join(f'{risk:.2f}' for risk in risks)}"
    )
