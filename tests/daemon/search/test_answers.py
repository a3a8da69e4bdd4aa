from __future__ import annotations

import re

import pytest
from tests.daemon.index.making import make_commit

from ail_daemon.search.answers import Cited, answer, citation, excerpt, find_sentences, format_time
from ail_daemon.search.evidence import Found
from ail_daemon.search.features import Signals
from ail_daemon.search.ranking import Hit
from ail_daemon.text.passages import Passage

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


def test_a_body_that_repeats_its_subject_is_quoted_once() -> None:
    said = answer(
        "why?", [cite(make_commit(1, "Fix the leak (#7)\n\nFix the leak because it leaks"))], has_evidence=True
    )
    assert said.text.startswith("Fix the leak because it leaks (")


def test_of_each_commit_the_best_passage_that_it_wrote_is_said_and_of_a_long_one_what_fits() -> None:
    long = "The queue was once kept in memory. " * 5 + "It is on disk now, because a restart lost it. Nobody noticed."
    found = [
        Found(1, Passage("comment", "kept in memory", "a.py", 1, is_removed=True, worth=2)),
        Found(1, Passage("comment", long, "a.py", 1, worth=2)),
        Found(2, Passage("message", "Bump it.", line=3)),
        Found(1, Passage("comment", "Disks are slow because they turn.", "b.py", 1, worth=2)),
    ]
    cited = [cite(make_commit(1, "Keep the queue on disk")), cite(make_commit(2, "Bump it"))]
    said = find_sentences("why is the queue on disk?", found, cited)
    assert list(said) == [1]
    assert "It is on disk now, because a restart lost it." in said[1]
    assert len(said[1]) < 120


def test_what_a_commit_says_does_not_begin_with_its_title_once_more() -> None:
    title, why = "Keep the queue on disk to survive restarts", "A restart lost it before."
    found = [
        Found(1, Passage("message", title, line=1, worth=2)),
        Found(1, Passage("message", f"{title}\n{why}", line=1, worth=2)),
    ]
    assert find_sentences("why on disk?", found, [cite(make_commit(1, f"{title}\n\n{why}"))]) == {1: why}


def test_without_evidence_nothing_is_said() -> None:
    assert answer("why?", [cite(make_commit(1, WHY))], has_evidence=False) == answer("why?", [], has_evidence=True)
    assert answer("why?", [], has_evidence=True).outcome == "no_evidence"


def test_an_excerpt_begins_with_what_its_author_wrote_and_not_with_the_form_that_a_forge_put_around_it() -> None:
    form = "<!-- Thank you!\n\nPlease address all of it -->\n\n{}\n\n- [x] ran the linter\n  - it is quick\n\nSee the manual."
    commit = make_commit(1, f"Pass TERM\n\n{form.format('Terminals are named by it.')}")
    assert excerpt(commit) == "Terminals are named by it.\n\nSee the manual."
    long = excerpt(make_commit(1, f"Pass TERM\n\n{form.format('word ' * 400)}"))
    assert long.startswith("word word")
    assert "linter" not in long


def test_an_excerpt_has_at_least_600_characters_where_the_body_has_them() -> None:
    long = excerpt(make_commit(1, "Subject\n\n" + "word " * 400))
    assert 600 <= len(long) <= 802
    assert long.endswith(" …")
    assert excerpt(make_commit(1, "Only a subject")) == "Only a subject"


def test_an_excerpt_of_a_squashed_branch_begins_with_what_it_says() -> None:
    body = "* Wait for peers\n\nThey may still send.\n\n* Lint\n\n---------\n\nCo-authored-by: A B <a@b.example>"
    assert excerpt(make_commit(1, f"Wait for peers (#7)\n\n{body}")) == "They may still send.\n\n* Lint"


@pytest.mark.parametrize("message", ["", "\n\n", "\0", "x" * 100_000, "a\r\nb\r\n", "\ud800"])
def test_any_message_can_be_cited(message: str) -> None:
    cited = cite(make_commit(1, message))
    assert len(citation(cited)["excerpt"]) < 1000
    answer("why?", [cited], has_evidence=True)


def test_times_carry_the_author_s_own_offset() -> None:
    assert format_time(make_commit(0, "x")) == "2023-11-14T23:13:20+01:00"


def say(question: str, *messages: str) -> str:
    return answer(question, [cite(make_commit(n, one)) for n, one in enumerate(messages, 1)], has_evidence=True).text


def test_a_body_that_only_tells_what_was_done_states_no_reason() -> None:
    done = "Drop Python 2.7\n\nUpdate setup.py requires and classifiers\n\n* Remove tox envs\n* Fix docs\n\nCloses #12"
    said = answer("why drop 2.7?", [cite(make_commit(1, done))], has_evidence=True)
    assert said.outcome == "no_reason_recorded"
    assert said.text.startswith("Drop Python 2.7 (")


def test_a_merge_that_says_nothing_is_told_by_the_title_below_it() -> None:
    merge = make_commit(1, "Merge pull request #7 from ann/x\n\nPaint it blue")
    said = answer("why blue?", [cite(merge)], has_evidence=True)
    assert (said.outcome, said.text[:15]) == ("no_reason_recorded", "Paint it blue (")


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    body = "Nightly reports lock the table. Otherwise nothing is slow. This makes every request in that window fail."
    assert say("why do requests fail?", f"Raise the timeout\n\n{body}").startswith(
        "Otherwise nothing is slow. This makes"
    )


def test_the_sentences_that_speak_of_the_question_go_first_and_stand_in_the_message_s_order() -> None:
    body = (
        "Colours were wrong because of the palette. The parser failed because it kept state.\n\n"
        "Sockets leaked because nobody closed them."
    )
    said = say("why did sockets leak?", f"Clean up\n\n{body}")
    assert "Sockets leaked because nobody closed them." in said
    assert said.index("Colours") < said.index("Sockets")


def test_a_second_commit_is_quoted_only_where_it_says_more() -> None:
    why = "Retry uploads\n\nUploads fail because proxies drop idle connections."
    assert say("why do uploads fail?", why, why).count("because") == 1
    more = "Retry again\n\nUploads fail twice because the balancer forgets the session."
    assert say("why do uploads fail?", why, more).count("because") == 2


def test_reasons_in_other_languages_are_quoted() -> None:
    assert "weil" in say("warum?", "Socket schliessen\n\nDas Kind erbt den Socket, weil niemand ihn schliesst.")
    assert "\u56e0\u4e3a" in say(
        "\u4e3a\u4ec0\u4e48?",
        "\u5173\u95ed\n\n\u56e0\u4e3a\u5b50\u8fdb\u7a0b\u4f1a\u7ee7\u627f\u5b83\uff0c\u6240\u4ee5\u5148\u5173\u95ed\u3002",
    )


def test_an_excerpt_of_a_body_that_is_long_only_with_its_trailers_keeps_them() -> None:
    body = "word " * 100 + "\n\n" + "Co-authored-by: Ann <ann@example.org>\n" * 10
    assert len(excerpt(make_commit(1, f"Subject\n\n{body}"))) >= 600


def test_an_excerpt_without_spaces_is_cut_all_the_same() -> None:
    assert 600 <= len(excerpt(make_commit(1, "Subject\n\n" + "x" * 5000))) <= 802
