"""Embeddings as float16 and as codes give the same: what brute force over the stored ones gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ail_daemon.index import vectors as module
from ail_daemon.index.vectors import Vectors
from ail_daemon.model import Embeddings, Ids

DIMENSION = 64


class Stored:
    """What a store does for vectors: keeps embeddings as float16."""

    def __init__(self) -> None:
        self.rows: dict[int, Embeddings] = {}
        self.read_count = 0

    def read(self, ids: list[int]) -> Iterator[tuple[Ids, Embeddings]]:
        there = [i for i in ids if i in self.rows]
        self.read_count += len(there)
        if there:
            yield np.array(there, np.int64), np.stack([self.rows[i] for i in there])

    def find(self, one: Embeddings, limit: int, among: frozenset[int] | None = None) -> dict[int, float]:
        """Return what brute force finds: of equal ones the largest ids."""
        scored = {i: float((row * one[0]).sum()) for i, row in self.rows.items() if among is None or i in among}
        return dict(sorted(scored.items(), key=lambda found: (found[1], found[0]), reverse=True)[:limit])


class Both:
    """Vectors and what is stored of them, changed together."""

    def __init__(self, dimension: int = DIMENSION) -> None:
        self.stored = Stored()
        self.vectors = Vectors(dimension, self.stored.read)

    def add(self, ids: list[int], embeddings: Embeddings) -> None:
        self.stored.rows.update(zip(ids, embeddings.astype(np.float16).astype(np.float32), strict=True))
        self.vectors.add(np.array(ids, np.int64), embeddings)

    def remove(self, ids: list[int]) -> None:
        for one in ids:
            self.stored.rows.pop(one, None)
        self.vectors.remove(np.array(ids, np.int64))

    def check(self, one: Embeddings, limit: int, among: frozenset[int] | None = None) -> None:
        found, wanted = self.vectors.find(one, limit, among), self.stored.find(one, limit, among)
        assert list(found) == list(wanted)
        assert list(found.values()) == pytest.approx(list(wanted.values()), abs=1e-5)


@pytest.fixture(params=["float16", "codes"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Both:
    if request.param == "codes":
        monkeypatch.setattr(module, "LARGE", 0)
    return Both()


def make_clustered(dice: np.random.Generator, count: int, dimension: int = DIMENSION, clusters: int = 40) -> Embeddings:
    """Return unit rows around some centres, as messages lie around subjects."""
    centres = dice.standard_normal((clusters, dimension), np.float32)
    rows = centres[dice.integers(0, clusters, count)] + 0.7 * dice.standard_normal((count, dimension), np.float32)
    unit: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("seed", range(5))
def test_after_any_changes_the_nearest_are_those_of_brute_force(both: Both, seed: int) -> None:
    dice = np.random.default_rng(seed)
    rows, next_id = make_clustered(dice, 800), 1
    for _ in range(12):
        count = int(dice.integers(1, 60))
        ids = list(range(next_id, next_id + count))
        both.add(ids, rows[next_id : next_id + count])
        next_id += count + 1
        gone = dice.choice(next_id, int(dice.integers(0, 20)), replace=False).tolist()  # unknown ones too
        both.remove(gone)
        one = make_clustered(dice, 1)
        both.check(one, int(dice.integers(1, 70)))
        both.check(one, 5, frozenset(dice.choice(next_id, min(next_id, 30), replace=False).tolist()))
    assert len(both.vectors) == len(both.stored.rows)


def test_nearly_all_of_the_nearest_are_found_in_a_large_table(both: Both) -> None:
    dice = np.random.default_rng(1)
    both = Both(384)
    rows = make_clustered(dice, 20_000, 384, clusters=300)
    both.add(list(range(len(rows))), rows)
    asked = rows[:: len(rows) // 40] + 0.04 * dice.standard_normal((40, 384), np.float32)
    shares = []
    for one in asked:
        wanted = np.argsort(rows @ -one, kind="stable")[:10].tolist()
        shares.append(len(both.vectors.find(one[None], 10).keys() & set(wanted)) / 10)
    assert np.mean(shares) >= 0.98


def test_cosines_are_those_of_the_stored_embeddings(both: Both) -> None:
    dice = np.random.default_rng(2)
    both.add([2, 4, 6], make_clustered(dice, 3))
    one = make_clustered(dice, 1)
    wanted = both.stored.find(one, 3)
    assert both.vectors.score(one, [6, 2]) == pytest.approx({i: wanted[i] for i in (6, 2)}, abs=1e-5)
    assert both.vectors.score(one, [6, 3, 2]) == pytest.approx({i: wanted[i] for i in (6, 2)}, abs=1e-5)
    assert both.vectors.score(one, []) == {}


def test_of_very_many_equal_ones_those_added_last_are_found_whatever_the_order(both: Both) -> None:
    dice = np.random.default_rng(3)
    same, other = make_clustered(dice, 1), make_clustered(dice, 3000)
    ids = dice.permutation(6000).tolist()
    both.add(ids[:2000], np.repeat(same, 2000, axis=0))
    both.add(ids[2000:5000], other)
    both.add(ids[5000:], np.repeat(same, 1000, axis=0))
    equal = sorted([*ids[:2000], *ids[5000:]], reverse=True)
    both.stored.read_count = 0
    assert list(both.vectors.find(same, 70)) == equal[:70]
    assert both.stored.read_count < 1000  # not each of the equal ones
    assert list(both.vectors.find(same, 70, frozenset(equal[500:]))) == equal[500:570]


def test_nothing_is_found_in_nothing(both: Both) -> None:
    one = make_clustered(np.random.default_rng(4), 1)
    assert both.vectors.find(one, 5) == both.vectors.score(one, [1]) == {}
    both.add([1], one)
    assert both.vectors.find(one, 5, frozenset()) == {}
    assert both.vectors.find(one, 5, frozenset([2])) == {}
    both.remove([1])
    assert both.vectors.find(one, 5) == both.vectors.score(one, [1]) == {}


def test_a_growing_table_becomes_codes_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 300)
    dice, both = np.random.default_rng(5), Both()
    rows, one = make_clustered(dice, 500), make_clustered(dice, 1)
    both.add(list(range(300)), rows[:300])
    kinds = [both.vectors.are_codes]
    both.check(one, 70)
    both.add(list(range(300, 500)), rows[300:])
    kinds.append(both.vectors.are_codes)
    both.check(one, 70)
    assert kinds == [False, True]


def test_searches_go_on_while_a_table_becomes_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 20_000)
    dice, both = np.random.default_rng(6), Both()
    rows, one = make_clustered(dice, 20_000), make_clustered(dice, 1)
    both.add(list(range(len(rows))), rows)
    wanted, found, is_done = list(both.stored.find(one, 3)), [], threading.Event()

    def search() -> None:
        while not is_done.is_set():
            found.append(list(both.vectors.find(one, 3)))

    searching = threading.Thread(target=search)
    searching.start()
    try:
        both.vectors.prepare(one)
    finally:
        is_done.set()
        searching.join()
    assert both.vectors.are_codes
    assert found
    assert all(ids == wanted for ids in found)
