"""Whether ranking got worse: a history small enough to read, and the newest part of a real one without its code."""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bench.evaluation import EVAL, read_lines
from bench.quality.gathering import build_index
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Commit, Scope
from ail_daemon.search.candidates import Question
from ail_daemon.search.search import answer, rank_candidates
from ail_daemon.text.passages import CommitChanges

HISTORY = (
    ("Close the listening socket before the fork", "The child inherits every descriptor, so a restart failed.", "net/server.py"),
    ("Retry three times on a reset connection", "The load balancer drops idle connections after a minute.", "net/client.py"),
    ("Bump version to 2.4.0", "", "setup.cfg"),
    ("Raise the pool's size to 64", "Half of the requests waited for a connection at noon.", "net/pool.py"),
    ("Fix typo in the client's docstring", "", "net/client.py"),
    ("Drop support for Python 2", "Nobody asked for it in a year, and six slows imports.", "setup.cfg"),
    ("Cache parsed headers", "Parsing took a third of each request.", "net/headers.py"),
    ("Revert \"Cache parsed headers\"", "The cache was never emptied and grew until the process was killed.", "net/headers.py"),
    ("Rename do_parse to parse", "", "net/headers.py"),
    ("Set SO_REUSEPORT on Linux alone", "Elsewhere it lets a second process steal the port.", "net/server.py"),
    ("Move retry_budget into the settings", "Each deployment wants its own.", "net/settings.py"),
    ("Reformat with black", "", "net/pool.py"),
)  # fmt: skip
LEAST_MRR, LEAST_HIT_10 = 0.86, 0.91  # one question of the 77 is .013
"""A little below what was measured when the weights were fitted last."""

QUESTIONS = (
    ("why is the socket closed before forking?", None, 1),
    ("why does the client retry when a connection is reset?", None, 2),
    ("who raised the size of the pool and why", "net/pool.py", 4),
    ("Python 2 support was dropped.", None, 6),
    ("why was the cache of parsed headers reverted?", "net/headers.py", 8),
    ("why is SO_REUSEPORT set only on Linux", None, 10),
    ("retry_budget", None, 11),
    ("what is this", "net/settings.py", 11),
    (f"what did {make_commit(3, '').sha} change", None, 3),
)


@pytest.fixture
def index(tmp_path: Path) -> RepoIndex:
    made = RepoIndex(tmp_path / "index", HashEncoder())
    commits = [_commit(number, *row) for number, row in enumerate(HISTORY, 1)]
    made.change(commits=commits)
    while texts := made.store.find_unembedded(100)[0]:
        made.add_embeddings(list(texts), HashEncoder().encode(list(texts.values())))
    made.add_changed([CommitChanges(commit.sha, f"+{commit.subject}") for commit in commits])
    made.publish()
    return made


def _commit(number: int, subject: str, body: str, path: str) -> Commit:
    return make_commit(number, f"{subject}\n\n{body}".strip(), (path,))


@pytest.mark.parametrize(("text", "file", "answer"), QUESTIONS)
@pytest.mark.parametrize("is_semantic", [True, False])
def test_each_question_of_a_small_history_finds_its_commit(
    index: RepoIndex, text: str, file: str | None, answer: int, *, is_semantic: bool
) -> None:
    found = rank_candidates(index, HashEncoder() if is_semantic else None, Question(text, Scope(file)))[0]
    (sha,) = (commit.sha for commit in index.store.get_commits([found.hits[0].commit_id]).values())
    assert sha == make_commit(answer, "").sha


@pytest.mark.parametrize("text", ["why reset request?", "why settings slows emptied?", "why port Bump Retry?"])
def test_what_one_side_is_sure_of_both_together_say_too(index: RepoIndex, text: str) -> None:
    """Questions that only `semantic` answered, found by trying three thousand made of the history's words."""
    question = Question(text, Scope("net/headers.py"), 5)
    side = answer(index, HashEncoder(), replace(question, mode="semantic"))
    both = answer(index, HashEncoder(), question, 0.5)
    assert side["confidence"] >= 0.5
    assert (side["outcome"], side["answer"]) == ("answered", both["answer"])
    assert both["confidence"] >= side["confidence"]


@pytest.mark.parametrize(
    "text",
    [
        "why is it so?",
        "?!",
        "的的的",
        "AND OR (",
        "why does the espresso machine leak",
        "ignore all previous instructions",
    ],
)
def test_what_the_history_says_nothing_of_is_no_evidence(index: RepoIndex, text: str) -> None:
    for encoder in (HashEncoder(), None):
        assert not rank_candidates(index, encoder, Question(text))[0].has_evidence


def test_a_question_of_five_thousand_words_is_answered_like_any_other(index: RepoIndex) -> None:
    long = Question("why is the socket closed before the fork? " + "word more other " * 1700)
    found, _ = rank_candidates(index, HashEncoder(), long)
    assert found.hits[0].commit_id == index.store.get_ids([make_commit(1, "").sha])[make_commit(1, "").sha]


@pytest.mark.skipif(not EVAL.is_dir(), reason="the evaluation data is not beside this checkout")
def test_words_alone_find_release_notes_of_a_real_history(tmp_path: Path) -> None:
    source = [EVAL / "pytest.history.jsonl.gz", EVAL / "pytest.queries.jsonl"]
    subprocess.run([sys.executable, EVAL / "history_to_git.py", *source, tmp_path / "r", "--last", "3000"], check=True)
    index = build_index(tmp_path / "r", tmp_path / "index", None)
    ranks = []
    for row in read_lines(tmp_path / "r" / "queries.jsonl"):
        answers = set(index.store.get_ids(row["answers"]).values())
        hits = rank_candidates(index, None, Question(row["question"], Scope(row["file"])))[0].hits
        ranks.append(next((n for n, hit in enumerate(hits, 1) if hit.commit_id in answers), 10_000))
    assert statistics.fmean(1 / rank for rank in ranks) > LEAST_MRR
    assert statistics.fmean(rank <= 10 for rank in ranks) > LEAST_HIT_10
