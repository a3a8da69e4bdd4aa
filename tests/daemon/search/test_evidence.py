"""Evidence: a reason that a commit wrote anywhere is found by its place and by words, judged, and quoted as it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.daemon.index.making import HashEncoder
from tests.daemon.search.conftest import HISTORY, REASON, Indexed, shell

from ail_daemon.model import Mode, Scope
from ail_daemon.search import quoting, search
from ail_daemon.search.candidates import Question, gather
from ail_daemon.search.evidence import Found
from ail_daemon.search.features import Signals
from ail_daemon.search.folding import Folder
from ail_daemon.search.judging import COLUMNS, Sureness, build_columns, find_counterpart, lean, load_judge
from ail_daemon.search.quoting import Quotes, find_quotes
from ail_daemon.search.ranking import Hit, Ranked
from ail_daemon.search.search import answer
from ail_daemon.text.passages import Passage

__all__ = ["shell"]

BOTH = """
    git init -q r; cd r
    printf 'import net\\n\\ndef stop(peer):\\n    peer.close()\\n' > peer.py; git add -A; commit -m 'Stop peers (#64)'
    sed -i '4i\\    # We wait here, because the peer may still send its last frame.\\n    peer.wait()' peer.py
    git add -A; commit -m 'Wait before peers are closed

Orders were lost in the field, because the wait was missing and their last frame came too late.'
"""


def test_the_comment_above_the_asked_line_is_the_evidence_with_its_place_then_and_now(ask: Any) -> None:
    reply = ask("why is this wait needed?", "peer.py", 5)
    first = reply["evidence"][0]
    assert (first["text"], first["kind"], first["path"]) == (REASON, "comment", "peer.py")
    assert (first["line"], first["line_now"], first["is_current"], first["is_removed"]) == (4, 4, True, False)
    assert reply["citations"][0]["subject"] == "Tune stopping"
    assert (reply["outcome"], REASON in reply["answer"]) == ("answered", True)


def test_a_citation_says_what_fits_the_question_best_wherever_its_commit_wrote_it(ask: Any) -> None:
    said = {one["subject"]: one for one in ask("are uploads cut, and is a slow disk the cause?")["citations"]}
    limits = said["Write limits down"]
    assert limits["sentence"] == "Uploads are cut at ten megabytes so that a slow disk cannot fill the queue."
    assert limits["excerpt"] == limits["sentence"]  # its message is a title alone


def test_in_a_small_history_a_title_alone_is_told_by_the_page_that_its_commit_wrote(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = replace(load_judge(), bars=np.ones(3))
    monkeypatch.setattr(quoting, "load_judge", lambda: unsure)
    reply = ask("why are limits of uploads written down?")
    assert reply["outcome"] == "answered"
    assert reply["answer"].startswith("Uploads are cut at ten megabytes so that a slow disk cannot fill the queue.")
    assert [one["path"] for one in reply["evidence"] if one["is_quoted"]] == ["limits.md"]


def test_of_a_commit_that_is_sure_to_be_meant_and_tells_nothing_that_is_said(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 1)  # as in a long history
    monkeypatch.setattr(search, "_SURE_OF_COMMIT", 0.2)
    reply = ask("why was the other module added?")
    assert (reply["outcome"], reply["confidence"] < 0.5) == ("no_reason_recorded", True)
    assert reply["answer"].startswith("Add the other module (")
    assert reply["citations"][0]["subject"] == "Add the other module"
    assert not any(one["is_quoted"] for one in reply["evidence"])
    for question in ("why are limits of uploads on a disk written down?", "why is it tuned to wait before stopping?"):
        assert ask(question)["outcome"] != "no_reason_recorded", question  # a page, a comment tells


@pytest.mark.parametrize("ask", [BOTH], indirect=True)
def test_what_the_message_says_is_quoted_beside_the_comment_that_the_asker_sees(ask: Any) -> None:
    reply = ask("why is this wait needed?", "peer.py", 5)
    quoted = [one for one in reply["evidence"] if one["is_quoted"]]
    assert {one["kind"] for one in quoted} == {"comment", "message"}
    assert quoted == reply["evidence"][:2]
    assert reply["answer"].count(f"({reply['citations'][0]['sha'][:10]})") == 2
    assert REASON in reply["answer"]
    assert "Orders were lost in the field" in reply["answer"]


def test_a_commit_that_says_nothing_further_is_quoted_once(ask: Any) -> None:
    reply = ask("why is this wait needed?", "peer.py", 5)
    assert [one["is_quoted"] for one in reply["evidence"]].count(True) == 1
    assert "Tune stopping" not in reply["answer"]


def test_a_reason_that_only_a_page_has_is_found_by_its_words(ask: Any) -> None:
    reply = ask("why are uploads cut at ten megabytes?")
    assert [one["kind"] for one in reply["evidence"][:1]] == ["docs"]
    assert "so that a slow disk cannot fill the queue" in reply["evidence"][0]["text"]


@pytest.mark.parametrize(("file", "line"), [("peer.py", 5), ("peer.py", None), ("other.py", 1)])
def test_a_place_alone_is_never_met_with_silence(ask: Any, file: str, line: int | None) -> None:
    reply = ask("why is this so?", file, line)
    assert reply["outcome"] in ("answered", "no_reason_recorded")
    assert reply["citations"]


@pytest.fixture
def judging_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Judge as in a long history: so sure is the ranker *of_commit*, its first, so likely do its passages hold the reason."""
    find, quote = search._find, quoting.find_quotes

    def judge(of_commit: float, of_reason: float) -> None:
        def found(*asked: Any) -> Any:
            terms, ranked, side = find(*asked)
            return terms, replace(ranked, confidence=of_commit, has_evidence=False), side

        def quoted(*asked: Any) -> Quotes:
            return replace(quote(*asked), probability=of_reason, is_sure=of_reason >= 0.3)

        monkeypatch.setattr(search, "_SMALL", 0)
        monkeypatch.setattr(search, "_find", found)
        monkeypatch.setattr(search, "find_quotes", quoted)

    return judge


