from __future__ import annotations

import pytest

from ail_daemon.relating.undoing import Undoing, find_undoing

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("message", "undone"),
    [
        (f'Revert "Add x now"\n\nThis reverts commit {SHA}.', Undoing((SHA,), "Add x now")),
        ('Revert "Add x now" (#12)', Undoing((), "Add x now")),
        ("Back out the new pool", Undoing((), None)),
        ("Tidy\n\nReverts 0123456.", Undoing(("0123456",), None)),
        ("Revert isolated builds because they break mypy", Undoing((), None)),
    ],
)
def test_a_message_says_what_it_takes_back(message: str, undone: Undoing) -> None:
    assert find_undoing(message) == undone


@pytest.mark.parametrize("message", ["Add a reverted list", 'Revert "Revert "Add x now""', "Fix #3", "", "Convert x"])
def test_other_messages_take_nothing_back(message: str) -> None:
    assert find_undoing(message) is None
