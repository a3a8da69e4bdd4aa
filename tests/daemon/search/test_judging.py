"""How sure the best passage is: a passage that another commit repeats is no rival to it."""

from __future__ import annotations

import numpy as np
import pytest

from ail_daemon.search.evidence import Found
from ail_daemon.search.judging import measure_sureness
from ail_daemon.text.passages import Passage

WEIGHTS = np.array([1.0, 0.8, -0.5])
REASON = "Exit on SIGHUP: clients were left hanging around when a session was disconnected."


def find(*said: tuple[int, str]) -> list[Found]:
    return [Found(commit, Passage("message", text, line=3, worth=2)) for commit, text in said]


def test_the_lead_is_over_the_best_of_another_commit() -> None:
    found = find((1, REASON), (1, "It was seen with ssh."), (2, "Zero the password before it is freed."))
    assert measure_sureness(found, WEIGHTS, 0.5, 0).lead == 1.5


def test_what_another_commit_says_in_the_same_words_is_no_rival() -> None:
    tail = "clients were left hanging around when a session was disconnected."
    for copy in (REASON, f"{REASON}\nFrom nicm@.", tail):
        found = find((1, REASON), (2, copy), (3, "Zero the password before it is freed."))
        assert measure_sureness(found, WEIGHTS, 0.5, 0).lead == 1.5
    other = find((1, REASON), (2, "Exit on SIGHUP before attaching also."), (3, "Zero the password."))
    assert measure_sureness(other, WEIGHTS, 0.5, 0).lead == pytest.approx(0.2)


def test_without_a_rival_the_lead_is_long() -> None:
    assert measure_sureness(find((1, REASON), (2, REASON)), WEIGHTS[:2], 0.5, 0).lead == 7.0
