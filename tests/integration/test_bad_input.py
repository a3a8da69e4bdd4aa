"""What goes wrong outside of us: each gets a sentence, what to do, the right exit status, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.conftest import Repository, fill, make_repository
from tests.running import Home, sealed_home

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def shared(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A home whose daemon knows a repository, for tests that change neither."""
    with sealed_home(models) as home:
        repo = make_repository(tmp_path_factory.mktemp("shared") / "project")
        assert home.client("add", str(repo.path), "--wait").returncode == 0
        yield home, repo


def test_what_is_no_repository_is_named_with_what_to_do(shared: tuple[Home, Repository], tmp_path: Path) -> None:
    home, _ = shared
    for command in (["add", str(tmp_path)], ["ask", "--repo", str(tmp_path), "why?"]):
        done = home.client(*command)
        assert done.returncode == 5
        assert "no git repository" in done.stderr


def test_a_repository_that_was_never_added_is_not_read(shared: tuple[Home, Repository], repo: Repository) -> None:
    home, _ = shared
    done = home.client("ask", "--repo", str(repo.path), "why blue?")
    assert done.returncode == 5
    assert "not enrolled" in done.stderr
    assert "ail-client add" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["never.py", "why?"], 1, "ever touched never.py"),
        (["upload.py:99", "why?"], 2, "has 3 lines"),
        (["upload.py:0", "why?"], 2, "upload.py"),
        (["upload.py:3-1", "why?"], 2, ""),
        (["   "], 2, "empty"),
        (["x" * 100_001], 2, "100,000"),
        (["../outside.py", "why?"], 2, "outside"),
    ],
)
def test_a_wrong_question_is_refused(
    shared: tuple[Home, Repository], arguments: list[str], status: int, words: str
) -> None:
    home, repo = shared
    done = home.client("ask", "--repo", str(repo.path), *arguments, cwd=repo.path)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr


def test_any_characters_may_be_asked(shared: tuple[Home, Repository]) -> None:
    home, repo = shared
    for question in ("why \x1b[31mblue\x07 page?", 'AND OR ( NOT "', "为什么是蓝色", "?!...", "a" * 90_000, "-- why"):
        done = home.client("ask", "--repo", str(repo.path), "--", question)
        assert done.returncode in (0, 1), done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_without_a_model_words_answer_and_say_so(bare_home: Home, repo: Repository) -> None:
    bare_home.client("add", str(repo.path), "--wait")
    reply = json.loads(bare_home.client("ask", "--json", "--repo", str(repo.path), "why is the page blue?").stdout)
    assert (reply["mode"], reply["degraded"]) == ("lexical", "model missing")
    assert reply["citations"][0]["sha"] == repo.shas["paint"]


@pytest.mark.parametrize("damage", ["truncated", "altered", "gone"])
def test_a_damaged_model_is_not_served(bare_home: Home, repo: Repository, models: Path, damage: str) -> None:
    copied = bare_home.own_models(models)
    (graph,) = copied.glob("*/model.onnx")
    data = graph.read_bytes()
    if damage == "gone":
        graph.unlink()
    else:
        graph.write_bytes(data[:1000] if damage == "truncated" else data[:-9] + b"X" + data[-8:])
    bare_home.client("add", str(repo.path), "--wait")
    reply = json.loads(bare_home.client("ask", "--json", "--repo", str(repo.path), "why is the page blue?").stdout)
    assert reply["mode"] == "lexical"
    assert "model" in reply["degraded"]
    assert bare_home.run("ail-daemon", "model", "verify").returncode == 1


@pytest.mark.slow
def test_a_model_that_comes_later_is_taken_up_without_a_restart(
    bare_home: Home, repo: Repository, models: Path
) -> None:
    bare_home.client("add", str(repo.path), "--wait")
    bare_home.own_models(models)
    deadline = time.monotonic() + 30
    reply = {"mode": "lexical"}
    while reply["mode"] == "lexical" and time.monotonic() < deadline:
        bare_home.client("add", str(repo.path), "--wait")
        done = bare_home.client("ask", "--json", "--no-cache", "--repo", str(repo.path), "why is the page blue?")
        reply = json.loads(done.stdout)
        time.sleep(0.2)
    assert reply["mode"] == "semantic"


def test_two_adds_at_once_add_once(home: Home, repo: Repository) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: home.client("add", str(repo.path), "--wait"), range(8)))
    assert [one.returncode for one in done] == [0] * 8
    (told,) = json.loads(home.client("repos", "--json").stdout)["repos"]
    assert (told["commits"], told["complete"]) == (3, True)


