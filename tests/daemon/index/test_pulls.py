from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from ail_daemon.index.pulls import LARGEST, Pulls, resolve_parents
from ail_daemon.index.store import JoinedLinks


def make_pulls(parents: Mapping[int, Sequence[int]], head: int | None) -> Pulls:
    """Return the pull requests of commits by number, whose shas end in zeros."""
    shas = {number: number.to_bytes(2, "big") + bytes(18) for number in range(1000)}
    return Pulls(resolve_parents(join(parents, shas)), head)


def join(parents: Mapping[int, Sequence[int]], shas: Mapping[int, bytes]) -> list[JoinedLinks]:
    """Return the links as the store gives them, in two parts."""
    rows = [(n, shas[n], b"".join(shas[one] for one in named)) for n, named in parents.items()]
    return [
        (np.array([n for n, _, _ in part]), b"".join(sha for _, sha, _ in part),
         np.array([len(named) for _, _, named in part]), b"".join(named for _, _, named in part))
        for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :])
        if part
    ]  # fmt: skip


def test_shas_that_begin_alike_are_told_apart() -> None:
    shas = {n: b"collides" + bytes([n]) * 12 for n in (1, 2, 3)} | {4: b"another one, of 20 b"}
    links = resolve_parents(join({1: (), 4: (1,), 3: (4, 2)}, shas))
    assert [links.get_parents(place) for place in range(3)] in ([[], [0], [1]], [[], [], [1]])


def test_a_merge_and_what_it_brought_are_one_pull_request() -> None:
    #   1 ── 2 ───── 5 ── 6
    #     └─ 3 ── 4 ─┘
    parents = {1: (), 2: (1,), 3: (1,), 4: (3,), 5: (2, 4), 6: (5,)}
    assert make_pulls(parents, 6).get_merges([1, 2, 3, 4, 5, 6]) == {3: 5, 4: 5, 5: 5}


def test_a_merge_inside_a_branch_belongs_to_the_one_that_brought_the_branch() -> None:
    #   1 ──────────── 6
    #     └ 2 ─── 4 ─ 5┘
    #         └ 3 ┘
    parents = {1: (), 2: (1,), 3: (2,), 4: (2, 3), 5: (4,), 6: (1, 5)}
    assert make_pulls(parents, 6).get_merges(range(1, 7)) == {2: 6, 3: 6, 4: 6, 5: 6, 6: 6}


def test_a_merge_of_a_whole_branch_is_no_pull_request() -> None:
    side = range(10, 11 + LARGEST)
    parents = {1: (), **{i: (i - 1 if i > 10 else 1,) for i in side}, 99: (1, side[-1])}
    assert make_pulls(parents, 99).get_merges(parents) == {}


def test_history_that_is_cut_off_or_empty_has_no_pull_requests() -> None:
    assert make_pulls({}, None).get_merges([1]) == {}
    assert make_pulls({5: ()}, 4).get_merges([5]) == {}


def test_a_head_that_moves_brings_the_same_as_computing_all_anew() -> None:
    """A random life of commits, merges, amends and resets; ids as the store gives them: never twice."""
    rolls = random.Random(7)
    for _ in range(20):
        parents: dict[int, tuple[int, ...]] = {1: ()}
        head, newest, pulls, moves = 1, 1, make_pulls(parents, 1), 0
        for _ in range(150):
            first = newest
            for _ in range(rolls.randint(1, 4)):
                newest += 1
                parents[newest] = tuple(dict.fromkeys(rolls.choices(list(parents)[-12:], k=rolls.choice([1, 1, 2]))))
            head = rolls.choice([newest, newest, rolls.choice(list(parents)[-20:])])
            whole = make_pulls(parents, head)
            moved = pulls.move(head, parents.get, newest, [i for i in parents if i > first and len(parents[i]) > 1])
            moves += moved is not None
            pulls = moved or whole
            assert pulls.get_merges(parents) == whole.get_merges(parents)
            assert pulls.find_merges(parents) == whole.find_merges(parents)
        assert moves > 75
