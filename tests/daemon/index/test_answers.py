from __future__ import annotations

import re

import pytest
from tests.daemon.index.making import make_commit

from ail_daemon.answers import Cited, answer, citation, excerpt, format_time, split_sentences
from ail_daemon.features import Signals
from ail_daemon.ranking import Hit

WHY = """Close the socket before the fork

The child kept the listening socket open, because it inherits every
descriptor. A restart then failed with "address in use". We close it first.

- also rename the variable
> quoted text because of nothing

Fixes #12
Signed-off-by: Ann <ann@example.org>
"""


def cite(commit: object, score: float = 0.9) -> Cited:
    return Cited(Hit(1, score, Signals(0.8, 5)), commit, ("meaning",), None, None)  # type: ignore[arg-type]


def test_sentences_are_joined_over_wrapped_lines_and_leave_out_trailers_and_quotes() -> None:
    sentences = split_sentences(make_commit(1, WHY))
    assert "The child kept the listening socket open, because it inherits every descriptor." in sentences
    assert "also rename the variable" in sentences
    assert not any("Signed-off-by" in s or "Fixes" in s or "quoted" in s for s in sentences)


def test_the_sentence_with_the_reason_is_the_answer_and_carries_its_sha() -> None:
    commit = make_commit(0xABCDEF, WHY)
    said = answer("why close the socket before fork?", [cite(commit)], has_evidence=True)
    assert said.outcome == "answered"
    assert "because it inherits every descriptor" in said.text
    assert commit.sha[:10] in said.text


def test_nothing_is_invented() -> None:
    said = answer("why?", [cite(make_commit(1, WHY))], has_evidence=True)
    flat = " ".join(WHY.split())
    for part in re.split(r" \([0-9a-f]{10}\)", said.text):
        for sentence in re.split(r"(?<=\.) ", part.strip()):
            assert sentence in flat


def test_a_subject_that_states_no_reason_is_told_as_what_and_not_as_why() -> None:
    said = answer(
        "why blue?", [cite(make_commit(1, "Paint it blue\n\nReviewed-by: Bo <bo@example.org>"))], has_evidence=True
    )
    assert said.outcome == "no_reason_recorded"
    assert said.text.startswith("Paint it blue (")


def test_a_wrapped_line_that_begins_with_a_word_and_a_colon_is_no_trailer() -> None:
    sentences = split_sentences(
        make_commit(1, "Wait\n\nA request waits before it is told\nbusy: nobody is refused at once.")
    )
    assert "A request waits before it is told busy: nobody is refused at once." in sentences


def test_a_body_that_repeats_its_subject_is_quoted_once() -> None:
    said = answer(
        "why?", [cite(make_commit(1, "Fix the leak (#7)\n\nFix the leak because it leaks"))], has_evidence=True
    )
    assert said.text.startswith("Fix the leak because it leaks (")


def test_without_evidence_nothing_is_said() -> None:
    assert answer("why?", [cite(make_commit(1, WHY))], has_evidence=False) == answer("why?", [], has_evidence=True)
    assert answer("why?", [], has_evidence=True).outcome == "no_evidence"


def test_an_excerpt_has_at_least_600_characters_where_the_body_has_them() -> None:
    long = excerpt(make_commit(1, "Subject\n\n" + "word " * 400))
    assert 600 <= len(long) <= 802
    assert long.endswith(" …")
    assert excerpt(make_commit(1, "Only a subject")) == "Only a subject"


@pytest.mark.parametrize("message", ["", "\n\n", "\0", "x" * 100_000, "a\r\nb\r\n", "\ud800"])
def test_any_message_can_be_cited(message: str) -> None:
    cited = cite(make_commit(1, message))
    assert len(citation(cited)["excerpt"]) < 1000
    answer("why?", [cited], has_evidence=True)


def test_times_carry_the_author_s_own_offset() -> None:
    assert format_time(make_commit(0, "x")) == "2023-11-14T23:13:20+01:00"
