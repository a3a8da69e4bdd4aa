"""Fits the ranker's weights and its confidence (`search/ranking.json`) on sixteen projects, each judged by the others.

    python -m bench.quality.fit [--clones DIR] [--write] [--ablate]

Two sets of weights for each way of answering, with meaning and words, by words alone, by meaning alone: one for questions that
ask, one for those that state, as release notes do. Projects are judged in four groups, each by weights fitted to the other three.
pytest is not touched.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.model import Encoder
from ail_daemon.search import ranking
from ail_daemon.search.features import FEATURES, Floats, build, by_meaning
from ail_daemon.search.ranking import EVIDENCE, Bars, Model, judge, rank

from .figures import Outcome, show
from .gathering import INDEXES, PLAIN_WEIGHTS, Judged, gather_all
from .listwise import Example, fit_weights, sample
from .sets import FITTED_ON, Kind, load_strangers, load_with_code

WEIGHTS = Path(ranking.__file__).with_name("ranking.json")
SHRINKAGE = 1e-2
GROUPS = 4
FALSE = {"open": 0.35, "about": 0.35}
"""Of questions in people's own words that have no answer, how many may pass. In histories of a thousand commits and more the
judge of passages decides instead; in smaller ones what is near is rarely so by chance."""

ANSWERED = 0.83  # of release notes asked about their own project
COUNTS: dict[str, dict[Kind, float]] = {
    "states": {"note": 1.0, "title": 0.5, "own": 0.01},
    "asks": {"note": 0.1, "own": 1.0},
}
"""How much each kind of question counts, all of them together, for the weights of those that state and of those that ask. Some of
the other kind teaches notes what lines are worth, and questions that some reuse a commit's words."""

BARE = 0.3
"""What a question counts asked of the history as if it had no code; the rest is what it counts with code. MRR of notes without
code is .759 with 0, .765 with .3, .767 with .5; with code .800, .799, .796."""

LEFT_OUT: dict[str, Collection[str]] = {
    "states": ("coverage",),  # MRR of notes .828 without, .824 with: `coverage_anywhere` says more
    "asks": (
        "pull_words",
        "pull_coverage",
        "pull_lines",
    ),  # MRR of 1,006 questions, each kind alike, .541 with and without
}
_OF_MEANING = ("cosine", "pull_cosine")
_OF_WORDS = (
    "words", "words_possible", "prose", "changed", "changed_possible", "coverage", "coverage_anywhere", "named", "named_changed",
    "pull_words", "pull_coverage",
)  # fmt: skip
WAYS: dict[str, Collection[str]] = {"semantic": (), "lexical": _OF_MEANING, "meaning": _OF_WORDS}
"""The ways of answering, with the features that each does without."""


class Asked(NamedTuple):
    """A question with the features of its candidates, and what the fit takes of them."""

    judged: Judged
    features: Floats
    example: Example | None
    is_bare: bool  # as if the history had no code


