"""Which repositories are asked in full, and how their replies become one list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ail_daemon.asking.answering import Glance
from ail_daemon.asking.askparams import AskParams
from ail_daemon.asking.everywhere import SEARCHED, _matches, _merge, choose_best
from ail_daemon.asking.plan import Plan
from ail_daemon.asking.replies import Asked
from ail_daemon.model import Scope
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import RepoPlace


def make_asked(tmp_path: Path, name: str) -> Asked:
    root = str(tmp_path / name)
    place = RepoPlace(root, root, root, True)
    return Asked(
        AskParams(root, "why?", limit=4), Repo(tmp_path / name, place), place, Scope(), Plan("lexical", "lexical")
    )


def make_reply(confidence: float, *scores: float, **more: object) -> dict[str, Any]:
    citations = [{"sha": f"{confidence}-{score}", "score": score} for score in scores]
    evidence = [{"sha": one["sha"], "text": "because"} for one in citations]
    reply = {
        "outcome": "answered",
        "answer": f"by {confidence}",
        "confidence": confidence,
        "mode": "semantic",
        "degraded": None,
    }
    return {**reply, "citations": citations, "evidence": evidence, **more}


def choose(tmp_path: Path, *glances: Glance) -> list[int]:
    seen = [(make_asked(tmp_path, str(n)), glance) for n, glance in enumerate(glances)]
    return [int(Path(asked.params.repo).name) for asked in choose_best(seen)]


def test_the_few_with_most_of_both_signals_are_asked(tmp_path: Path) -> None:
    alike = [Glance(0.9 - n / 100, 3.0) for n in range(20)]
    assert choose(tmp_path, *reversed(alike)) == [19, 18, 17, 16, 15][:SEARCHED]
    assert choose(tmp_path, Glance(0.2, 1.0), Glance(0.8, 3.0), Glance(0.6, 3.0)) == [1, 2]
    assert choose(tmp_path, Glance(0.8, 1.4), Glance(0.2, 3.0), Glance(0.7, 2.9)) == [2, 0]


def test_a_repository_without_embeddings_is_rated_by_its_words(tmp_path: Path) -> None:
    assert choose(tmp_path, Glance(0.8, 1.0), Glance(None, 3.0), Glance(None, 0.5)) == [1]
    assert choose(tmp_path, Glance(None, 1.0), Glance(None, 3.0), Glance(None, 2.9)) == [1, 2]


def test_all_that_have_nothing_are_equals(tmp_path: Path) -> None:
    assert choose(tmp_path, Glance(0.0, 0.0), Glance(None, 0.0)) == [0, 1]
    assert choose(tmp_path) == []


def test_citations_are_in_one_list_by_confidence_and_named(tmp_path: Path) -> None:
    first, second = make_asked(tmp_path, "first"), make_asked(tmp_path, "second")
    replies = [(first, make_reply(0.5, 10.0, 9.0)), (second, make_reply(0.8, 2.0, 1.0, 0.2))]
    wire = _merge(replies, first.params)
    assert (wire["answer"], wire["confidence"], wire["repo"]) == ("by 0.8", 0.8, None)
    shown = [(Path(one["repo"]).name, one["score"]) for one in wire["citations"]]
    assert shown == [("second", 2.0), ("first", 10.0), ("first", 9.0), ("second", 1.0)]
    assert {(one["repo"], one["sha"]) for one in wire["evidence"]} == {
        (one["repo"], one["sha"]) for one in wire["citations"]
    }


def test_where_nothing_was_found_the_reply_says_so(tmp_path: Path) -> None:
    wire = _merge([], make_asked(tmp_path, "a").params)
    assert (wire["outcome"], wire["citations"], wire["confidence"]) == ("no_evidence", [], 0.0)


def test_a_pattern_fits_the_path_or_the_directory_s_name(tmp_path: Path) -> None:
    repo = make_asked(tmp_path, "library.git").repo
    fitting = [
        pattern
        for pattern in ("lib*", "library", "library.git", f"{tmp_path}/*", "brary", "*x")
        if _matches(repo, pattern)
    ]
    assert fitting == ["lib*", "library", "library.git", f"{tmp_path}/*"]