def test_a_commit_that_the_ranker_is_sure_of_is_offered_though_nothing_in_it_is_the_reason(
    ask: Any, judging_by: Callable[[float, float], None]
) -> None:
    judging_by(0.8, 0.01)
    reply = ask("why are uploads cut at ten megabytes?")
    assert (reply["outcome"], reply["confidence"]) == ("no_evidence", 0.01)
    assert reply["citations"][0]["subject"] == "Write limits down"


def test_a_reason_of_a_commit_that_has_nothing_to_do_with_the_question_is_none(
    ask: Any, judging_by: Callable[[float, float], None]
) -> None:
    judging_by(0.01, 0.5)
    reply = ask("why are uploads cut at ten megabytes?")
    assert (reply["outcome"], reply["confidence"], reply["citations"]) == ("no_evidence", 0.01, [])


def test_what_is_near_is_told_however_little_of_the_history_is_read(
    ask: Any, judging_by: Callable[[float, float], None]
) -> None:
    judging_by(0.8, 0.01)
    assert ask("why are uploads cut at ten megabytes?", share_read=0.01)["citations"]


def test_of_a_file_that_is_named_its_nearest_commits_are_told_whatever_is_asked(
    ask: Any, judging_by: Callable[[float, float], None]
) -> None:
    judging_by(0.01, 0.01)
    reply = ask("why does the carburettor leak?", "peer.py")
    assert reply["outcome"] == "no_evidence"
    assert {one["subject"] for one in reply["citations"]} == {"Tune stopping", "Stop peers (#64)"}


