"""Meaning and words as two sides of a running daemon: rolled out, rolled back, compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import Home

from ail_daemon.asking.answering import Answering
from ail_daemon.asking.askparams import AskParams
from ail_daemon.asking.caches import AnswerCaches
from ail_daemon.asking.consistency import Consistency
from ail_daemon.asking.plan import Plan
from ail_daemon.asking.pool import QuestionPool
from ail_daemon.asking.prefetching import Prefetching
from ail_daemon.asking.replies import Asked
from ail_daemon.encoding.encoders import Bulk, ServingEncoder
from ail_daemon.flags import Flags
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Scope
from ail_daemon.repos.repos import Repos
from ail_daemon.services import archaeology
from ail_daemon.settings import Loaded, Settings

pytestmark = pytest.mark.model

BLUE = "why is the start page blue?"
LOW = ("azure landing screen reason", "why do we send again?", "why thirty?", "reports at night")

Ask = Callable[..., Awaitable[dict[str, Any]]]


def serve(
    home: Home, repo: Repository, monkeypatch: pytest.MonkeyPatch, use: Callable[[Flags, Ask], Awaitable[None]]
) -> None:
    """Run the domain in this process, so that its settings can be replaced as `flags` does."""
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)

    async def main() -> None:
        flags = Flags(Loaded(Settings(), {}))
        async with archaeology(flags) as offer:

            async def ask(question: str, **params: Any) -> dict[str, Any]:
                told: dict[str, Any] = await offer.methods["ask"](
                    {"repo": str(repo.path), "question": question, **params}
                )
                return told

            await use(flags, ask)

    asyncio.run(main())


@pytest.mark.slow
def test_after_a_rollback_the_very_next_question_is_lexical_and_after_the_next_change_it_is_not(
    home: Home, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()

    async def use(flags: Flags, ask: Ask) -> None:
        told = [await ask(BLUE), await ask(BLUE), await ask("Why is it that the start page is blue?")]
        flags.current = replace(flags.current, faiss_enabled=False)
        told += [await ask(BLUE), await ask(BLUE), await ask("Why is it that the start page is blue?")]
        flags.current = replace(flags.current, faiss_enabled=True)
        told += [await ask(BLUE)]
        assert [(one["mode"], one["cached"]) for one in told] == [
            ("semantic", None), ("semantic", "exact"), ("semantic", "similar"),
            ("lexical", None), ("lexical", "exact"), ("lexical", None),
            ("semantic", "exact"),
        ]  # fmt: skip
        assert [one["degraded"] is None for one in told] == [True] * 3 + [False] * 3 + [True]
        assert "AIL_FAISS_ENABLED" in told[3]["degraded"]

    serve(home, repo, monkeypatch, use)


@pytest.mark.slow
def test_a_kept_answer_belongs_to_the_bar_it_was_judged_by(
    home: Home, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()

    async def use(flags: Flags, ask: Ask) -> None:
        for bar in (0.0, 1.0):
            flags.current = replace(flags.current, faiss_required_confidence=bar)
            told = [await ask(question) for question in (*LOW, BLUE)]
            assert [one["cached"] for one in told] == [None] * 5
            assert {one["degraded"] for one in told} == {None}  # the surer answer is none the less for its side
            assert bar or {one["mode"] for one in told} == {"semantic"}

    serve(home, repo, monkeypatch, use)


@pytest.mark.slow
def test_half_of_the_questions_go_to_each_side_and_each_stays_there(home: Home, repo: Repository) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()
    questions = [f"why is page {number} blue?" for number in range(24)]
    modes = []
    for _ in range(2):
        with home.daemon(FAISS_ROLLOUT="50", AIL_FAISS_REQUIRED_CONFIDENCE="0"), home.connected() as call:
            replies = [call("ask", repo=str(repo.path), question=question) for question in questions]
            assert {reply["degraded"] for reply in replies} == {None}  # to be on the other side is no fault
            modes.append([reply["mode"] for reply in replies])
            named = call("ask", repo=str(repo.path), question=questions[modes[0].index("lexical")], mode="semantic")
            assert named["mode"] == "semantic"
    assert modes[0] == modes[1]
    assert 6 <= modes[0].count("semantic") <= 18


def check(home: Home, repo: Repository, *options: str) -> tuple[int, dict[str, Any]]:
    done = home.client("check", "consistency", "--repo", str(repo.path), "--json", *options)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_sides_that_find_the_same_commits_are_consistent(home: Home, repo: Repository) -> None:
    home.client("add", str(repo.path), "--wait")
    status, told = check(home, repo, "--sample", "2")
    (one,) = told["repos"]
    assert (status, told["ok"], told["complete"], one["asked"], one["rate"]) == (0, True, True, 2, 1.0)
    assert one["differing"] == []
    shown = home.client("check", "consistency", "--repo", str(repo.path))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{repo.path}: holds, 100 % of 3 subjects agree")


def test_a_question_whose_index_is_replaced_meanwhile_is_answered_by_the_new_one(
    home: Home, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()
    repos = Repos(home.state / "repos")
    (enrolled,) = repos
    opened, taken = enrolled.open_index, []

    def open_and_lose(encoder: Encoder | None) -> RepoIndex:
        taken.append(opened(encoder))
        if len(taken) == 1:
            enrolled.close()
        return taken[-1]

    monkeypatch.setattr(enrolled, "open_index", open_and_lose)
    answering = Answering(
        ServingEncoder(Bulk("all-MiniLM-L6-v2", "prepared", str(home.state / "models"), 1)),
        AnswerCaches.make(0, 0, 1.0),
        Prefetching(repos),
    )
    asked = Asked(
        AskParams(str(repo.path), "why is the start page blue?"),
        enrolled,
        enrolled.place,
        Scope(),
        Plan("lexical", "lexical"),
    )
    pool = QuestionPool(Flags(Loaded(Settings(), {})))
    reply = asyncio.run(pool.run(10.0, lambda: answering.answer(asked)))
    pool.stop()
    assert reply.body["citations"]
    assert len(taken) == 2
    repos.close()


OWN_WORDS = "why was the home screen coloured azure?"
"""None of its words stands in the history: meaning finds the commit, words find none."""


@pytest.mark.slow
def test_questions_that_the_sides_answer_otherwise_are_told(home: Home, repo: Repository) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()
    repos = Repos(home.state / "repos")
    (enrolled,) = repos

    def find(params: AskParams) -> Asked:
        return Asked(params, enrolled, enrolled.place, Scope(), Plan("lexical", "lexical"))

    encoder = ServingEncoder(Bulk("all-MiniLM-L6-v2", "prepared", str(home.state / "models"), 1))
    answering = Answering(encoder, AnswerCaches.make(0, 0, 1.0), Prefetching(repos))
    checking = Consistency(repos, answering, find, lambda _: [{"repo": "", "question": OWN_WORDS}])
    told = asyncio.run(checking.check_consistency({"repo": None, "sample": 4, "timeout": None}))
    repos.close()
    (one,) = told["repos"]
    assert (one["recent"]["asked"], one["recent"]["rate"], one["recent"]["overlap"]) == (1, 0.0, 0.0)
    assert (one["subjects"]["asked"], one["subjects"]["rate"], told["ok"]) == (3, 1.0, True)
    (differing,) = one["differing"]
    assert (differing["question"], differing["semantic"]["sha"]) == (OWN_WORDS, repo.shas["paint"])
    assert differing["lexical"] is None


@pytest.mark.slow
def test_sides_that_cannot_be_compared_do_not_hold_and_say_why(bare_home: Home, repo: Repository) -> None:
    bare_home.client("add", str(repo.path), "--wait")
    status, told = check(bare_home, repo)
    assert status == 1
    assert told["repos"][0]["notice"] == "the sides cannot be compared: model missing"


@pytest.mark.slow
def test_what_is_checked_stands_in_no_log_and_no_file(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_LOG_LEVEL="DEBUG"):
        home.client("add", str(repo.path), "--wait")
        home.client("ask", "--repo", str(repo.path), "why quetzalcoatl?")
        assert check(home, repo)[0] == 0
    assert b"quetzalcoatl" not in b"".join(path.read_bytes() for path in home.directory.rglob("*") if path.is_file())
