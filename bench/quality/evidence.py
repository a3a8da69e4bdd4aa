"""Which passage is quoted as the reason: fitted to, and read on, questions whose reasons are known by key words.

    python -m bench.quality.evidence [--write] [--read pytest-diff]

Questions are those of `questions/NAME.jsonl` with `keywords`; each project is judged by trees fitted to the others. Printed for
each scope and each kind of reason: how often the first passage, and one of the first ten, holds two of the key words; how often
an answer is given, to questions with one and without; how well the probability is calibrated. Needs scikit-learn, which the
extra `model` brings, and the projects' histories below `.bench/code`.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Scope
from ail_daemon.search import judging
from ail_daemon.search.candidates import Question
from ail_daemon.search.evidence import Found, find_evidence
from ail_daemon.search.features import Floats
from ail_daemon.search.judging import SCOPES, Judge, Sureness, build_columns, measure_sureness
from ail_daemon.search.linehistory import NO_LINES, LineHistories
from ail_daemon.search.search import rank_gathered
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError

from .figures import calibration_error
from .gathering import INDEXES, build_index
from .sets import CODE, QUESTIONS

FITTED_ON = (
    "fzf", "tokio", "okhttp", "vue", "svelte", "tmux", "libgit2", "sqlalchemy", "meson", "prometheus", "cargo",
)  # fmt: skip
HOLDS = 2  # key words that a passage has to hold
FALSE = 0.07  # of the questions without an answer that may get one
TREES, LEAVES = 120, 12
_NO_COSINE = 0.3  # weight of a question as words alone see it
_FILE = Path(judging.__file__).with_name("evidence.json")
_LINES = LineHistories()


class Case(NamedTuple):
    """One question with the passages found for it; holds: which of them have the reason's key words."""

    row: dict[str, Any]
    scope: int
    found: list[Found]
    holds: list[bool]
    confidence: float
    rank: int | None  # of the first answer among the commits

    @property
    def is_answerable(self) -> bool:
        """Whether the history has an answer."""
        return bool(self.row["answers"])


