"""Every setting takes effect on a running daemon, and no request is lost over it."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.rollback import Seen, ask_and_switch, make_repository
from tests.integration.conftest import Repository
from tests.running import Calling, Home, sealed_home
from tests.tools import one_fast

from ail_daemon.encoding.prepared import DEFAULT_MODEL, find_prepared, save_prepared
from ail_rpc.errors import AilError, OutOfTimeError, UsageError

pytestmark = pytest.mark.model

RETRY = "why are uploads retried?"


@pytest.fixture
def call(home: Home, repo: Repository) -> Iterator[Calling]:
    """A connection to a daemon that has indexed *repo*."""
    with home.daemon(), home.connected() as connected:
        connected("repo.add", repo=str(repo.path))
        connected.wait_complete(str(repo.path))
        yield connected


def ask(call: Calling, repo: Repository, question: str = RETRY, **params: Any) -> dict[str, Any]:
    reply: dict[str, Any] = call("ask", 60, repo=str(repo.path), question=question, **params)
    return reply


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def write_settings(home: Home, text: str) -> None:
    file = home.directory / "config" / "ail" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def get_flags(call: Calling) -> dict[str, Any]:
    return {flag["name"]: flag["value"] for flag in call("flags")["flags"]}


def test_the_very_next_question_after_rollback_is_answered_by_words_also_one_that_is_cached(
    call: Calling, repo: Repository
) -> None:
    assert ask(call, repo)["mode"] == ask(call, repo)["mode"] == "semantic"
    call("flags", set={"faiss_enabled": "false"})
    assert (ask(call, repo)["mode"], ask(call, repo, "what about the blue page?")["mode"]) == ("lexical", "lexical")
    call("flags", set={"faiss_enabled": "true"})
    assert ask(call, repo)["mode"] == "semantic"


@pytest.mark.slow
def test_rollback_under_load_loses_nothing_and_lets_nothing_through(home: Home, tmp_path: Path) -> None:
    make_repository(tmp_path / "repo", 40)
    seen = Seen()
    with home.daemon() as daemon:
        ask_and_switch(home, daemon, tmp_path / "repo", 600, seen)
    assert (seen.asked, dict(seen.lost), seen.wrong) == (600, {}, 0)
    assert set(seen.modes) == {"semantic", "lexical"}
    assert seen.count_late() == seen.disobeyed == 0


@pytest.mark.slow
def test_a_sighup_amid_a_hundred_questions_loses_none_and_what_is_wrong_is_told(home: Home, repo: Repository) -> None:
    with home.daemon() as daemon, home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        replies: list[dict[str, Any]] = []

        def ask_many() -> None:
            with home.connected() as own:
                replies.extend(ask(own, repo, no_cache=bool(n % 2)) for n in range(25))

        asking = [threading.Thread(target=ask_many) for _ in range(4)]
        for thread in asking:
            thread.start()
        turn = 0
        while any(thread.is_alive() for thread in asking):
            turn += 1
            write_settings(home, f"ail_cache_size = {turn}\n" if turn % 2 else "ail_cache_size = \n")
            daemon.send_signal(signal.SIGHUP)
            wait_until(lambda: (call("status")["notice"] is None) == bool(turn % 2))  # noqa: B023 - called at once
        assert len(replies) == 100
        assert all(reply["outcome"] == "answered" for reply in replies)
        assert get_flags(call)["AIL_CACHE_SIZE"] == (turn if turn % 2 else turn - 1)


@pytest.mark.parametrize("value", ["101", "-1", "abc", ""])
def test_a_wrong_value_is_refused_and_answers_go_on_as_before(call: Calling, repo: Repository, value: str) -> None:
    with pytest.raises(UsageError, match="FAISS_ROLLOUT must be a whole number from 0 to 100"):
        call("flags", set={"faiss_enabled": "false", "FAISS_ROLLOUT": value})
    assert get_flags(call)["AIL_FAISS_ENABLED"] is True
    assert ask(call, repo)["mode"] == "semantic"


@pytest.mark.slow
def test_a_model_that_is_not_prepared_is_refused_and_the_one_before_answers(call: Calling, repo: Repository) -> None:
    with pytest.raises(UsageError) as refused:
        call("flags", set={"model": "no-such-model"})
    assert "ail-daemon model prepare no-such-model" in refused.value.hint
    assert ask(call, repo)["mode"] == "semantic"


@pytest.mark.slow
def test_another_model_takes_over_while_questions_go_on(models: Path, repo: Repository, tmp_path: Path) -> None:
    add_smaller_model(models, tmp_path / "models")
    with sealed_home(tmp_path / "models") as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        before = call("status")["model"]
        found: list[dict[str, Any]] = []
        done = threading.Event()

        def ask_on() -> None:
            with home.connected() as own:
                while not done.is_set():
                    found.append(ask(own, repo, no_cache=True))

        asking = threading.Thread(target=ask_on)
        asking.start()
        call("flags", set={"model": "smaller"})
        wait_until(lambda: bool(call("status")["model"] != before))
        call.wait_complete(str(repo.path))
        call("flags", set={"model": DEFAULT_MODEL})
        wait_until(lambda: bool(call("status")["model"] == before))
        call.wait_complete(str(repo.path))
        done.set()
        asking.join()
        assert {reply["outcome"] for reply in found} == {"answered"}
        assert {reply["citations"][0]["sha"] for reply in found} == {repo.shas["retry"]}
        reply = ask(call, repo, no_cache=True)
        assert (reply["mode"], reply["degraded"]) == ("semantic", None)


@pytest.mark.slow
def test_refs_that_no_longer_count_are_no_longer_found(call: Calling, repo: Repository) -> None:
    repo.git("checkout", "-q", "--detach")
    sha = repo.commit("Dim the lamp because moths came to it", lamp="1")
    repo.git("tag", "night")
    repo.git("checkout", "-q", "main")
    wait_until(lambda: sha in str(ask(call, repo, "why is the lamp dimmed?")))
    call("flags", set={"refs": "branches"})
    wait_until(lambda: sha not in str(ask(call, repo, "why is the lamp dimmed?")))
    call("flags", set={"refs": "branches,tags"})
    wait_until(lambda: sha in str(ask(call, repo, "why is the lamp dimmed?")))


@pytest.mark.slow
def test_watching_ends_and_begins(call: Calling, repo: Repository) -> None:
    def watched() -> Any:
        return call("status")["repos"][0]["watched"]

    assert watched() == "events"
    call("flags", set={"watch": "off"})
    wait_until(lambda: "switched off" in watched())
    call("flags", set={"watch": "on"})
    wait_until(lambda: watched() == "events")
    sha = repo.commit("Dim the lamp because moths came to it", lamp="1")
    wait_until(lambda: call("status")["repos"][0]["head"] == sha)


@pytest.mark.slow
def test_with_watching_off_the_timer_looks_at_the_period_that_was_set(call: Calling, repo: Repository) -> None:
    call("flags", set={"watch": "off", "reconcile_s": "1"})
    sha = repo.commit("Dim the lamp because moths came to it", lamp="1")
    wait_until(lambda: call("status")["repos"][0]["head"] == sha)
    wait_until(lambda: call("status")["repos"][0]["updated_by"] == "timer")


@pytest.mark.parametrize("is_on", one_fast([True, False], fast=True))
def test_an_amended_message_is_encoded_again_only_where_embeddings_are_not_kept(
    call: Calling, repo: Repository, is_on: bool
) -> None:
    call("flags", set={"faiss_cache": is_on})
    before = call("status")["repos"][0]["encoded"]
    (repo.path / "more").write_text("1")
    repo.git("add", "-A")
    repo.git("commit", "-q", "--amend", "--no-edit")
    head = repo.git("rev-parse", "HEAD")
    wait_until(lambda: call("status")["repos"][0]["head"] == head and call("status")["repos"][0]["complete"])
    assert call("status")["repos"][0]["encoded"] - before == (0 if is_on else 1)
    assert call("cache.stats")["embeddings"]["hits"] == (1 if is_on else 0)


def test_caches_shrink_and_grow(call: Calling, repo: Repository) -> None:
    for n in range(3):
        ask(call, repo, f"why is upload {n} retried?")
    call("flags", set={"cache_size": 2, "faiss_cache_size": 0})
    stats = call("cache.stats")
    assert (stats["exact"]["entries"], stats["exact"]["size"], stats["exact"]["evictions"]) == (2, 2, 1)
    assert (stats["similar"]["entries"], stats["similar"]["size"]) == (0, 0)


def test_the_time_limit_of_a_question_is_the_one_that_is_set(call: Calling, home: Home, repo: Repository) -> None:
    call("flags", set={"max_query_time_s": "0.000001"})
    with pytest.raises(OutOfTimeError):
        ask(call, repo, no_cache=True)
    assert ask(call, repo, no_cache=True, timeout=30)["outcome"] == "answered"
    done = home.client("ask", "--repo", str(repo.path), "--no-cache", RETRY)
    assert done.returncode == 4


def test_the_log_goes_where_and_as_loud_as_is_set(call: Calling, home: Home, repo: Repository) -> None:
    file = home.directory / "log"
    with pytest.raises(UsageError, match="AIL_LOG_FILE"):
        call("flags", set={"log_file": str(home.directory / "nowhere" / "log")})
    call("flags", set={"log_file": str(file), "log_level": "debug", "github_token": "hunter2"})
    ask(call, repo)
    wait_until(lambda: '"ask"' in file.read_text())
    assert "hunter2" not in file.read_text() + str(call("flags"))
    assert RETRY not in file.read_text()


def test_threads_of_questions_and_of_the_encoder_are_as_many_as_set(call: Calling, repo: Repository) -> None:
    for workers, batch in ((1, 1), (4, 7)):
        call("flags", set={"max_workers": workers, "batch_size": batch})
        for _ in range(3):
            repo.commit(f"Dim lamp {workers} because moths came to it", lamp=str(workers))
        assert ask(call, repo, no_cache=True)["outcome"] == "answered"
        call.wait_complete(str(repo.path))


def test_warmed_questions_are_answered_from_the_cache_and_bad_lines_are_told(
    call: Calling, home: Home, repo: Repository
) -> None:
    lines = [RETRY, "", "no/such/file\twhy?", "  ", "why is the start page blue?", "\t"]
    (home.directory / "questions").write_text("\n".join(lines))
    told = call("cache.warm", repo=str(repo.path), file=str(home.directory / "questions"))
    assert (told["warmed"], told["failed"], [one["line"] for one in told["failures"]]) == (2, 1, [3])
    assert ask(call, repo)["cached"] == "exact"
    assert call("cache.stats")["exact"]["misses"] == 0
    assert call("cache.stats")["recent"] == 1  # those that nobody asked are not hot
    for wrong in ("/nowhere", str(home.directory), None):
        with pytest.raises(UsageError):
            call("cache.warm", repo=str(repo.path), file=wrong)


@pytest.mark.slow
def test_hot_questions_are_warm_again_after_a_commit_and_gone_after_a_clear(call: Calling, repo: Repository) -> None:
    for question in (RETRY, RETRY, "why is the start page blue?"):
        ask(call, repo, question)
    misses = call("cache.stats")["exact"]["misses"]
    entries = call("cache.stats")["exact"]["entries"]
    sha = repo.commit("Dim the lamp because moths came to it", lamp="1")
    wait_until(lambda: call("cache.stats")["exact"]["entries"] > entries)
    warmed = ask(call, repo)
    assert (warmed["cached"], warmed["index"]["head"]) == ("exact", sha)
    assert ask(call, repo, "why is the start page blue?")["cached"] is None  # asked once: not hot
    assert call("cache.stats")["exact"]["misses"] == misses + 1
    call("cache.clear")
    stats = call("cache.stats")
    assert (stats["exact"]["entries"], stats["similar"]["entries"], stats["recent"]) == (0, 0, 0)


def test_what_was_asked_about_a_repository_goes_with_it(call: Calling, repo: Repository) -> None:
    ask(call, repo)
    assert call("cache.clear", repo=str(repo.path))["exact"] == 1
    ask(call, repo)
    call("repo.remove", repo=str(repo.path), purge=True)
    stats = call("cache.stats")
    assert (stats["exact"]["entries"], stats["similar"]["entries"], stats["recent"]) == (0, 0, 0)
    with pytest.raises(AilError):
        call("cache.clear", repo=str(repo.path))


def add_smaller_model(models: Path, into: Path) -> None:
    """Make *into* a copy of *models* with one more, which reads less of a text and so has another id."""
    shutil.copytree(models, into)
    found = find_prepared(into, DEFAULT_MODEL)
    assert found is not None
    contents = {file: found.read(file) for file in found.manifest.files}
    save_prepared(into, replace(found.manifest, name="smaller", max_tokens=64), contents)
