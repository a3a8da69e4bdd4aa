"""Which passage is quoted as the reason: fitted to, and read on, questions whose reasons are known.

    python -m bench.quality.evidence [--write] [--read pytest-diff]

Each project is judged by trees fitted to the others (see `cases` for the questions). Printed for each scope and each kind of
question: how often the first passage, what is quoted, and any, holds the reason; where the right commit stands; how often an
answer is given, to questions with one and without, and how well the probability is calibrated, both by weights and bars fitted to
the other projects. Needs scikit-learn, which the extra `model` brings, and the projects' histories below `.bench/code`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.model import Encoder
from ail_daemon.search import judging
from ail_daemon.search.features import Floats
from ail_daemon.search.judging import SCOPES, Judge, Sureness, build_columns, find_counterpart, lean, measure_sureness

from .boosting import Fitted, fit_trees
from .cases import TOLD_OF, Case, gather, gather_plain, gather_titles
from .evidence_figures import Judged, Told, show_plain, show_reasons, show_titles
from .sets import REASONS_OF

FALSE = 0.07  # of the questions without an answer that may get one
SURE = 0.7
"""From this probability on an answer is given whatever FALSE says. About lines only 18 questions have no answer, too few for a
quantile: it withheld what was right nine times of ten. Answered .79 instead of .59, four of the 18 instead of two."""

_AGAIN = 0.3
"""Weight of a question asked without its lines: with 1 the first passage held the reason for .50 of all questions, with .3 for
.53, without any for .52; two of a hundred are chance."""

_TITLE = 0.2
"""Weight of a question in the words of a title: from .15 to .6 such questions are answered alike, those about lines the less the
larger it is."""

_PLAIN = 0.3
"""Weight of a plain question: with 1, titles whose reason nobody wrote are answered more often (.27 instead of .23); with none,
plain questions are less well told apart (AUC .73 instead of .78, by quicker fits)."""

_OTHER_SURE, _STRANGE = 0.5, 0.3
"""Weights for the probability, of a title or a plain question and of one about another project: there are more of them than of
all others."""

_NO_COSINE = 0.3  # weight of a question as words alone see it
_FILE = Path(judging.__file__).with_name("evidence.json")


class Cases(NamedTuple):
    """What is learned from, each by project; again: the same questions as in own without their file and lines."""

    own: dict[str, list[Case]]
    again: dict[str, list[Case]]
    titles: dict[str, list[Case]]
    plain: dict[str, list[Case]]

    def weigh(self, left_out: str = "") -> list[tuple[Case, float]]:
        """Return every case but those of the project *left_out*, with how much it counts."""
        weighed = ((self.own, 1.0), (self.again, _AGAIN), (self.titles, _TITLE), (self.plain, _PLAIN))
        return [(case, counts) for of, counts in weighed for name in of if name != left_out for case in of[name]]


def main() -> None:
    """Fit each project by the others, print how it went; write what is fitted to all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write evidence.json")
    parser.add_argument("--read", nargs="*", default=[], help="sets to be read by what is shipped, as pytest-diff")
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    shipped = judging.load_judge()
    for name in options.read:
        judged = [_judge(shipped, case) for case in gather(name, encoder)]
        show_reasons(name, [_tell(one, shipped.sure, shipped.bars) for one in judged])
    if options.read:
        return
    cases = gather_all(encoder)
    judged_by = {name: _leave_out(cases, name) for name in cases.own}
    told = [told for name in cases.own for told in _tell_by_others(judged_by, name)]
    show_reasons("each by the others", [one for one in told if one.judged.case.is_own])
    show_titles([one for one in told if one.judged.case.is_title])
    show_plain([one for one in told if one.judged.case.is_plain])
    if options.write:
        everything = [one for judged in judged_by.values() for one in judged]
        sure = _fit_sureness(everything)
        final = _fit_trees(cases.weigh())._replace(sure=sure, bars=_choose_bars(everything, sure))
        _FILE.write_text(json.dumps(final.to_json(), separators=(",", ":")) + "\n")


