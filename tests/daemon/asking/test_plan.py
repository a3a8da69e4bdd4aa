"""Which side a question lands on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ail_daemon.asking.plan import is_compared, is_semantic
from ail_daemon.model import Scope

REPO = "0123456789abcdef"
SCOPE = Scope("src/http.py", (3, 9))


def ask(number: int) -> str:
    return f"why does the cache of entry {number} expire?"


def count(repo: str, scope: Scope, percent: int) -> int:
    return sum(is_semantic(repo, scope, ask(number), percent) for number in range(10_000))


def test_at_fifty_per_cent_ten_thousand_questions_are_split_in_halves() -> None:
    assert 4900 <= count(REPO, SCOPE, 50) <= 5100


def test_over_many_repositories_the_halves_are_even() -> None:
    """One set of 10,000 lies outside 49 to 51 per cent with a chance of 1 in 22; all of them together do not."""
    found = [count(f"{number:016x}", Scope(), 50) for number in range(12)]
    assert 4960 <= sum(found) / len(found) <= 5040


def test_at_none_and_at_all_there_is_one_side() -> None:
    assert (count(REPO, Scope(), 0), count(REPO, Scope(), 100)) == (0, 10_000)


def test_a_question_that_is_in_stays_in_as_the_share_grows() -> None:
    shares = [[is_semantic(REPO, Scope(), ask(number), percent) for percent in range(101)] for number in range(500)]
    assert all(row == sorted(row) for row in shares)
    assert {row.index(True) for row in shares} >= set(range(20, 40))  # and each joins at a share of its own


def test_repository_scope_and_question_each_decide() -> None:
    def sides(repo: str, scope: Scope, prefix: str = "") -> list[bool]:
        return [is_semantic(repo, scope, prefix + ask(number), 50) for number in range(64)]

    told = [
        sides(REPO, Scope()), sides("x", Scope()), sides(REPO, Scope("a")), sides(REPO, Scope("a", (1, 2))),
        sides(REPO, Scope("a", (1, 3))), sides(REPO, Scope(), "And "),
    ]  # fmt: skip
    assert len({tuple(row) for row in told}) == len(told)


def test_what_is_compared_is_drawn_apart_from_the_sides() -> None:
    both = [(is_semantic(REPO, SCOPE, ask(n), 50), is_compared(REPO, SCOPE, ask(n), 50)) for n in range(2000)]
    assert all(400 < both.count(pair) < 600 for pair in ((a, b) for a in (True, False) for b in (True, False)))


def test_places_never_change_between_versions() -> None:
    assert [n for n in range(40) if is_semantic(REPO, SCOPE, ask(n), 20)] == KNOWN


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_decides_alike(seed: str) -> None:
    program = (
        "from ail_daemon.model import Scope; from ail_daemon.asking.plan import is_semantic;"
        f"print([n for n in range(40) if is_semantic({REPO!r}, Scope('src/http.py', (3, 9)),"
        " f'why does the cache of entry {n} expire?', 20)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(KNOWN)


KNOWN = [5, 8, 10, 23, 24, 31, 39]
"""As computed when rollouts began."""
