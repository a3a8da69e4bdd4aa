"""One reply of several repositories: whose comes first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ail_daemon.asking.everywhere import _merge


def make_reply(root: str, outcome: str, confidence: float) -> tuple[Any, dict[str, Any]]:
    asked = SimpleNamespace(repo=SimpleNamespace(place=SimpleNamespace(root=root)))
    citation = {"sha": root, "score": 0.9}
    return asked, {
        "outcome": outcome, "answer": root, "confidence": confidence, "mode": "semantic", "degraded": None,
        "citations": [citation], "evidence": [],
    }  # fmt: skip


def merge(*replies: tuple[Any, dict[str, Any]]) -> list[str]:
    reply = _merge(list(replies), SimpleNamespace(limit=5, question="why?"))  # type: ignore[arg-type]
    return [reply["answer"], *(citation["repo"] for citation in reply["citations"])]


def test_the_surest_answer_comes_first() -> None:
    assert merge(make_reply("/a", "answered", 0.4), make_reply("/b", "answered", 0.8)) == ["/b", "/b", "/a"]


def test_a_commit_that_is_surely_meant_comes_before_what_is_merely_near() -> None:
    near, found = make_reply("/near", "no_evidence", 0.3), make_reply("/found", "no_reason_recorded", 0.05)
    assert merge(near, found, make_reply("/sure", "answered", 0.7)) == ["/sure", "/sure", "/found", "/near"]
