"""What is to go is gone: every byte of a purged repository, of commits retired long ago, of everything at a reset."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sqlite3
import subprocess
import time
import zlib
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import BIN, Home

pytestmark = pytest.mark.model

MARKS = ("zebramessage", "zebraauthor", "zebrapath", "zebradiff")


def plant(repo: Repository) -> None:
    """Commit each of the marks where it is to be found."""
    path = repo.path / "zebrapath.txt"
    path.write_text("zebradiff stands here\n")
    repo.git("add", "-A")
    repo.git(
        "commit", "-q", "--author", "zebraauthor <z@example.org>", "-m", "Do zebramessage\n\nBecause it was asked."
    )


def find_marks(directory: Path) -> set[str]:
    """Return the marks that any file below *directory* holds, or any zlib stream within one."""
    found: set[str] = set()
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            for text in (data.lower(), *unpack(data)):
                found.update(mark for mark in MARKS if mark.encode() in text)
    return found


def unpack(data: bytes) -> list[bytes]:
    texts, at = [], data.find(b"\x78\x01")
    while at >= 0:
        with contextlib.suppress(zlib.error):
            texts.append(zlib.decompressobj().decompress(data[at:], 1 << 16).lower())
        at = data.find(b"\x78\x01", at + 1)
    return texts


@pytest.mark.slow
def test_a_purge_leaves_no_byte_in_files_nor_an_answer_in_memory(home: Home, repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("Keep this\n\nBecause somebody needs it.")
    plant(repo)
    with home.daemon(), home.connected() as call:
        for made in (repo, other):
            call("repo.add", repo=str(made.path))
            call.wait_complete(str(made.path))
        assert call("ask", repo=str(repo.path), question="why zebramessage?")["citations"]
        assert find_marks(home.state) == set(MARKS)
        call("repo.remove", repo=str(repo.path), purge=True)
        assert find_marks(home.state) == set()
        assert [told["path"] for told in call("repo.list")["repos"]] == [str(other.path.resolve())]
        assert call("ask", repo=str(other.path), question="why keep this?")["citations"]
    assert find_marks(home.directory) == set()


@pytest.mark.slow
def test_an_index_that_a_removal_left_can_be_purged_also_when_the_repository_is_gone(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    plant(repo)
    home.client("add", str(repo.path), "--wait")
    home.client("remove", str(repo.path))
    assert find_marks(home.state)
    repo.path.rename(tmp_path / "elsewhere")
    assert home.client("remove", str(repo.path), "--purge").returncode == 0
    assert find_marks(home.state) == set()
    assert home.client("remove", str(repo.path), "--purge").returncode == 5


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.01])
def test_a_purge_that_was_killed_is_finished_by_the_next_start(home: Home, repo: Repository, delay_s: float) -> None:
    plant(repo)
    with home.daemon() as daemon, home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        client = subprocess.Popen([BIN / "ail-client", "remove", str(repo.path), "--purge"], env=home.env)
        while not client.poll() and not list((home.state / "repos").glob(".going-*")):
            if not list((home.state / "repos").iterdir()):
                break
        time.sleep(delay_s)  # a moment of the purge, whichever
        daemon.send_signal(signal.SIGKILL)
        client.wait()
    home.client("status")
    assert find_marks(home.state) == set()
    assert list((home.state / "repos").iterdir()) == []


@pytest.mark.slow
def test_what_was_going_goes_at_the_next_start(home: Home, repo: Repository) -> None:
    plant(repo)
    home.client("add", str(repo.path), "--wait")
    home.stop()
    (place,) = (home.state / "repos").iterdir()
    going = place.parent / ".going-killed"
    going.mkdir()
    place.rename(going / place.name)
    home.client("status")
    assert list(place.parent.iterdir()) == []


@pytest.mark.slow
def test_a_commit_that_was_retired_long_ago_leaves_no_byte_in_the_database(home: Home, repo: Repository) -> None:
    plant(repo)
    home.client("add", str(repo.path), "--wait")
    repo.git("reset", "-q", "--hard", "HEAD^")
    home.client("add", str(repo.path), "--wait")
    home.stop()
    (place,) = (home.state / "repos").iterdir()
    with sqlite3.connect(place / "store.sqlite") as db:
        assert db.execute("SELECT subject FROM retired").fetchall() == [("Do zebramessage",)]
        db.execute("UPDATE retired SET retired_at = retired_at - 31 * 86400")
        db.execute("UPDATE meta SET value = '0' WHERE key = 'purged_at'")
    db.close()
    repo.commit("Go on")
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        kept = b"".join(path.read_bytes() for path in place.glob("store.sqlite*"))
    assert not any(mark.encode() in kept.lower() for mark in MARKS if mark != "zebrapath")


@pytest.mark.slow
def test_an_index_is_built_without_a_daemon_and_served_by_the_next_one(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    done = home.run("ail-daemon", "build", str(tmp_path / "none"), str(repo.path))
    assert done.returncode == 5
    assert "no git repository" in done.stderr
    assert f"searchable: {repo.path}, 3 commits" in done.stderr
    assert done.stdout == ""
    with home.daemon(AIL_WATCH="false"), home.connected() as call:
        (told,) = call("repo.list")["repos"]
        assert (told["commits"], told["complete"], told["encoded"]) == (3, True, 0)
        assert call("ask", repo=str(repo.path), question="why is the page blue?")["outcome"] == "answered"


@pytest.mark.slow
def test_many_commits_are_built_by_the_worker(home: Home, tmp_path: Path) -> None:
    big = Repository(tmp_path / "big")
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata %d\n%s\n" % (n, len(text), text)
        for n, text in ((n, f"Change {n} of the engine".encode()) for n in range(1, 200))
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=big.path, input=stream, check=True)
    done = home.run("ail-daemon", "build", str(big.path))
    assert (done.returncode, "199 commits" in done.stderr) == (0, True), done.stderr


@pytest.mark.slow
def test_neither_build_nor_reset_runs_beside_a_daemon(home: Home, repo: Repository) -> None:
    home.client("add", str(repo.path), "--wait")
    for command in (["build", str(repo.path)], ["reset", "--yes"]):
        done = home.run("ail-daemon", *command)
        assert done.returncode == 3
        assert "a daemon runs" in done.stderr
        assert "ail-client" in done.stderr
    assert home.client("ask", "--repo", str(repo.path), "why is the page blue?").returncode == 0


@pytest.mark.slow
def test_a_reset_removes_every_index_and_nothing_of_anybody_else(home: Home, repo: Repository, tmp_path: Path) -> None:
    plant(repo)
    home.client("add", str(repo.path), "--wait")
    home.client("backup", str(home.state / "backups" / "kept.bak"))
    home.stop()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "letter").write_text("dear")
    (place,) = (home.state / "repos").iterdir()
    (place / "link").symlink_to(outside)
    (home.state / "hints").rename(tmp_path / "hints")
    (home.state / "hints").symlink_to(outside)
    (home.state / "mine").write_text("mine")
    assert home.run("ail-daemon", "reset", stdin=subprocess.DEVNULL).returncode == 2
    done = home.run("ail-daemon", "reset", "--yes")
    assert done.returncode == 0, done.stderr
    left = {path.name for path in home.state.iterdir()}
    assert left == {"backups", "daemon.lock", "mine", "models"}
    assert (outside / "letter").read_text() == "dear"
    assert home.client("restore", str(home.state / "backups" / "kept.bak")).returncode == 0
    assert home.client("ask", "--repo", str(repo.path), "why zebramessage?").returncode == 0


def test_models_go_with_a_reset_if_asked_for_but_not_through_a_link(home: Home, models: Path) -> None:
    before = sorted(models.rglob("*"))
    assert home.run("ail-daemon", "reset", "--yes", "--models").returncode == 0
    assert not os.path.lexists(home.state / "models")
    assert sorted(models.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "status"), [(b"no\n", 1), (b"\n", 1), (b"yes\n", 0)])
def test_a_reset_asks_on_a_terminal(home: Home, repo: Repository, answer: bytes, status: int) -> None:
    home.client("add", str(repo.path), "--wait")
    home.stop()
    leading, following = pty.openpty()
    with os.fdopen(leading, "r+b", buffering=0) as terminal:
        process = subprocess.Popen([BIN / "ail-daemon", "reset"], stdin=following, stderr=subprocess.PIPE, env=home.env)
        os.close(following)
        terminal.write(answer)
        told = process.communicate()[1].decode()
    assert process.returncode == status
    assert "Type yes" in told
    assert (home.state / "repos").exists() is (status == 1)


def test_a_state_directory_that_is_a_link_is_not_reset(home: Home, tmp_path: Path) -> None:
    home.state.rename(tmp_path / "real")
    home.state.symlink_to(tmp_path / "real")
    (tmp_path / "real" / "repos").mkdir(mode=0o700)
    done = home.run("ail-daemon", "reset", "--yes")
    assert done.returncode == 3
    assert (tmp_path / "real" / "repos").exists()
