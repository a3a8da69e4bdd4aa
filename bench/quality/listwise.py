"""A listwise logistic regression: weights under which the answers get most of the candidates' softmax. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from ail_daemon.search.features import Floats

MOST_CANDIDATES = 30
"""Of a question, the best by a plain sum, the answers, and as many others drawn at random, which stand for all the others.
Without the
others the fit trusts what is only harmless among the best, and loses .04 of MRR; with all of them it takes four times as long."""


class Example(NamedTuple):
    """One question: its candidates' features (n, features), which answer, how many each stands for; how much it counts."""

    features: Floats
    is_answer: Floats
    stands_for: Floats
    weight: float


def fit_weights(examples: Sequence[Example], shrinkage: float) -> Floats:
    """Return a weight a feature. Each is shrunk, as if all had the same spread, by *shrinkage* times its square."""
    stacked = np.concatenate([example.features for example in examples])
    spread = stacked.std(axis=0) + 1e-9
    loss = _Loss(stacked / spread, examples, shrinkage)
    found = minimize(loss, np.zeros(stacked.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    weights: Floats = found.x / spread
    return weights


def sample(features: Floats, is_answer: Floats, plain: Floats, weight: float) -> Example:
    """Return an Example of the best by *plain*, the answers, and a sample of the others."""
    kept = is_answer.astype(bool)
    kept[np.argsort(-plain)[:MOST_CANDIDATES]] = True
    others = np.flatnonzero(~kept)
    drawn = np.random.default_rng(len(plain)).permutation(others)[:MOST_CANDIDATES]
    stands_for = np.ones(len(plain))
    stands_for[drawn] = len(others) / max(len(drawn), 1)
    rows = np.concatenate([np.flatnonzero(kept), drawn])
    return Example(features[rows], is_answer[rows], stands_for[rows], weight)


class _Loss:
    """The mean of -log(the answers' part of the softmax), with its gradient."""

    def __init__(self, features: Floats, examples: Sequence[Example], shrinkage: float) -> None:
        lengths = [len(example.features) for example in examples]
        self._features, self._shrinkage = features, shrinkage
        self._starts = np.cumsum([0, *lengths[:-1]])
        self._of = np.repeat(np.arange(len(examples)), lengths)
        self._is_answer = np.concatenate([example.is_answer for example in examples]).astype(bool)
        self._offsets = np.log(np.concatenate([example.stands_for for example in examples]))
        weights = np.array([example.weight for example in examples])
        self._weights = weights / weights.sum()

    def __call__(self, weights: Floats) -> tuple[float, Floats]:
        scores = self._features @ weights + self._offsets
        total, all_parts = self._softmax(scores)
        right, right_parts = self._softmax(np.where(self._is_answer, scores, -1e9))
        loss = float(self._weights @ (total - right)) + self._shrinkage * float(weights @ weights)
        gradient: Floats = ((all_parts - right_parts) * self._weights[self._of]) @ self._features
        return loss, gradient + 2 * self._shrinkage * weights

    def _softmax(self, scores: Floats) -> tuple[Floats, Floats]:
        """Return each question's log-sum-exp, and each candidate's part of it."""
        most = np.maximum.reduceat(scores, self._starts)
        exped = np.exp(scores - most[self._of])
        sums = np.add.reduceat(exped, self._starts)
        return most + np.log(sums), exped / sums[self._of]
