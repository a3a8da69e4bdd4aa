"""The questions of late: bounded, counted, sampled, forgotten."""

from __future__ import annotations

from typing import Any

from ail_daemon.asking.askparams import ASK, AskParams
from ail_daemon.asking.warming import LONGEST_BYTES, RecentQuestions


def make(question: str, repo: str = "/r", **params: Any) -> dict[str, Any]:
    return {"repo": repo, "question": question, "file": None, "timeout": 5.0, "no_cache": False, **params}


def test_a_question_is_described_without_what_concerns_its_call_alone() -> None:
    given = dict.fromkeys(param.name for param in ASK) | {
        "repo": "/r",
        "question": " why? ",
        "lines": [3, 4],
        "limit": 5,
    }
    params = AskParams.parse(given | {"mode": "auto", "timeout": 1.0, "no_cache": True})
    said = {"repo": "/r", "question": "why?", "lines": [3, 4], "limit": 5, "mode": "auto"}
    assert params.describe() == said
    assert AskParams.parse(dict.fromkeys(param.name for param in ASK) | said).describe() == said


def test_the_hottest_come_by_how_often_they_were_asked_then_by_how_lately() -> None:
    recent = RecentQuestions()
    for question in (
        "once",
        "twice before",
        "twice before",
        "thrice",
        "twice after",
        "twice after",
        "thrice",
        "thrice",
    ):
        recent.note(make(question))
    hottest = [params["question"] for params in recent.find_hottest(9)]
    assert hottest == ["thrice", "twice after", "twice before"]
    assert len(recent.find_hottest(2)) == 2


def test_what_was_not_asked_for_the_longest_time_goes_first() -> None:
    recent = RecentQuestions(size=2)
    for question in ("old", "kept", "old", "new"):
        recent.note(make(question))
    assert {params["question"] for params in recent.sample(9)} == {"old", "new"}


def test_a_very_long_question_is_not_kept() -> None:
    recent = RecentQuestions()
    recent.note(make("w" * LONGEST_BYTES))
    assert len(recent) == 0


def test_a_sample_is_no_larger_than_asked_for() -> None:
    recent = RecentQuestions()
    for number in range(20):
        recent.note(make(str(number)))
    assert len({params["question"] for params in recent.sample(7)}) == 7


def test_questions_of_some_directories_are_left_out_or_forgotten() -> None:
    recent = RecentQuestions()
    for repo in ("/a", "/b", "/a/sub"):
        recent.note(make("why?", repo))
        recent.note(make("why?", repo))
    assert [row["repo"] for row in recent.find_hottest(9, among=lambda start: start.startswith("/b"))] == ["/b"]
    assert recent.forget(lambda start: start.startswith("/a")) == 2
    assert [row["repo"] for row in recent.sample(9)] == ["/b"]
    assert recent.forget() == 1
    assert len(recent) == 0