def main() -> None:
    """Fit, print what the weights bring on projects they never saw, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, help="a directory with clones of the projects")
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--ablate", action="store_true", help="print what leaving out each feature costs")
    options = parser.parse_args()
    models = prepare_models()
    kept = {}
    for mode, left_out in WAYS.items():
        encoder = open_encoder(DEFAULT_MODEL, "prepared", models, 1) if mode != "lexical" else None
        projects = {name: load_asked(name, options.clones, encoder, mode) for name in FITTED_ON}
        kept[mode] = _fit_mode(mode, projects, left_out)
        if options.ablate:
            _ablate(projects, left_out)
    if options.write:
        WEIGHTS.write_text(json.dumps(kept, indent=1) + "\n")


def load_asked(name: str, clones: Path | None, encoder: Encoder | None, mode: str) -> list[Asked]:
    """Return every question about the project *name*, and each as if it had no code. mode: one of WAYS."""
    sets = (load_with_code(name, clones), load_strangers(name, clones))
    judged = [one for measured in sets for one in gather_all(measured, encoder, INDEXES)]
    return _prepare(one._replace(candidates=by_meaning(one.candidates)) if mode == "meaning" else one for one in judged)


def _prepare(judged: Iterable[Judged]) -> list[Asked]:
    return [
        _prepare_one(form, is_bare)
        for one in judged
        if one.candidates
        for form, is_bare in ((one, False), (_bare(one), True))
    ]


def _bare(judged: Judged) -> Judged:
    """Return *judged* as the question would be seen in the same history without code."""
    return judged._replace(
        candidates={
            i: signals._replace(
                changed=0.0, prose=0.0, named_changed=0, coverage_anywhere=signals.coverage, passages=0, reasons=0
            )
            for i, signals in judged.candidates.items()
        }
    )


def _prepare_one(one: Judged, is_bare: bool) -> Asked:
    features = build(one.asked, list(one.candidates.values()))
    answers = one.is_answer.astype(np.float64)
    is_useful = bool(answers.any()) and not bool(answers.all())
    example = sample(features, answers, features @ PLAIN_WEIGHTS, BARE if is_bare else 1 - BARE) if is_useful else None
    return Asked(one, features, example, is_bare)


def fit_ranker(asked: Sequence[Asked], style: str, left_out: Collection[str] = ()) -> Floats:
    """Return a weight for each of FEATURES, 0 for those *left_out*, for questions of *style* (`asks`, `states`)."""
    columns = [i for i, name in enumerate(FEATURES) if name not in {*left_out, *LEFT_OUT[style]}]
    counts = COUNTS[style]
    useful = [(one.judged.row.kind, one.example) for one in asked if one.example and one.judged.row.kind in counts]
    share = {kind: count / max(sum(k == kind for k, _ in useful), 1) for kind, count in counts.items()}
    examples = [e._replace(features=e.features[:, columns], weight=share[kind] * e.weight) for kind, e in useful]
    weights = np.zeros(len(FEATURES))
    weights[columns] = fit_weights(examples, SHRINKAGE)
    return weights


def _fit_mode(mode: str, projects: dict[str, list[Asked]], left_out: Collection[str]) -> dict[str, dict[str, float]]:
    outcomes, evidence = _cross_validate(projects, left_out)
    names = _repeat_names(projects)
    judged = _judge_by_others(outcomes, evidence, names)
    bare = [one.is_bare for name in dict.fromkeys(names) for one in projects[name]]
    for title, wanted in (("", False), (", no code", True)):
        show(
            f"{mode}, by the others{title}",
            [one for (one, _), is_bare in zip(judged, bare, strict=True) if is_bare == wanted],
        )
    bars = _choose_bars([one for one, is_bare in zip(judged, bare, strict=True) if not is_bare])
    _show_passing([one for one, is_bare in zip(judged, bare, strict=True) if is_bare], bars)
    confidence, support = _fit_judgements(outcomes, evidence)
    everything = [one for part in projects.values() for one in part]
    named = {style: dict(zip(FEATURES, fit_ranker(everything, style, left_out), strict=True)) for style in LEFT_OUT}
    rounded = {
        style: {name: round(float(w), 3) for name, w in weights.items() if w} for style, weights in named.items()
    }
    told = {
        "confidence": _name(confidence),
        "support": _name(support),
        "bars": {name: round(bar, 3) for name, bar in bars._asdict().items()},
    }
    return {**rounded, **told}


def _repeat_names(projects: dict[str, list[Asked]]) -> list[str]:
    """Return the name of each question's project, in the order in which they are judged."""
    grouped = (name for start in range(GROUPS) for name in list(projects)[start::GROUPS])
    return [name for name in grouped for _ in projects[name]]


def _name(weights: Floats) -> dict[str, float]:
    return {name: round(float(w), 3) for name, w in zip((*EVIDENCE, "bias"), weights, strict=True)}


