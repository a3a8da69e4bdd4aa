from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tests.daemon.daemon_process import wait_until
from tests.tools import make_slow_git

from ail_daemon.history.worktree import identify, read_file
from ail_daemon.search.linehistory import LineHistories
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import NotFoundError, UsageError

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


STANDING = "new\nnew too\none\n  two\nthree, changed\nfour\nlast\n"
COMMITTED = "one\ntwo\nthree\nfour\n"


def test_lines_are_those_of_the_text_as_it_stands(place: RepoPlace, tmp_path: Path) -> None:
    first = commit(tmp_path, COMMITTED)
    second = commit(tmp_path, COMMITTED.replace("four", "vier"))
    text = STANDING.replace("four", "vier").encode()
    find = LineHistories().find
    for contents in (text, text.replace(b"\n", b"\r\n"), text.removesuffix(b"\n")):
        assert find(place, "f", (3, 3), contents).blamed == {3: first}
        assert find(place, "f", (4, 4), contents).blamed == {4: first}  # indented meanwhile, which counts for nothing
        found = find(place, "f", (4, 6), contents)
        assert found.blamed == {4: first, 5: first, 6: second}
        assert found.notice == "line 5 of f is not committed yet"
        assert set(found.logged) == {first, second}
    assert find(place, "f", (3, 4), text).notice is None
    assert find(place, "f", (3, 99), text).notice == "lines 5, 7 of f are not committed yet"


@pytest.mark.parametrize(
    ("lines", "said"), [((1, 1), "line 1 of f is"), ((1, 2), "lines 1-2 of f are"), ((7, 9), "line 7 of f is")]
)
def test_lines_that_are_in_no_commit_say_so(
    place: RepoPlace, tmp_path: Path, lines: tuple[int, int], said: str
) -> None:
    commit(tmp_path, COMMITTED)
    with pytest.raises(NotFoundError, match=f"{said} not committed yet"):
        LineHistories().find(place, "f", lines, STANDING.encode())
    with pytest.raises(UsageError, match="f has 7 lines"):
        LineHistories().find(place, "f", (8, 8), STANDING.encode())


def test_deleted_lines_shift_those_below(place: RepoPlace, tmp_path: Path) -> None:
    first = commit(tmp_path, COMMITTED)
    newer = commit(tmp_path, COMMITTED.replace("four", "vier"))
    histories = LineHistories()
    assert histories.find(place, "f", (2, 2), b"three\nvier\n").blamed == {2: newer}
    assert histories.find(place, "f", (1, 1), b"three\nvier\n").blamed == {1: first}
    with pytest.raises(UsageError, match="f has 0 lines"):
        histories.find(place, "f", (1, 1), b"")


def test_lines_may_be_those_of_a_commit(place: RepoPlace, tmp_path: Path) -> None:
    first = commit(tmp_path, "one\n")
    commit(tmp_path, "zero\none\n")
    assert LineHistories().find(place, "f", (1, 1), commit=first).blamed == {1: first}


def test_nothing_that_is_configured_runs_when_texts_are_compared(place: RepoPlace, tmp_path: Path) -> None:
    commit(tmp_path, COMMITTED)
    canary = tmp_path / "canary"
    for key in (
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
        "filter.x.smudge",
        "core.fsmonitor",
    ):
        git(tmp_path, "config", key, f"touch {canary}")
    (tmp_path / ".git/info").mkdir(exist_ok=True)
    (tmp_path / ".git/info/attributes").write_text("* diff=x filter=x -text\n")
    assert set(LineHistories().find(place, "f", (3, 3), STANDING.encode()).blamed) == {3}
    assert not canary.exists()


def test_the_file_on_the_disk_is_read_and_no_link_is_followed(place: RepoPlace, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one\n")
    (tmp_path / "link").symlink_to("f")
    (tmp_path / "dir").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    assert read_file(place, "f") == b"one\n"
    assert [read_file(place, name) for name in ("link", "dir/passwd", "fifo", "gone", "a\0b")] == [None] * 5
    before = identify(place, "f")
    (tmp_path / "f").write_text("two!\n")
    assert identify(place, "f") != before
    assert identify(place, "gone") is None
