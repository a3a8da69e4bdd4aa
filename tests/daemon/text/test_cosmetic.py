from __future__ import annotations

import pytest

from ail_daemon.text.cosmetic import judge_change


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        (["f(a, b)"], ["f(", "    a,", "    b,", ")"]),
        (["x = 'a'"], ['x = "a"']),
        (["if x:", "  y"], ["if x:", "    y"]),
        (["a=1"], ["a = 1"]),
        ([], []),
    ],
)
def test_what_changes_the_looks_alone_is_a_reformatting(removed: list[str], added: list[str]) -> None:
    assert judge_change("Do something", removed, added) == "reformatting"


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        (["f(a, b)"], ["f(b, a)"]),
        (["a or b and c"], ["(a or b) and c"]),
        ([], ["x"]),
        (["x"], []),
        (["x = 1"], ["x = 2"]),
    ],
)
def test_what_changes_what_is_done_is_not(removed: list[str], added: list[str]) -> None:
    assert judge_change("Run black", removed, added) is None


def test_a_listed_commit_is_one_whatever_it_does() -> None:
    assert judge_change("Split lines", ["a; b"], ["a", "b"], is_listed=True) == "reformatting"


def test_a_correction_of_spelling_leaves_most_words() -> None:
    before = ["# recieve one from the pool"]
    assert judge_change("Fix typo", before, ["# receive one from the pool"]) == "spelling"
    assert judge_change("Say it", before, ["# receive one from the pool"]) is None
    assert judge_change("Fix typo and the loop", before, ["while True: retry()"]) is None
