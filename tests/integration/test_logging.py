"""What a daemon writes to its log while it answers, at its most talkative: who asked what is nowhere in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import PAINT, RETRY, TIMEOUT, Repository
from tests.running import Calling, Home

from ail_rpc.errors import AilError

pytestmark = pytest.mark.model

QUESTIONS = ("why is the start page blue?", "why do we retry an upload?", "what of the elephants in the ledger?")
TOKEN = "ghp_averyprivatetoken"  # noqa: S105 - nobody's


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def use_everything(call: Calling, repo: Repository) -> list[dict[str, Any]]:
    """Ask in every way, well and badly; return the replies."""
    path = str(repo.path)
    replies = [call("ask", repo=path, question=question) for question in (*QUESTIONS, *QUESTIONS)]
    replies.append(
        call("ask", repo=path, question="why blue?", file="page.css", lines=[1, 1], author="Ann", mode="lexical")
    )
    replies.append(call("related", repo=path, files=["upload.py", "db.py"]))
    call("show", repo=path, sha=repo.shas["paint"])
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("ask", {"repo": path, "question": "why the walrus?", "since": "walrusday"}),
        ("ask", {"repo": path, "question": "why?", "file": "walrus.py"}),
        ("show", {"repo": path, "sha": "deadbeef"}),
        ("ask", {"repo": "/walrus", "question": "why?"}),
        ("walrus", {"walrus": "walrus"}),
    ]
    for method, params in wrong:
        with pytest.raises(AilError):
            call(method, **params)
    return replies


def test_the_log_has_an_id_and_figures_for_every_request_and_nothing_of_what_was_said(
    home: Home, repo: Repository
) -> None:
    log = home.directory / "ail.log"
    with (
        home.daemon(AIL_LOG_LEVEL="DEBUG", AIL_LOG_FILE=str(log), GITHUB_TOKEN=TOKEN) as _,
        home.connected() as call,
    ):
        call("repo.add", repo=str(repo.path))
        key = call.wait_complete(str(repo.path))["repo"]
        replies = use_everything(call, repo)
    requests = [line for line in read_lines(log) if line["event"] == "request"]
    assert all({"request_id", "method", "outcome", "duration_ms"} <= line.keys() for line in requests)
    assert len({line["request_id"] for line in requests}) == len(requests)
    answered = [line for line in requests if line["method"] == "ask" and line["outcome"] == "done"]
    assert [(line["mode"], line["tier"], line["count"], line["repo_id"]) for line in answered] == [
        (reply["mode"], reply["cached"] or "none", len(reply["citations"]), key) for reply in replies if "mode" in reply
    ]
    assert len([line for line in requests if line["outcome"] == "failed"]) == 5
    assert {line.get("repo_id") for line in requests if line["method"] in ("repo.add", "related")} == {key}
    assert not find_leaks(log.read_text(), repo, replies)


def find_leaks(written: str, repo: Repository, replies: list[dict[str, Any]]) -> list[str]:
    """Return what of the questions, answers, messages, names, paths and tokens stands in the log."""
    messages = [word for text in (PAINT, RETRY, TIMEOUT) for word in text.split() if len(word) > 6]
    asked = [word for question in QUESTIONS for word in question.split() if len(word) > 4]
    answers = [reply["answer"] for reply in replies if reply.get("answer")]
    cited = [
        text for reply in replies for one in reply["citations"] for text in (one["sha"], one["subject"], one["author"])
    ]
    paths = [str(repo.path), repo.path.name + "/", "page.css", "upload.py", "db.py"]
    outside = {*QUESTIONS, *messages, *asked, *answers, *cited, *paths, "walrus", "deadbeef", "Ann Author", TOKEN}
    ours = {"request", "start"}  # words of the log itself
    return sorted(text for text in outside - ours if text in written)
