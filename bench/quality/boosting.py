"""Boosted trees that are shipped: fitted by scikit-learn, exported as columns of numbers that `search.trees` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from ail_daemon.search.features import Floats
from ail_daemon.search.judging import Judge
from ail_daemon.search.trees import Trees

TREES, LEAVES = 120, 12
FITS, COLUMNS_SHARE = 4, 0.5
"""What is shipped is the mean of several fits, each on draws of half of the columns: what is quoted holds the reason for .575 of
all questions, .536 by one fit on all columns, which moves by .05 with whatever is refitted."""


class Fitted(NamedTuple):
    """A Judge in the making."""

    trees: dict[str, Any]
    base: float
    sure: Floats = np.zeros((3, 4))
    bars: Floats = np.zeros(3)

    def make(self) -> Judge:
        """Return the Judge."""
        return Judge(Trees(self.trees, self.base), self.sure, self.bars)

    def to_json(self) -> dict[str, Any]:
        """Return what evidence.json holds."""
        told = {"base": round(self.base, 4)}
        return told | self.trees | {"sure": self.sure.round(4).tolist(), "bars": self.bars.round(4).tolist()}


def fit_trees(rows: Floats, labels: Sequence[bool], weights: Sequence[float]) -> Fitted:
    """Return the mean of FITS fits to *rows* of `judging.COLUMNS`."""
    return _export([_fit_once(rows, labels, weights, seed) for seed in range(1, FITS + 1)])


def _fit_once(
    rows: Floats, labels: Sequence[bool], weights: Sequence[float], seed: int
) -> HistGradientBoostingClassifier:
    """Return trees, each split of which is chosen from a share of the columns that *seed* draws."""
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        random_state=seed,
        max_features=COLUMNS_SHARE,
        learning_rate=0.06,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=20,
        l2_regularization=1.0,
    ).fit(rows, labels, sample_weight=weights)


def _export(fits: Sequence[HistGradientBoostingClassifier]) -> Fitted:
    """Return the mean of *fits*: all their trees, each with its share of the sum."""
    trees: dict[str, list[list[float]]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
    nodes = [tree.nodes for fit in fits for (tree,) in fit._predictors]
    most = max(map(len, nodes))
    for tree in nodes:
        leaf = tree["is_leaf"].astype(bool)
        own, pad = np.arange(len(tree)), [0] * (most - len(tree))
        columns = {
            "feature": np.where(leaf, 0, tree["feature_idx"]), "threshold": np.where(leaf, 0, tree["num_threshold"]),
            "left": np.where(leaf, own, tree["left"]), "right": np.where(leaf, own, tree["right"]),
            "value": np.where(leaf, tree["value"] / len(fits), 0),
        }  # fmt: skip
        for name, column in columns.items():
            trees[name].append([*np.round(column.astype(float), 5).tolist(), *pad])
    for name in ("feature", "left", "right"):
        trees[name] = [[int(value) for value in row] for row in trees[name]]
    base = float(np.mean([fit._baseline_prediction.ravel()[0] for fit in fits]))
    return Fitted(trees, base)
