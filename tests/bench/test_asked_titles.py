"""Questions in the words of titles: what they say, and which passages count as their reason."""

from __future__ import annotations

import random

import pytest
from bench.quality.asked_titles import ask, clean, tells_why

from ail_daemon.search.evidence import Found
from ail_daemon.text.passages import Passage


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("fix(ui): Close the socket (#64)", "Close the socket"),
        ("[docs] Say why.", "Say why"),
        ("Add dark mode", "Add dark mode"),
    ],
)
def test_a_title_is_asked_without_its_label_and_number(subject: str, title: str) -> None:
    assert clean(subject) == title


def test_a_title_becomes_a_question_and_keeps_its_words() -> None:
    asked = {ask("Remove dark mode from the settings", random.Random(seed)) for seed in range(40)}
    assert "why was dark mode removed from the settings?" in asked
    assert "why remove dark mode from the settings?" in asked
    assert any("settings" not in question for question in asked)  # a word was left out
    assert all(question.startswith(("why ", "what was the reason")) for question in asked)


def test_only_a_reason_of_the_right_commit_that_is_about_the_question_tells_why() -> None:
    message = Found(1, Passage("message", "It was slow.", line=3, worth=2))
    comment = Found(1, Passage("comment", "Because it was slow.", "a.py", 1, worth=2), overlap=0.6)
    assert tells_why(message, {1})
    assert tells_why(comment, {1})
    assert not tells_why(comment._replace(overlap=0.3), {1})
    assert not tells_why(message, {2})
    assert not tells_why(message._replace(passage=message.passage._replace(worth=1)), {1})
    assert not tells_why(comment._replace(passage=comment.passage._replace(is_removed=True)), {1})


def test_a_message_without_a_word_of_a_reason_tells_why_where_whoever_read_it_says_so() -> None:
    message = Found(1, Passage("message", "It was slow.", line=3, worth=1))
    comment = Found(1, Passage("comment", "Because it was slow.", "a.py", 1, worth=2), overlap=0.6)
    assert tells_why(message, {1}, message_tells=True)
    assert not tells_why(message, {1}, message_tells=False)
    assert not tells_why(comment, {1}, message_tells=True)  # it was the message that was read
    assert not tells_why(message, {2}, message_tells=True)