def _cross_validate(projects: dict[str, list[Asked]], left_out: Collection[str]) -> tuple[list[Outcome], Floats]:
    """Rank each project's questions with weights fitted on the others; return how each went, and its evidence."""
    outcomes, evidence = [], []
    for group in (list(projects)[start::GROUPS] for start in range(GROUPS)):
        others = [one for other, rest in projects.items() if other not in group for one in rest]
        model = Model(
            asks=fit_ranker(others, "asks", left_out), states=fit_ranker(others, "states", left_out),
            confidence=np.zeros(len(EVIDENCE) + 1), support=np.zeros(len(EVIDENCE) + 1), bars=Bars(0.0, 0.0, 0.0),
        )  # fmt: skip
        for one in (one for name in group for one in projects[name]):
            ranked = rank(one.judged.candidates, one.judged.asked, model, one.judged.fold)
            outcomes.append(Outcome.of(one.judged, ranked))
            evidence.append(ranked.evidence)
    return outcomes, np.array(evidence)


def _fit_judgements(outcomes: Sequence[Outcome], evidence: Floats) -> tuple[Floats, Floats]:
    """Fit whether the first hit is an answer, and whether there is any, on rankings by weights that never saw the question.

    A question in people's own words whose answer is not among the first five teaches the second nothing.
    """
    confidence = _fit_one(evidence, [outcome.rank == 1 for outcome in outcomes])
    seen = [place for place, one in enumerate(outcomes) if _is_telling(one)]
    return confidence, _fit_one(evidence[seen], [outcomes[place].is_answerable for place in seen])


def _is_telling(outcome: Outcome) -> bool:
    return outcome.group[0] != "own" or not outcome.is_answerable or (outcome.rank or 100) <= 5


def _fit_one(evidence: Floats, is_so: list[bool]) -> Floats:
    fitted = LogisticRegression(C=1.0, max_iter=5000).fit(evidence, is_so)
    return np.append(fitted.coef_[0], fitted.intercept_[0])


def _judge_by_others(outcomes: list[Outcome], evidence: Floats, names: list[str]) -> list[tuple[Outcome, float]]:
    """Return *outcomes* with the confidence, and the support, that weights fitted on the other projects give them."""
    judged: dict[int, tuple[Outcome, float]] = {}
    for name in set(names):
        others = [place for place, of in enumerate(names) if of != name]
        confidence, support = _fit_judgements([outcomes[place] for place in others], evidence[others])
        for place in (place for place, of in enumerate(names) if of == name):
            sure = judge(evidence[place], confidence)
            judged[place] = outcomes[place]._replace(confidence=sure), judge(evidence[place], support)
    return [judged[place] for place in range(len(names))]


def _choose_bars(judged: list[tuple[Outcome, float]]) -> Bars:
    """Return the least support of an answer, judged by the other projects' weights.

    For questions that state, what ANSWERED of the open notes have; for those that ask, what all but FALSE of the questions
    without an answer lack. Those about a file or lines have a bar of their own: who touched it is near an answer, whatever is
    asked, and by one bar for both, nine in ten of the open questions that have an answer got none.
    """

    def support_of(group: tuple[str, str], *, is_answerable: bool) -> list[float]:
        return [s for one, s in judged if one.group == group and one.is_answerable == is_answerable]

    notes, none = support_of(("note", "open"), is_answerable=True), support_of(("own", "open"), is_answerable=False)
    about = [s for scope in ("file", "lines") for s in support_of(("own", scope), is_answerable=False)]
    bars = Bars(
        float(np.quantile(notes, 1 - ANSWERED)),
        float(np.quantile(none, 1 - FALSE["open"])),
        float(np.quantile(about, 1 - FALSE["about"])),
    )
    _show_passing(judged, bars)
    return bars


def _show_passing(judged: list[tuple[Outcome, float]], bars: Bars) -> None:
    for group in sorted({(outcome.group, outcome.is_answerable) for outcome, _ in judged}):
        (kind, scope), is_answerable = group
        bar = bars.get(asks=kind == "own", is_scoped=scope != "open")
        passing = [support >= bar for outcome, support in judged if (outcome.group, outcome.is_answerable) == group]
        print(f"    {kind} {scope}, {'answerable' if is_answerable else 'not'}: {np.mean(passing):.3f} answered")


def _ablate(projects: dict[str, list[Asked]], left_out: Collection[str]) -> None:
    for name in FEATURES:
        if name not in left_out:
            show(f"without {name}", _cross_validate(projects, {*left_out, name})[0])


if __name__ == "__main__":
    main()
