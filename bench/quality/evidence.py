"""Which passage is quoted as the reason: fitted to, and read on, questions whose reasons are known by key words.

    python -m bench.quality.evidence [--write] [--read pytest-diff]

Questions are those of `questions/NAME.jsonl` with `keywords`, and those that `asked_titles` makes of commits' titles; each
project is judged by trees fitted to the others. Printed for each scope and each kind of reason: how often the first passage, what
is quoted, and any, holds two of the key words; where the right commit stands; how often an answer is given, to questions with
one and without, and how well the probability is calibrated, both by weights and bars fitted to the other projects. Needs
scikit-learn, which the extra `model` brings, and the projects' histories below `.bench/code`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Scope
from ail_daemon.search import candidates, evidence, features, judging, linehistory, ranking
from ail_daemon.search.candidates import Question
from ail_daemon.search.evidence import Found, find_evidence
from ail_daemon.search.features import Floats
from ail_daemon.search.judging import SCOPES, Judge, Sureness, build_columns, find_counterpart, measure_sureness
from ail_daemon.search.linehistory import NO_LINES
from ail_daemon.search.search import rank_gathered
from ail_daemon.text import direction, passages
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError

from .asked_titles import STRANGERS, choose_questions, tells_why
from .boosting import Fitted, fit_trees
from .figures import calibration_error
from .gathering import INDEXES, build_index, find_whole
from .sets import CODE, FITTED_ON, QUESTIONS, REASONS_OF

HOLDS = 2  # key words that a passage has to hold
FALSE = 0.07  # of the questions without an answer that may get one
SURE = 0.7
"""From this probability on an answer is given whatever FALSE says. About lines only 18 questions have no answer, too few for a
quantile: it withheld what was right nine times of ten. Answered .79 instead of .59, four of the 18 instead of two."""
TOLD_OF = ("aiohttp", "twisted")
"""Projects of questions that were written from messages that state a reason; they have no key words."""

_LESSON = 0.3
"""Weight of a question asked without its lines: with 1 the first passage held the reason for .50 of all questions, with .3 for
.53, without any for .52; two of a hundred are chance."""

_TITLE = 0.2
"""Weight of a question in the words of a title: from .15 to .6 such questions are answered alike, those about lines the less the
larger it is."""

_TITLE_SURE, _STRANGE = 0.5, 0.3
"""Weights for the probability, of such a question and of one about another project: there are more of them than of all others."""

_NO_COSINE = 0.3  # weight of a question as words alone see it
_FILE = Path(judging.__file__).with_name("evidence.json")


class Case(NamedTuple):
    """One question with the passages found for it; holds: which of them have the reason's key words.

    ranked: the ids of the commits, best first, as the ranker has them; answers: those of the right ones.
    """

    row: dict[str, Any]
    scope: int
    found: list[Found]
    holds: list[bool]
    confidence: float
    ranked: list[int]
    answers: frozenset[int]

    @property
    def is_answerable(self) -> bool:
        """Whether the history has an answer."""
        return bool(self.row["answers"])

    @property
    def is_title(self) -> bool:
        """Whether it is asked in the words of a commit's title (see `asked_titles`)."""
        return "title" in self.row


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
        _show(name, [_tell(one, shipped.sure, shipped.bars) for one in judged])
    if options.read:
        return
    projects = {name: gather(name, encoder) for name in REASONS_OF}
    lessons = {name: gather(name, encoder, is_lesson=True) for name in (*REASONS_OF, *TOLD_OF)}
    titles = gather_titles(encoder)
    judged_by = {name: _leave_out(projects, lessons, titles, name) for name in projects}
    told = [told for name in projects for told in _tell_by_others(judged_by, name)]
    _show("each by the others", [one for one in told if not one.judged.case.is_title])
    _show_titles([one for one in told if one.judged.case.is_title])
    if options.write:
        everything = [one for judged in judged_by.values() for one in judged]
        sure = _fit_sureness(everything)
        trees = _fit_trees(_weigh_cases(projects, lessons, titles))
        final = trees._replace(sure=sure, bars=_choose_bars(everything, sure))
        _FILE.write_text(json.dumps(final.to_json(), separators=(",", ":")) + "\n")


