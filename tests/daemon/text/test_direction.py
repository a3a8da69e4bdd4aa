"""Which way a question or a commit goes."""

from __future__ import annotations

import pytest

from ail_daemon.text.direction import find_commit_direction, find_direction


@pytest.mark.parametrize(
    ("question", "direction"),
    [
        ("why was dark mode removed?", -1),
        ("why is there no dark mode any more?", -1),
        ("Why can't I upload any longer, is it forbidden?", -1),
        ("why was dark mode added?", 1),
        ("who allowed anonymous uploads, and why?", 1),
        ("why was the cache dropped and then brought back?", 0),
        ("why is the start page blue?", 0),
        ("what does the address mean?", 0),
    ],
)
def test_a_question_asks_for_what_was_added_or_taken_away(question: str, direction: int) -> None:
    assert find_direction(question) == direction


@pytest.mark.parametrize(
    ("subject", "direction"),
    [
        ("Drop dark mode: two alarms were missed", -1),
        ("ui: remove the second clock", -1),
        ("feat(ui)!: Disallow anonymous uploads", -1),
        ("Add dark mode", 1),
        ("[ui] Allow anonymous uploads", 1),
        ("Fix the removal of clocks", 0),
        ("Address comments", 0),
    ],
)
def test_a_commit_s_first_verb_says_which_way_it_went(subject: str, direction: int) -> None:
    assert find_commit_direction(subject) == direction
