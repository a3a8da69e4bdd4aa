"""Trees by bit masks weigh rows as walking down each tree does."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ail_daemon.search import judging
from ail_daemon.search.features import Floats
from ail_daemon.search.trees import MAX_LEAVES, Trees

Tree = list[list[float]]  # rows of feature, threshold, left, right, value


def grow(draw: Any, nodes: Tree, leaves: int) -> int:
    """Add a random subtree of *leaves* leaves to *nodes*; return its root's place."""
    place = len(nodes)
    if leaves == 1:
        nodes.append([0, 0.0, place, place, draw(st.floats(-3, 3))])
        return place
    nodes.append([draw(st.integers(0, 2)), draw(st.sampled_from([-1.0, 0.0, 0.25, 1.0])), 0, 0, 0.0])
    to_left = draw(st.integers(1, leaves - 1))
    nodes[place][2] = grow(draw, nodes, to_left)
    nodes[place][3] = grow(draw, nodes, leaves - to_left)
    return place


@st.composite
def forests(draw: Any) -> dict[str, list[list[float]]]:
    trees: list[Tree] = []
    for _ in range(draw(st.integers(1, 5))):
        nodes: Tree = []
        grow(draw, nodes, draw(st.integers(1, MAX_LEAVES)))
        trees.append(nodes)
    most = max(map(len, trees))
    names = ("feature", "threshold", "left", "right", "value")
    return {
        name: [[node[place] for node in tree] + [0.0] * (most - len(tree)) for tree in trees]
        for place, name in enumerate(names)
    }


def walk(forest: dict[str, list[list[float]]], row: Floats) -> float:
    total = 0.0
    for number in range(len(forest["value"])):
        at = 0
        while forest["left"][number][at] != at:
            goes_left = row[int(forest["feature"][number][at])] <= forest["threshold"][number][at]
            at = int(forest["left" if goes_left else "right"][number][at])
        total += forest["value"][number][at]
    return total


@given(forests(), st.lists(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.1, 0.25, 1.0, 7.0]), min_size=3, max_size=3)))
def test_rows_are_weighed_as_by_walking_down_each_tree(
    forest: dict[str, list[list[float]]], rows: list[list[float]]
) -> None:
    table = np.array(rows, np.float64).reshape(len(rows), 3)
    expected = [walk(forest, row) + 0.5 for row in table]
    assert Trees(forest, 0.5).weigh(table) == pytest.approx(np.array(expected))


def test_the_shipped_trees_are_weighed_as_by_walking_down_each() -> None:
    kept = json.loads(resources.files(judging.__package__ or "").joinpath("evidence.json").read_text("utf-8"))
    rows = np.random.default_rng(7).normal(0, 1, (200, len(judging.COLUMNS)))
    expected = [walk(kept, row) + kept["base"] for row in rows]
    assert judging.load_judge().weigh(rows) == pytest.approx(np.array(expected))


def test_a_tree_of_too_many_leaves_is_refused() -> None:
    nodes: list[list[float]] = []
    for place in range(MAX_LEAVES):
        nodes += [[0, float(place), 2 * place + 1, 2 * place + 2, 0.0], [0, 0.0, 2 * place + 1, 2 * place + 1, 1.0]]
    nodes.append([0, 0.0, 2 * MAX_LEAVES, 2 * MAX_LEAVES, 1.0])
    columns = [list(column) for column in zip(*nodes, strict=True)]
    forest = {
        name: [column] for name, column in zip(("feature", "threshold", "left", "right", "value"), columns, strict=True)
    }
    with pytest.raises(ValueError, match="17 leaves"):
        Trees(forest, 0.0)