def gather(name: str, encoder: Encoder, *, is_lesson: bool = False) -> list[Case]:
    """Return the questions of one set with their passages; kept in INDEXES by all that decides them.

    is_lesson: return what trees learn from beside those questions: the same asked without their file and lines and, of TOLD_OF,
    questions whose reason is what the answer's message says.
    """
    rows = [json.loads(line) for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]
    if is_lesson:
        told = rows if name in TOLD_OF else []
        rows = [*told, *(row | {"file": None, "lines": None} for row in rows if row["file"])]
    return _gather_rows(name, rows, encoder)


def gather_titles(encoder: Encoder) -> dict[str, list[Case]]:
    """Return by project the questions in the words of its commits' titles, and of others', which have no answer there."""
    asked: dict[str, list[dict[str, Any]]] = {}
    for project in FITTED_ON:
        index = build_index(CODE / f"{project}.git", INDEXES / project, encoder)
        try:
            asked[project] = choose_questions(index, project)
        finally:
            index.close()
    cases = {}
    for project, own in asked.items():
        others = [row for other, rows in asked.items() if other != project for row in rows]
        strange = [row | {"file": None, "answers": []} for row in random.Random(project).sample(others, STRANGERS)]
        cases[project] = _gather_rows(project, [*own, *strange], encoder)
    return cases


def _gather_rows(name: str, rows: list[dict[str, Any]], encoder: Encoder) -> list[Case]:
    project = name.removesuffix("-diff")
    key = hashlib.sha256(repr((rows, encoder.model_id, _hash_sources())).encode()).hexdigest()[:16]
    kept = INDEXES / f"{name}-{key}.evidence"
    if kept.exists():
        cases: list[Case] = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
        return cases
    repo = CODE / f"{project}.git"
    index = build_index(repo, INDEXES / project, encoder)
    try:
        cases = [_ask(index, find_repository(str(repo)), encoder, row) for row in rows]
    finally:
        index.close()
    kept.write_bytes(pickle.dumps(cases))
    return cases


