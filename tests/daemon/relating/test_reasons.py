from __future__ import annotations

import pytest
from tests.daemon.index.making import make_commit

from ail_daemon.relating.reasons import find_reason, is_chore


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Add a lock\n\nIt is small. Two threads took it at once, because nothing guarded it.",
         "Two threads took it at once, because nothing guarded it."),
        ("Fix the hang of a capture that is closed twice", "Fix the hang of a capture that is closed twice"),
        ("Use a set instead of a list for the names", "Use a set instead of a list for the names"),
    ],
)  # fmt: skip
def test_the_sentence_that_says_why_is_found(message: str, reason: str) -> None:
    assert find_reason(make_commit(1, message)) == reason


@pytest.mark.parametrize(
    "message",
    ["", "Rename x", "fix typo in the docs of x", "fix #12 (again)", "Update x\n\nCo-authored-by: Bo <b@example.org>",
     "Tidy\n\nThis is needed because mypy complains about the type of it."],
)  # fmt: skip
def test_what_says_nothing_of_why_is_passed_over(message: str) -> None:
    assert find_reason(make_commit(1, message)) is None


def test_a_long_sentence_is_cut_at_a_word() -> None:
    found = find_reason(make_commit(1, "Add x\n\n" + "because of many words " * 50))
    assert found is not None
    assert len(found) <= 242
    assert found.endswith(" …")


def test_chores_are_told_by_their_subjects() -> None:
    chores = ("Prepare release 2.0", "Start 19.3 cycle", "bump version to 3", "Apply suggestions from code review",
              "regen docs", "Preparing release version 5.2.2", "address review comments")  # fmt: skip
    assert all(map(is_chore, chores))
    assert not any(map(is_chore, ("Prepare the pool for a restart", "Start the timer later", "Release the lock early")))
