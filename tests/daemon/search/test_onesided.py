"""One side alone, and the surer of both."""

from __future__ import annotations

import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.store import hash_text
from ail_daemon.model import Scope
from ail_daemon.search import search
from ail_daemon.search.candidates import Question, gather
from ail_daemon.search.features import Signals, by_meaning, by_words
from ail_daemon.search.ranking import load_model, rank
from ail_daemon.search.search import answer, rank_candidates

MESSAGES = (
    "Retry uploads once because proxies drop idle connections",
    "Paint the start page blue because the designers asked for it",
    "Raise the database timeout because nightly reports lock the ledger",
    "Drop the cache of sessions because it grew without bound",
)
QUESTIONS = ("why retry uploads?", "why is the page blue?", "retrying upload", "cached session", "why tea?")


@pytest.fixture
def filled(index: RepoIndex, encoder: HashEncoder) -> RepoIndex:
    commits = [make_commit(number, message) for number, message in enumerate(MESSAGES, 1)]
    index.change(
        commits=commits,
        embedded=([hash_text(one.message) for one in commits], encoder.encode([one.message for one in commits])),
    )
    index.publish()
    return index


def test_meaning_alone_knows_no_words_and_words_alone_no_meaning() -> None:
    found = {
        1: Signals(cosine=0.8, touches_file=True),
        2: Signals(cosine=0.5, words=3.0, changed=1.0, coverage=2.0, named=1, named_changed=1),
        3: Signals(cosine=0.9),
    }
    assert by_meaning(found) == {1: found[1], 2: Signals(cosine=0.5), 3: found[3]}
    assert by_words(found) == {1: Signals(touches_file=True), 2: found[2]._replace(cosine=None)}


def test_semantic_mode_gives_no_words_as_a_reason(filled: RepoIndex, encoder: HashEncoder) -> None:
    replies = {
        mode: answer(filled, encoder, Question("why retry uploads once because proxies drop?", mode=mode))
        for mode in ("auto", "semantic", "lexical")
    }
    reasons = {mode: set(reply["citations"][0]["reasons"]) for mode, reply in replies.items()}
    assert reasons == {"auto": {"meaning", "words"}, "semantic": {"meaning"}, "lexical": {"words"}}
    assert {mode: reply["mode"] for mode, reply in replies.items()} == {
        "auto": "semantic", "semantic": "semantic", "lexical": "lexical",
    }  # fmt: skip


@pytest.mark.parametrize("text", QUESTIONS)
def test_below_the_bar_the_surer_side_answers(filled: RepoIndex, encoder: HashEncoder, text: str) -> None:
    question = Question(text)
    meaning, _ = rank_candidates(filled, encoder, question)
    gathered = gather(filled, question, encoder.encode([text]))
    words = rank(by_words(gathered.candidates), gathered.asked, load_model(is_semantic=False))
    found, side = rank_candidates(filled, encoder, question, required=1.0)
    assert found.confidence == max(meaning.confidence, words.confidence)
    assert side == ("lexical" if words.confidence > meaning.confidence else "semantic")


def test_at_the_bar_and_above_words_are_not_asked(filled: RepoIndex, encoder: HashEncoder) -> None:
    question = Question("why retry uploads?")
    meaning, _ = rank_candidates(filled, encoder, question)
    assert rank_candidates(filled, encoder, question, required=meaning.confidence) == (meaning, "semantic")


def test_both_outcomes_of_the_bar_are_among_these_questions(filled: RepoIndex, encoder: HashEncoder) -> None:
    sides = {rank_candidates(filled, encoder, Question(text), required=1.0)[1] for text in QUESTIONS}
    assert sides == {"lexical", "semantic"}


def test_where_passages_say_how_sure_an_answer_is_both_sides_stay_together(
    filled: RepoIndex, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 2)  # a long history has four commits then
    sides = {text: rank_candidates(filled, encoder, Question(text), required=1.0)[1] for text in QUESTIONS}
    assert {side for text, side in sides.items() if text.startswith("why ")} == {"semantic"}
    assert "lexical" in sides.values()  # of words that ask nothing the surer side answers still


def test_a_file_is_told_by_its_commits_while_they_are_not_embedded_yet(filled: RepoIndex, encoder: HashEncoder) -> None:
    made = make_commit(9, "Ban the unsafe copies\n\nThey overflow, because nobody counts.", ("banned.h",))
    filled.change(commits=[made])
    filled.publish()
    for text in ("why is this so?", "what is this file for?"):
        told = answer(filled, encoder, Question(text, Scope("banned.h")))
        assert [one["sha"] for one in told["citations"]] == [made.sha]
        assert told["outcome"] == "answered"