def _hash_sources() -> str:
    """Return a hash of the code and the weights that decide what is found."""
    files = [
        Path(str(module.__file__))
        for module in (candidates, direction, evidence, features, linehistory, passages, ranking)
    ]
    files.append(files[-1].with_name("ranking.json"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _ask(index: RepoIndex, place: RepoPlace, encoder: Encoder, row: dict[str, Any]) -> Case:
    scope = Scope(row["file"], tuple(row["lines"]) if row["lines"] else None)
    lines = NO_LINES
    if scope.file:
        try:
            lines = find_whole(place, scope.file, scope.lines)
        except AilError:
            lines = NO_LINES
    question = Question(row["question"], scope, 10, "auto", lines.blamed, lines.logged, lines=lines)
    asked, ranked = rank_gathered(index, encoder, question)
    found = find_evidence(index, question, asked, ranked.hits, lines, encoder)
    ids = set(index.store.get_ids(row["answers"]).values())
    holds = [_holds(one, row, ids) for one in found]
    of = 2 if scope.lines else 1 if scope.file else 0
    return Case(row, of, found, holds, ranked.confidence, [hit.commit_id for hit in ranked.hits], frozenset(ids))


def _holds(one: Found, row: dict[str, Any], answers: Collection[int]) -> bool:
    if "title" in row:
        return tells_why(one, answers)
    if "keywords" in row:
        return holds_reason(one.passage.text, row["keywords"])
    return one.commit_id in answers and one.passage.kind == "message" and one.passage.worth > 0


def holds_reason(text: str, keywords: Iterable[str]) -> bool:
    """Whether *text* has two of the *keywords*, in any case and however it is wrapped."""
    folded = " ".join(text.lower().split())
    return sum(word.lower() in folded for word in keywords) >= HOLDS


def _weigh_cases(
    projects: dict[str, list[Case]],
    lessons: dict[str, list[Case]],
    titles: dict[str, list[Case]],
    left_out: str = "",
) -> list[tuple[Case, float]]:
    """Return every case but those of the project *left_out*, with how much it counts."""
    weighed = ((projects, 1.0), (lessons, _LESSON), (titles, _TITLE))
    return [(case, counts) for of, counts in weighed for name in of if name != left_out for case in of[name]]


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


def _judge(judge: Judge, case: Case) -> Judged:
    if not case.found:
        return Judged(case, Sureness(-6.0, 0.0, -3.0, case.scope), False, False, case.ranked)
    weights = judge.weigh(build_columns(case.found, case.scope))
    order = np.argsort(-weights)
    found = [case.found[place] for place in order]
    commits = list(dict.fromkeys([*(one.commit_id for one in found), *case.ranked]))
    sureness = measure_sureness(found, weights[order], case.confidence, case.scope)
    counterpart = find_counterpart(found, weights[order])
    is_first = case.holds[int(order[0])]
    is_right = is_first or (counterpart is not None and case.holds[int(order[counterpart])])
    return Judged(case, sureness, is_first, is_right, commits)


def _leave_out(
    projects: dict[str, list[Case]], lessons: dict[str, list[Case]], titles: dict[str, list[Case]], name: str
) -> list[Judged]:
    judge = _fit_trees(_weigh_cases(projects, lessons, titles, left_out=name)).make()
    return [_judge(judge, case) for case in (*projects[name], *titles[name])]


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
    if not case.is_title:
        return 1.0
    return _TITLE_SURE if case.is_answerable else _STRANGE


def _choose_bars(judged: Sequence[Judged], sure: Floats) -> Floats:
    """Return for each scope the probability that all but FALSE of the questions without an answer stay below; SURE at most."""
    bars = []
    for scope in range(len(SCOPES)):
        of_scope = [
            one for one in judged if one.case.scope == scope and not (one.case.is_answerable or one.case.is_title)
        ]
        below = float(np.quantile([_get_probability(sure, one.sureness) for one in of_scope], 1 - FALSE))
        bars.append(min(below, SURE))
    return np.array(bars)


def _get_probability(sure: Floats, sureness: Sureness) -> float:
    return float(1 / (1 + np.exp(-(np.array([*sureness[:3], 1.0]) @ sure[sureness.scope]))))


class Told(NamedTuple):
    """What a user is told: with which probability, and whether it is enough to be the answer."""

    judged: Judged
    probability: float
    is_given: bool


def _tell(judged: Judged, sure: Floats, bars: Floats) -> Told:
    probability = _get_probability(sure, judged.sureness)
    return Told(judged, probability, probability >= float(bars[judged.case.scope]))


def _tell_by_others(judged_by: dict[str, list[Judged]], name: str) -> list[Told]:
    """Return what is told of one project, by probabilities and bars fitted to the others."""
    others = [one for other, judged in judged_by.items() if other != name for one in judged]
    sure = _fit_sureness(others)
    bars = _choose_bars(others, sure)
    return [_tell(one, sure, bars) for one in judged_by[name]]


_HOLDERS: dict[str, Callable[[Judged], bool]] = {
    "first": lambda one: one.is_first, "quoted": lambda one: one.is_right, "found at all": lambda one: any(one.case.holds),
}  # fmt: skip
"""What may hold the reason."""


def _show(title: str, told: Sequence[Told]) -> None:
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


def _show_titles(told: Sequence[Told]) -> None:
    """Print how questions in the words of titles went: by whether the commit wrote a reason, or is another project's."""
    print("in the words of a commit's title")
    for scope, name in enumerate(SCOPES[:2]):
        for kind, of_kind in _sort_titles([one for one in told if one.judged.case.scope == scope]).items():
            if of_kind:
                given = [one.judged.is_right for one in of_kind if one.is_given]
                pairs = [(one.probability, one.judged.is_right) for one in of_kind]
                print(
                    f"  {name:<6} {kind:<16} {len(of_kind):>4}  quoted holds {np.mean([right for _, right in pairs]):.3f},"
                    f" answered {len(given) / len(of_kind):.3f}, right of those {np.mean(given) if given else 0:.3f};"
                    f" mean probability {np.mean([probability for probability, _ in pairs]):.3f}"
                )


def _sort_titles(told: Sequence[Told]) -> dict[str, list[Told]]:
    kinds: dict[str, list[Told]] = {"reason written": [], "no reason": [], "another project": []}
    for one in told:
        case = one.judged.case
        kinds[
            "another project" if not case.is_answerable else "reason written" if any(case.holds) else "no reason"
        ].append(one)
    return kinds


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


if __name__ == "__main__":
    main()
