from __future__ import annotations

import pytest

from ail_daemon.text.mentions import is_undoing, read_undone

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (f'Revert "Add x now"\n\nThis reverts commit {SHA}.', "Add x now"),
        ('Revert "Add x now" (#12)', "Add x now"),
        ("Back out the new pool", None),
        ("Tidy\n\nReverts 0123456.", None),
        ("Partially revert the new pool", None),
        ("Revert isolated builds because they break mypy", None),
    ],
)
def test_a_message_says_that_it_takes_something_back_and_may_quote_it(message: str, subject: str | None) -> None:
    assert is_undoing(message)
    assert read_undone(message) == subject


@pytest.mark.parametrize("message", ["Add a reverted list", 'Revert "Revert "Add x now""', "Fix #3", "", "Convert x"])
def test_other_messages_take_nothing_back(message: str) -> None:
    assert not is_undoing(message)