def test_where_nothing_answers_a_question_about_lines_their_own_commits_are_the_nearest(
    ask: Any, judging_by: Callable[[float, float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_by(0.01, 0.01)
    monkeypatch.setattr(search, "reorder", lambda hits, _: sorted(hits, key=lambda hit: hit.signals.touches_lines))
    reply = ask("why are limits of uploads on a slow disk so?", "peer.py", 5)
    assert (reply["outcome"], reply["citations"][0]["subject"]) == ("no_evidence", "Tune stopping")
    assert "Write limits down" in [one["subject"] for one in reply["citations"]]


COPIED = """
    git init -q r; cd r
    echo 1 > a; git add -A; commit -m 'Begin'; git branch old
    echo 'stop' > peer.py; git add -A; commit -m 'Wait for peers

They may still send their last frame, and nobody knows when.'
    git checkout -q old; echo 2 > b; git add -A; commit -m 'Number'; git cherry-pick main >&2
    git checkout -q main
"""


@pytest.mark.parametrize("aside", ["old", "main", None])
def test_copies_of_one_change_that_its_passages_bring_up_are_cited_once(
    shell: Any, indexed: Indexed, aside: str | None
) -> None:
    shell(COPIED)
    index = indexed("r")
    of = {
        name: index.store.get_ids([shell(f"cd r; git rev-parse {name}").strip()]).popitem()[1]
        for name in ("main", "old", "old~1")
    }
    question = Question("why?", Scope(), 5, "auto", aside=frozenset([of[aside]] if aside else []))
    hits = [Hit(of[name], 0.1, Signals()) for name in ("old", "old~1", "main")]
    quotes = Quotes(tuple(Found(hit.commit_id, Passage("message", REASON)) for hit in hits))
    kept = [hit.commit_id for hit in search._drop_copies(Folder(index.store, question.aside), question, hits, quotes)]
    assert kept == [of["main" if aside == "old" else "old"], of["old~1"]]


PASSING = """
    git init -q r; cd r
    echo 1 > a.py; git add -A; commit -m 'Begin'
    echo 2 > a.py; git add -A; commit -m 'Enable profiling when a tag is set

To write the profiles at the end, util.Exit is to be used instead of os.Exit, because os.Exit ends the program before they are.'
"""


@pytest.mark.parametrize("ask", [PASSING], indirect=True)
def test_a_commit_that_adds_something_may_say_why_another_thing_is_forbidden(ask: Any) -> None:
    assert "before they are" in ask("why is os.Exit forbidden?")["answer"]


def test_an_issue_s_number_names_the_commit_that_mentions_it(ask: Any) -> None:
    reply = ask("why #64?")
    assert (reply["citations"][0]["subject"], reply["outcome"]) == ("Stop peers (#64)", "no_reason_recorded")
    assert ask("why #6?")["outcome"] == "no_evidence"


DARK = """
    git init -q r; cd r
    echo 1 > theme.py; git add -A; commit -m 'Begin with themes'
    echo 2 > theme.py; git add -A; commit -m 'Add dark mode

The night shift asked for dark mode, because the white screen hurts in a dark room.'
    echo 3 > clock.py; git add -A; commit -m 'Show the time'
"""
DROPPED = """
    echo 4 > theme.py; git add -A; commit -m 'Drop dark mode

Two alarms were missed, because the projector showed a black rectangle.'
"""
QUESTIONS = ("why was dark mode removed?", "why is there no dark mode any more?")


def test_a_small_history_answers_nothing_that_it_is_hardly_sure_of(shell: Any, indexed: Indexed) -> None:
    """Embeddings by chance make it less sure of the commit that words find."""
    shell(DARK + DROPPED)
    reply = answer(indexed("r"), HashEncoder(), Question(QUESTIONS[0], Scope()))
    assert 0.03 < reply["confidence"] < 0.12
    assert (reply["outcome"], reply["answer"]) == ("no_evidence", "")
    assert reply["citations"][0]["subject"] == "Drop dark mode"


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("file", "aside"), [(None, []), ("theme.py", []), (None, [1])])
def test_what_took_a_thing_away_is_asked_for_and_not_what_added_it(
    shell: Any, indexed: Indexed, question: str, file: str | None, aside: list[int]
) -> None:
    """Also where there are commits of other branches, which are put behind those of HEAD by score."""
    shell(DARK + DROPPED)
    reply = answer(indexed("r"), HashEncoder(), Question(question, Scope(file), aside=frozenset(aside)))
    assert reply["citations"][0]["subject"] == "Drop dark mode"
    assert "night shift" not in reply["answer"]
    assert "Two alarms were missed" in (reply["answer"] or reply["citations"][0]["sentence"])


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("mode", ["auto", "semantic", "lexical"])
def test_a_thing_that_was_only_added_was_not_taken_away(
    shell: Any, indexed: Indexed, question: str, mode: Mode
) -> None:
    shell(DARK)
    reply = answer(indexed("r"), HashEncoder(), Question(question, Scope(), mode=mode))
    assert (reply["outcome"], reply["answer"]) == ("no_evidence", "")


def test_the_judge_weighs_every_row_apart_and_its_probability_grows_with_worth() -> None:
    judge = load_judge()
    near = Found(1, Passage("comment", REASON, "peer.py", 4, worth=2), 0, 0.6, distance=1, of_lines=1.0, overlap=0.4)
    far = Found(2, Passage("message", "Tidy up.", None, 3), 9, 0.01)
    columns = build_columns([near, far], 2)
    assert columns.shape == (2, len(COLUMNS))
    weights = judge.weigh(columns)
    assert weights[0] > weights[1]
    assert np.allclose(judge.weigh(columns[::-1]), weights[::-1])
    low, high = (judge.get_probability(Sureness(worth, 1.0, 0.0, 2)) for worth in (-4.0, 2.0))
    assert 0 < low < high < 1


def test_a_second_passage_of_the_first_commit_is_quoted_where_it_stands_elsewhere_or_is_as_good() -> None:
    def find(*others: tuple[int, str, int, float]) -> int | None:
        first = Found(1, Passage("comment", REASON, "peer.py", 4, worth=2))
        found = [first, *(Found(of, Passage(kind, REASON, worth=worth)) for of, kind, worth, _ in others)]  # type: ignore[arg-type]
        return find_counterpart(found, np.array([0.0, *(weight for *_, weight in others)]))

    assert find((2, "message", 2, -0.1), (1, "message", 1, -1.9)) == 2
    assert find((1, "message", 1, -2.1)) is None
    assert find((1, "message", 0, -0.1)) is None
    assert find((1, "comment", 2, -0.5), (1, "message", 1, -1.0)) == 2
    assert find((1, "comment", 2, -0.5), (1, "message", 1, -3.0)) == 1
    assert find((1, "docs", 2, -0.7)) is None


def test_what_head_does_not_reach_loses_and_the_ranker_s_sure_first_gains_where_no_lines_are_asked_about() -> None:
    found = [Found(commit_id, Passage("message", REASON)) for commit_id in (1, 2, 3)]
    assert lean(found, 0, 2, 0.49).tolist() == [0, 0, 0]
    sure = lean(found, 0, 2, 0.5, aside={3}).tolist()
    assert sure[2] < sure[0] == 0 < sure[1]
    assert lean(found, 2, 2, 0.9, aside={2, 3}).tolist() == [0, sure[2], sure[2]]
    assert lean(found, 0, None, 0.0).tolist() == [0, 0, 0]
    of_file = [found[0], found[1]._replace(touches_file=True)]
    elsewhere, there = lean(of_file, 1, None, 0.0).tolist()
    assert elsewhere < there == 0
    assert lean(of_file, 0, None, 0.0).tolist() == lean(of_file, 2, None, 0.0).tolist() == [0, 0]


@pytest.mark.parametrize("is_aside", [False, True])
def test_a_passage_of_another_branch_comes_behind_one_as_good_of_this_one(
    shell: Any, indexed: Indexed, is_aside: bool
) -> None:
    why = "Peers may still send their last frame, and nobody knows when it comes."
    shell(f"""
        git init -q r; cd r
        echo 1 > a; git add -A; commit -m 'Begin'; git branch old
        echo 2 > peer; git add -A; commit -m 'Wait for peers on this branch\n\n{why}'
        git checkout -q old; echo 3 > host; git add -A; commit -m 'Wait for peers on that branch\n\n{why}'
        git checkout -q main
    """)
    index = indexed("r")
    of = {
        name: index.store.get_ids([shell(f"cd r; git rev-parse {name}").strip()]).popitem()[1]
        for name in ("main", "old")
    }
    aside = frozenset([of["main" if is_aside else "old"]])
    hits = [Hit(of[name], 0.5, Signals()) for name in ("main", "old")]
    question = Question("why wait for peers?", Scope(), 5, "auto", aside=aside)
    asked = gather(index, question, None).asked
    quotes = find_quotes(index, question, asked, Ranked(hits, 0.1), None)
    assert quotes.found[0].commit_id == of["old" if is_aside else "main"]


@pytest.mark.parametrize("has_model", [True, False])
@pytest.mark.parametrize(
    ("subject", "outcome"), [("Write limits down", "answered"), ("Add the other module", "no_reason_recorded")]
)
def test_a_commit_that_is_only_pointed_at_is_told(
    shell: Any, indexed: Indexed, subject: str, outcome: str, has_model: bool
) -> None:
    shell(HISTORY)
    index = indexed("r")
    sha = shell(f"cd r; git log --format=%H --grep '^{subject}$'").strip()
    ids = frozenset(index.store.get_ids([sha]).values())
    for text in ("why is this so?", "why?", "why this code?"):
        question = Question(text, Scope(), named=ids, among=ids)
        reply = answer(index, HashEncoder() if has_model else None, question)
        assert (reply["outcome"], [one["sha"] for one in reply["citations"]]) == (outcome, [sha])
    reply = answer(index, HashEncoder(), Question("why does the kestrel fly?", Scope(), named=ids, among=ids))
    assert reply["outcome"] == "no_evidence"


def test_the_last_bit_of_a_sum_decides_nothing() -> None:
    passage = Passage("changelog", "Requests share one context because two were confused.", "CHANGES", 8, worth=2)
    judge = load_judge()

    def weigh(coverage: float) -> float:
        found = Found(1, passage, 0, 0.8, 0.7, coverage, coverage, worth=2, cosine=0.7)
        return float(judge.weigh(build_columns([found], 0))[0])

    assert weigh(1 - 1e-12) == weigh(1.0) == weigh(1 + 1e-12)
