"""Fits the confidence's weights (`ranking.SEMANTIC`, `ranking.LEXICAL`) on aiohttp and reads them on pytest.

python -m bench.fit_confidence
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from tests.running import prepare_models, sealed_home

from ail_daemon import searcher
from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index import RepoIndex
from ail_daemon.model import Encoder, Scope

from .evaluation import EvalSet, build_index, load_set
from .retrieval import area_under_curve, calibration_error

Rows = npt.NDArray[np.float64]
NAMES = ("cosine", "share", "margin", "scoped")


def main() -> None:
    """Print the weights, and how well they tell on the set they never saw."""
    with sealed_home(prepare_models()) as home:
        encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 2)
        for mode in (None, encoder):
            rows = {}
            for name in ("aiohttp", "pytest"):
                measured = load_set(name)
                index = build_index(measured, home.directory / name, encoder)
                rows[name] = collect(index, mode, measured)
                index.close()
            _fit("semantic" if mode else "lexical", *rows.values())


def collect(index: RepoIndex, encoder: Encoder | None, measured: EvalSet) -> tuple[Rows, Rows]:
    """Return evidence and rightness (0 or 1) of the first hit, a row a question: answerable ones, then the others."""
    asked = [
        (row["question"], Scope(file), row["answers"]) for row in measured.questions for file in (None, row["file"])
    ]
    answerable = [_judge(index, encoder, *one) for one in asked]
    none = [_judge(index, encoder, question, Scope(), []) for question in measured.unanswerable]
    return np.array(answerable), np.array(none)


def _judge(index: RepoIndex, encoder: Encoder | None, text: str, scope: Scope, answers: list[str]) -> list[float]:
    found = searcher.search(index, encoder, searcher.Question(text, scope))
    if not found.hits:
        return [0.0] * (len(NAMES) + 1)
    evidence = searcher.judge(index, index.words.analyze(text), found.hits)
    (first,) = index.store.get_commits([found.hits[0].commit_id]).values()
    return [getattr(evidence, name) for name in NAMES] + [float(first.sha in answers)]


def _fit(mode: str, fitted_on: tuple[Rows, Rows], read_on: tuple[Rows, Rows]) -> None:
    rows = np.concatenate(fitted_on)
    model = LogisticRegression(C=10).fit(rows[:, :-1], rows[:, -1])
    weights = ", ".join(f"{name}={weight:.2f}" for name, weight in zip(NAMES, model.coef_[0], strict=True))
    print(f"{mode}: bias={model.intercept_[0]:.2f}, {weights}")
    answerable, none = read_on
    said, noise = (model.predict_proba(part[:, :-1])[:, 1] for part in (answerable, none))
    pairs = sorted(zip(said.tolist(), (answerable[:, -1] == 1).tolist(), strict=True))
    print(f"  read on pytest: ECE {calibration_error(pairs):.3f}, AUROC {area_under_curve(pairs):.3f}")
    for bar in (0.05, 0.15, 0.25, 0.35):
        print(f"  at {bar:.2f}: {np.mean(said >= bar):.3f} answered, {np.mean(noise >= bar):.3f} of the others")


if __name__ == "__main__":
    main()
