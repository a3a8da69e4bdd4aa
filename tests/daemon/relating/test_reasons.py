from __future__ import annotations

import pytest
from tests.daemon.index.making import make_commit

from ail_daemon.relating.reasons import find_reason, is_chore, is_fix, read_title


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
              "regen docs", "Bump aiosignal from 1.3.2 to 1.4.0 (#11267)",
              "Preparing release version 5.2.2", "address review comments")  # fmt: skip
    assert all(map(is_chore, chores))
    assert not any(map(is_chore, ("Prepare the pool for a restart", "Start the timer later", "Release the lock early")))


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("[PR #7716/5a499d0 backport][3.9] Fix raw path (#13175) (#13189)", "Fix raw path"),
        ("Merge pull request #12 from ann/fix\n\nFix the hang\n\nIt hung.", "Fix the hang"),
        ("fix: validate names", "fix: validate names"),
        ("Merge branch 'main'", "Merge branch 'main'"),
    ],
)
def test_a_title_is_read_without_labels_and_references(message: str, title: str) -> None:
    assert read_title(make_commit(1, message)) == title


@pytest.mark.parametrize(
    ("title", "is_one"),
    [
        ("Fix raw path", True), ("fix: validate names", True), ("config: fix regression with conftest", True),
        ("client: Fixed upload timeouts", True), ("Fix a typo", False), ("Fix flaky tests", False), ("Add a fixture", False),
        ("Prefix all names", False),
    ],
)  # fmt: skip
def test_what_mends_something_is_a_fix(title: str, is_one: bool) -> None:
    assert is_fix(title) is is_one
