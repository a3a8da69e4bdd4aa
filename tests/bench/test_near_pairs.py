"""The pairs of near questions: enough of each kind, always the same, each one edit apart."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from bench.quality.near_pairs import (
    IDENTIFIER,
    NearPair,
    exchanged,
    near_pairs,
    negated,
    part_renamed,
    renumbered,
    swapped,
    turned_round,
)


@pytest.fixture(scope="module")
def pairs() -> list[NearPair]:
    return near_pairs()


@pytest.mark.slow
def test_there_are_at_least_5000_different_pairs(pairs: list[NearPair]) -> None:
    assert len({frozenset((pair.first, pair.second)) for pair in pairs}) == len(pairs) >= 5000
    assert all(pair.first != pair.second for pair in pairs)


def test_every_kind_is_there_in_number(pairs: list[NearPair]) -> None:
    kinds = Counter(pair.kind for pair in pairs)
    assert set(kinds) == {
        "reversed", "negated", "swapped", "noun", "renumbered", "renamed", "path", "quoted", "time", "person",
    }  # fmt: skip
    assert min(kinds.values()) >= 100


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pairs_and_another_one_others(pairs: list[NearPair]) -> None:
    assert near_pairs() == pairs
    assert near_pairs(seed=5) != pairs


def test_no_pair_is_made_from_the_questions_that_are_only_read(pairs: list[NearPair]) -> None:
    assert not any("PROGRA~1" in pair.first + pair.second for pair in pairs)


def test_a_word_is_turned_round_one_at_a_time() -> None:
    assert list(turned_round("Add it before reading")) == [
        "Remove it before reading",
        "Add it after reading",
        "Add it before writing",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("why does it wait?", "why doesn't it wait?"),
        ("why can't it wait?", "why can it wait?"),
        ("why do we not wait?", "why do we wait?"),
    ],
)
def test_a_negation_is_put_in_or_taken_out(one: str, other: str) -> None:
    assert other in list(negated(one))


def test_the_two_ends_of_a_change_are_swapped() -> None:
    assert list(swapped("why move from bytes to str?")) == ["why move from str to bytes?"]


def test_a_number_is_one_off_or_has_its_digits_swapped() -> None:
    assert list(renumbered("since 3.9 #1234")) == ["since 3.10 #1234", "since 3.9 #1235", "since 3.9 #1243"]


def test_a_name_gives_way_to_another_name_or_to_one_that_differs_in_a_part() -> None:
    dice = random.Random(1)
    rename = exchanged(IDENTIFIER, ["read_timeout", "read_bufsize", "ClientSession"], dice)
    assert list(rename("why is read_timeout None?")) == ["why is read_bufsize None?"]
    assert list(part_renamed("why is read_timeout None?")) == ["why is write_timeout None?"]