def gather_all(encoder: Encoder) -> Cases:
    """Return all that is learned from."""
    own = {name: gather(name, encoder) for name in REASONS_OF}
    again = {name: gather(name, encoder, is_again=True) for name in (*REASONS_OF, *TOLD_OF)}
    return Cases(own, again, gather_titles(encoder), gather_plain(encoder))


def _fit_trees(weighed: Sequence[tuple[Case, float]]) -> Fitted:
    rows, labels, weights = [], [], []
    for case, counts in weighed:
        if not any(case.holds):
            continue
        for is_compared in (True, False):
            found = case.found if is_compared else [one._replace(cosine=None) for one in case.found]
            rows.append(build_columns(found, case.scope))
            labels += case.holds
            share = counts * (1.0 if is_compared else _NO_COSINE) * 20 / len(found)
            weights += [share * (5 if holds else 1) for holds in case.holds]
    return fit_trees(np.vstack(rows), labels, weights)


def _judge(judge: Judge, case: Case) -> Judged:
    if not case.found:
        return Judged(case, Sureness(-6.0, 0.0, -3.0, case.scope), False, False, case.ranked)
    first = case.ranked[0] if case.ranked else None
    weights = judge.weigh(build_columns(case.found, case.scope))
    weights += lean(case.found, case.scope, first, case.confidence)
    order = np.argsort(-weights)
    found = [case.found[place] for place in order]
    commits = list(dict.fromkeys([*(one.commit_id for one in found), *case.ranked]))
    sureness = measure_sureness(found, weights[order], case.confidence, case.scope)
    counterpart = find_counterpart(found, weights[order])
    is_first = case.holds[int(order[0])]
    is_right = is_first or (counterpart is not None and case.holds[int(order[counterpart])])
    return Judged(case, sureness, is_first, is_right, commits)


def _leave_out(cases: Cases, name: str) -> list[Judged]:
    judge = _fit_trees(cases.weigh(left_out=name)).make()
    return [_judge(judge, case) for case in (*cases.own[name], *cases.titles[name], *cases.plain[name])]


def _fit_sureness(judged: Sequence[Judged]) -> Floats:
    """Return weights of Sureness and the bias, by scope."""
    fitted = []
    for scope in range(len(SCOPES)):
        of_scope = [one for one in judged if one.case.scope == scope]
        rows, right = [list(one.sureness[:3]) for one in of_scope], [one.is_right for one in of_scope]
        model = LogisticRegression(C=1.0).fit(rows, right, [_count_sure(one.case) for one in of_scope])
        fitted.append([*model.coef_[0], model.intercept_[0]])
    return np.array(fitted)


def _count_sure(case: Case) -> float:
    if case.is_own:
        return 1.0
    return _STRANGE if case.is_title and not case.is_answerable else _OTHER_SURE


def _choose_bars(judged: Sequence[Judged], sure: Floats) -> Floats:
    """Return for each scope the probability that all but FALSE of the questions without an answer stay below; SURE at most."""
    bars = []
    for scope in range(len(SCOPES)):
        of_scope = [one for one in judged if one.case.scope == scope and one.case.is_own and not one.case.is_answerable]
        below = float(np.quantile([_get_probability(sure, one.sureness) for one in of_scope], 1 - FALSE))
        bars.append(min(below, SURE))
    return np.array(bars)


def _get_probability(sure: Floats, sureness: Sureness) -> float:
    return float(1 / (1 + np.exp(-(np.array([*sureness[:3], 1.0]) @ sure[sureness.scope]))))


def _tell(judged: Judged, sure: Floats, bars: Floats) -> Told:
    probability = _get_probability(sure, judged.sureness)
    return Told(judged, probability, probability >= float(bars[judged.case.scope]))


def _tell_by_others(judged_by: dict[str, list[Judged]], name: str) -> list[Told]:
    """Return what is told of one project, by probabilities and bars fitted to the others."""
    others = [one for other, judged in judged_by.items() if other != name for one in judged]
    sure = _fit_sureness(others)
    bars = _choose_bars(others, sure)
    return [_tell(one, sure, bars) for one in judged_by[name]]


if __name__ == "__main__":
    main()
