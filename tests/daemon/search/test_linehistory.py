from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest
from tests.daemon.daemon_process import wait_until
from tests.tools import make_slow_git

from ail_daemon.search.linehistory import LineHistories
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import NotFoundError

IDENTITY = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]


def git(directory: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, "-C", str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(directory: Path, text: str) -> str:
    (directory / "f").write_text(text)
    git(directory, "add", "f")
    git(directory, "commit", "-q", "-m", text[:8])
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def place(tmp_path: Path) -> RepoPlace:
    git(tmp_path, "init", "-q")
    return find_repository(str(tmp_path))


def test_lines_are_blamed_and_their_older_changes_known(place: RepoPlace, tmp_path: Path) -> None:
    first, second = commit(tmp_path, "one\ntwo\n"), commit(tmp_path, "one\n2\n")
    found = LineHistories().find(place, "f", (1, 2))
    assert found.blamed == {1: first, 2: second}
    assert found.logged == (second, first)


def test_a_new_commit_is_seen_at_the_next_question(place: RepoPlace, tmp_path: Path) -> None:
    histories = LineHistories()
    commit(tmp_path, "one\n")
    assert histories.find(place, "f", (1, 1)) == histories.find(place, "f", (1, 1))
    newer = commit(tmp_path, "1\n")
    assert histories.find(place, "f", (1, 1)).blamed == {1: newer}


def test_what_blame_cannot_tell_is_raised_and_not_kept(place: RepoPlace, tmp_path: Path) -> None:
    histories = LineHistories()
    commit(tmp_path, "one\n")
    with pytest.raises(NotFoundError):
        histories.find(place, "g", (1, 1))
    git(tmp_path, "mv", "f", "g")
    git(tmp_path, "commit", "-q", "-m", "rename")
    assert set(histories.find(place, "g", (1, 1)).blamed) == {1}


@pytest.mark.slow
def test_what_took_too_long_is_looked_for_behind_the_question_and_found_by_the_next(
    place: RepoPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = commit(tmp_path, "one\n"), commit(tmp_path, "1\n")
    monkeypatch.setenv("PATH", make_slow_git(tmp_path / "programs", "log", 2.5))
    histories = LineHistories()
    found = histories.find(place, "f", (1, 1))
    assert (found.blamed, found.logged, found.is_whole) == ({1: second}, (), False)
    wait_until(lambda: histories.find(place, "f", (1, 1)).is_whole)
    assert histories.find(place, "f", (1, 1)).logged == (second, first)
    histories.stop()


def test_a_stop_ends_what_is_looked_for_and_leaves_no_thread(
    place: RepoPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path, "one\n")
    monkeypatch.setenv("PATH", make_slow_git(tmp_path / "programs", "log", 8))
    before, histories = threading.active_count(), LineHistories()
    assert not histories.find(place, "f", (1, 1)).is_whole
    began = time.monotonic()
    histories.stop()
    assert time.monotonic() - began < 5
    wait_until(lambda: threading.active_count() <= before)  # a timer's thread ends a moment after it is called off
    assert not histories.find(place, "f", (1, 1)).is_whole, "one that comes late is answered all the same"