def test_a_killed_daemon_is_started_again_and_has_lost_nothing(home: Home, repo: Repository) -> None:
    home.client("add", str(repo.path), "--wait")
    pid = json.loads(home.client("status", "--json").stdout)["pid"]
    os.kill(pid, signal.SIGKILL)
    reply = json.loads(home.client("ask", "--json", "--repo", str(repo.path), "why is the start page blue?").stdout)
    assert reply["citations"][0]["sha"] == repo.shas["paint"]
    assert reply["index"]["commits"] == 3


def test_a_killed_worker_is_replaced_and_the_work_goes_on(home: Home, tmp_path: Path) -> None:
    big = Repository(tmp_path / "big")
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata %d\n%s\n" % (n, len(text), text)
        for n, text in ((n, f"Change {n} of the engine because of {n * 7919 % 1009}".encode()) for n in range(1, 301))
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=big.path, input=stream, check=True)
    with home.daemon() as daemon, home.connected() as call:
        call("repo.add", repo=str(big.path))
        deadline = time.monotonic() + 30
        workers: list[str] = []
        while not workers and time.monotonic() < deadline:
            found = subprocess.run(
                ["pgrep", "-P", str(daemon.pid), "-f", "ail_daemon.indexing.worker"],
                capture_output=True,
                text=True,
                check=False,
            )
            workers = found.stdout.split()
        os.kill(int(workers[0]), signal.SIGKILL)
        told = call.wait_complete(str(big.path), 120)
        assert told["commits"] == 300
        assert told["notice"] is None


def test_a_repository_that_vanished_is_named_and_the_others_go_on(home: Home, repo: Repository, tmp_path: Path) -> None:
    doomed = Repository(tmp_path / "doomed")
    doomed.commit("Exist", a__txt="a")
    home.client("add", str(repo.path), "--wait")
    with home.connected() as call:
        shutil.rmtree(doomed.path / ".git" / "objects")
        (doomed.path / ".git" / "objects").mkdir()
        call("repo.add", repo=str(doomed.path))
        shutil.rmtree(doomed.path)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            told = {one["path"]: one for one in call("status")["repos"]}[str(doomed.path.resolve())]
            if told["notice"]:
                break
            time.sleep(0.05)
        assert told["notice"]
        assert call("ask", repo=str(repo.path), question="why is the start page blue?")["outcome"] == "answered"
        assert call("repo.remove", repo=str(doomed.path), purge=True)["purged"] is True


@pytest.mark.slow
def test_a_commit_of_ten_thousand_files_and_messages_of_any_bytes_are_read(home: Home, tmp_path: Path) -> None:
    wide = Repository(tmp_path / "wide")
    for number in range(10_000):
        (wide.path / f"f{number}").write_text(f"{number}\n")
    wide.commit("Import everything because the vendor closed")
    subprocess.run(
        ["git", "-c", "user.name=\xff", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-F", "-"],
        cwd=wide.path, input="Größe \xe4ndern, weil caf\xe9".encode("latin-1"), check=True,
    )  # fmt: skip
    assert home.client("add", str(wide.path), "--wait").returncode == 0
    reply = json.loads(home.client("ask", "--json", "--repo", str(wide.path), "f77", "why import everything?").stdout)
    assert reply["citations"][0]["subject"] == "Import everything because the vendor closed"


@pytest.mark.slow
def test_a_full_disk_stops_indexing_with_words_and_loses_nothing(
    home: Home, repo: Repository, small_disk: Path
) -> None:
    assert home.client("add", str(repo.path), "--wait").returncode == 0
    filler = fill(small_disk)
    for number in range(40):
        repo.commit(f"Change number {number} because {number} " + "word " * 200)
    done = home.client("add", str(repo.path), "--wait")
    assert done.returncode != 0
    assert "disk is full" in done.stderr
    reply = home.client("ask", "--json", "--no-cache", "--repo", str(repo.path), "why is the start page blue?")
    assert json.loads(reply.stdout)["citations"][0]["sha"] == repo.shas["paint"]
    filler.unlink()
    assert home.client("add", str(repo.path), "--wait").returncode == 0
    status = json.loads(home.client("status", "--json").stdout)
    assert status["repos"][0]["commits"] == 43
    words = home.client("ask", "--json", "--mode", "lexical", "--repo", str(repo.path), "change number 17 because 17")
    assert json.loads(words.stdout)["citations"][0]["subject"].startswith("Change number 17 ")