def main() -> None:
    """Fit each project by the others, print how it went; write what is fitted to all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write evidence.json")
    parser.add_argument("--read", nargs="*", default=[], help="sets to be read by what is shipped, as pytest-diff")
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    for name in options.read:
        _show(
            name, [(case, *_judge(judging.load_judge(), case)) for case in gather(name, encoder)], judging.load_judge()
        )
    if options.read:
        return
    projects = {name: gather(name, encoder) for name in FITTED_ON}
    judged = [one for name in projects for one in _leave_out(projects, name)]
    sure = _fit_sureness([(case, sureness, is_right) for case, sureness, is_right in judged])
    bars = _choose_bars(judged, sure)
    final = _fit_trees([case for cases in projects.values() for case in cases])._replace(sure=sure, bars=bars)
    _show("each by the others", judged, final.make())
    if options.write:
        _FILE.write_text(json.dumps(final.to_json(), separators=(",", ":")) + "\n")


def gather(name: str, encoder: Encoder) -> list[Case]:
    """Return the questions of one set with their passages; kept in INDEXES until the questions change."""
    project = name.removesuffix("-diff")
    rows = [json.loads(line) for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]
    kept = INDEXES / f"{name}.evidence"
    if kept.exists():
        asked, cases = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
        if asked == rows:
            return list(cases)
    repo = CODE / f"{project}.git"
    index = build_index(repo, INDEXES / project, encoder)
    try:
        cases = [_ask(index, find_repository(str(repo)), encoder, row) for row in rows]
    finally:
        index.close()
    kept.write_bytes(pickle.dumps((rows, cases)))
    return cases


def _ask(index: RepoIndex, place: RepoPlace, encoder: Encoder, row: dict[str, Any]) -> Case:
    scope = Scope(row["file"], tuple(row["lines"]) if row["lines"] else None)
    lines = NO_LINES
    if scope.file:
        try:
            lines = _LINES.find(place, scope.file, scope.lines)
        except AilError:
            lines = NO_LINES
    question = Question(row["question"], scope, 10, "auto", lines.blamed, lines.logged, lines=lines)
    asked, ranked = rank_gathered(index, encoder, question)
    found = find_evidence(index, question, asked, ranked.hits, lines, encoder)
    ids = set(index.store.get_ids(row["answers"]).values())
    rank = next((n for n, hit in enumerate(ranked.hits) if hit.commit_id in ids), None)
    holds = [holds_reason(one.passage.text, row["keywords"]) for one in found]
    return Case(row, 2 if scope.lines else 1 if scope.file else 0, found, holds, ranked.confidence, rank)


def holds_reason(text: str, keywords: Iterable[str]) -> bool:
    """Whether *text* has two of the *keywords*, in any case and however it is wrapped."""
    folded = " ".join(text.lower().split())
    return sum(word.lower() in folded for word in keywords) >= HOLDS


class Fitted(NamedTuple):
    """A Judge in the making."""

    trees: dict[str, Any]
    base: float
    depth: int
    sure: Floats = np.zeros((3, 4))
    bars: Floats = np.zeros(3)

    def make(self) -> Judge:
        """Return the Judge."""
        arrays = {name: np.array(rows) for name, rows in self.trees.items()}
        return Judge(**arrays, base=self.base, depth=self.depth, sure=self.sure, bars=self.bars)

    def to_json(self) -> dict[str, Any]:
        """Return what evidence.json holds."""
        told = {"base": round(self.base, 4), "depth": self.depth}
        return told | self.trees | {"sure": self.sure.round(4).tolist(), "bars": self.bars.round(4).tolist()}


def _fit_trees(cases: Sequence[Case]) -> Fitted:
    rows, labels, weights = [], [], []
    for case in cases:
        if not any(case.holds):
            continue
        for is_compared in (True, False):
            found = case.found if is_compared else [one._replace(cosine=None) for one in case.found]
            rows.append(build_columns(found, case.scope))
            labels += case.holds
            share = (1.0 if is_compared else _NO_COSINE) * 20 / len(found)
            weights += [share * (5 if holds else 1) for holds in case.holds]
    fitted = HistGradientBoostingClassifier(
        max_iter=TREES,
        random_state=1,
        learning_rate=0.06,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=20,
        l2_regularization=1.0,
    ).fit(np.vstack(rows), labels, sample_weight=weights)
    return _export(fitted)


def _export(fitted: HistGradientBoostingClassifier) -> Fitted:
    trees: dict[str, list[list[float]]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
    nodes = [tree.nodes for (tree,) in fitted._predictors]
    most = max(map(len, nodes))
    for tree in nodes:
        leaf = tree["is_leaf"].astype(bool)
        own, pad = np.arange(len(tree)), [0] * (most - len(tree))
        columns = {
            "feature": np.where(leaf, 0, tree["feature_idx"]), "threshold": np.where(leaf, 0, tree["num_threshold"]),
            "left": np.where(leaf, own, tree["left"]), "right": np.where(leaf, own, tree["right"]),
            "value": np.where(leaf, tree["value"], 0),
        }  # fmt: skip
        for name, column in columns.items():
            trees[name].append([*np.round(column.astype(float), 5).tolist(), *pad])
    for name in ("feature", "left", "right"):
        trees[name] = [[int(value) for value in row] for row in trees[name]]
    return Fitted(trees, float(fitted._baseline_prediction.ravel()[0]), max(int(tree["depth"].max()) for tree in nodes))


def _judge(judge: Judge, case: Case) -> tuple[Sureness, bool]:
    """Return how sure the best passage of *case* is, and whether it holds the reason."""
    if not case.found:
        return Sureness(-6.0, 0.0, -3.0, case.scope), False
    weights = judge.weigh(build_columns(case.found, case.scope))
    order = np.argsort(-weights)
    found = [case.found[place] for place in order]
    return measure_sureness(found, weights[order], case.confidence, case.scope), case.holds[int(order[0])]


Judged = tuple[Case, Sureness, bool]


def _leave_out(projects: dict[str, list[Case]], name: str) -> list[Judged]:
    judge = _fit_trees([case for other, cases in projects.items() if other != name for case in cases]).make()
    return [(case, *_judge(judge, case)) for case in projects[name]]


def _fit_sureness(judged: Sequence[Judged]) -> Floats:
    """Return weights of Sureness and the bias, by scope."""
    fitted = []
    for scope in range(len(SCOPES)):
        rows = [list(sureness[:3]) for case, sureness, _ in judged if case.scope == scope]
        right = [is_right for case, _, is_right in judged if case.scope == scope]
        model = LogisticRegression(C=1.0).fit(rows, right)
        fitted.append([*model.coef_[0], model.intercept_[0]])
    return np.array(fitted)


def _choose_bars(judged: Sequence[Judged], sure: Floats) -> Floats:
    """Return for each scope the least probability that all but FALSE of the questions without an answer stay below."""
    bars = []
    for scope in range(len(SCOPES)):
        none = [
            _get_probability(sure, one) for case, one, _ in judged if case.scope == scope and not case.is_answerable
        ]
        bars.append(float(np.quantile(none, 1 - FALSE)))
    return np.array(bars)


def _get_probability(sure: Floats, sureness: Sureness) -> float:
    return float(1 / (1 + np.exp(-(np.array([*sureness[:3], 1.0]) @ sure[sureness.scope]))))


def _show(title: str, judged: Sequence[Judged], judge: Judge) -> None:
    print(title)
    for scope, name in enumerate(SCOPES):
        of_scope = [one for one in judged if one[0].scope == scope]
        for reason in ("message", "diff"):
            cases = [one for one in of_scope if one[0].row["reason"] == reason]
            if cases:
                first = np.mean([is_right for _, _, is_right in cases])
                found = np.mean([any(case.holds) for case, _, _ in cases])
                print(
                    f"  {name:<6} {reason:<8} {len(cases):>4}  holds the reason: first {first:.3f}, found at all {found:.3f}"
                )
        _show_gate(name, of_scope, judge)


def _show_gate(name: str, judged: Sequence[Judged], judge: Judge) -> None:
    told = [(judge.get_probability(sureness), is_right, case) for case, sureness, is_right in judged]
    bar = judge.bars[judged[0][0].scope]
    given = [p >= bar for p, _, case in told if case.is_answerable]
    false = [p >= bar for p, _, case in told if not case.is_answerable]
    pairs = sorted((p, is_right) for p, is_right, _ in told)
    sure = [is_right for p, is_right, _ in told if p >= 0.7]
    risks = [np.mean([right for _, right in pairs[int(len(pairs) * (1 - share)) :]]) for share in (0.5, 0.7, 0.9)]
    print(
        f"  {name:<6} bar {bar:.3f}: answered {np.mean(given):.3f}, without an answer {np.mean(false):.3f} of {len(false)};"
        f" ECE {calibration_error(pairs, 5):.3f}; said at 70 % or more: {len(sure)}, right {np.mean(sure) if sure else 0:.3f};"
        f" right of the surest 50, 70, 90 %: {', '.join(f'{risk:.2f}' for risk in risks)}"
    )


if __name__ == "__main__":
    main()
