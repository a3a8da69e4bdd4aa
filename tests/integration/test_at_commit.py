"""What is said at a commit: git's own hooks, real commits, a daemon that runs, is stopped, or is not there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.integration.lock_history import LOCKED, POOL, tell_of_the_lock
from tests.running import BIN, Home, sealed_home

Commit = Callable[..., subprocess.CompletedProcess[str]]
ANN = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
WARNED = "was tried before: Hold the big lock"
EDITOR = 'cat "$1" >seen; printf "Lock again\\n\\nFor good.\\n" | cat - "$1" >both; cat both >"$1"; rm both'


@pytest.fixture(scope="module")
def desk(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A home, and a repository that its daemon has indexed."""
    with sealed_home(models) as home:
        repo = tell_of_the_lock(Repository(tmp_path_factory.mktemp("commit") / "project"))
        repo.shas["base"] = repo.git("rev-parse", "HEAD")
        home.client("add", str(repo.path), "--wait")
        yield home, repo


@pytest.fixture
def home(desk: tuple[Home, Repository]) -> Home:
    home, repo = desk
    home.client("related", "pool.py", cwd=repo.path)  # starts a daemon where a test stopped it, and opens the index
    return home


@pytest.fixture
def repo(desk: tuple[Home, Repository]) -> Iterator[Repository]:
    """The repository with both hooks, as it was after whatever a test does to it."""
    repo = desk[1]
    for event in ("pre-commit", "prepare-commit-msg"):
        hook = repo.path / ".git" / "hooks" / event
        hook.write_text(f'#!/bin/sh\nexec ail-hook run {event} "$@"\n')
        hook.chmod(0o755)
    yield repo
    for line in repo.git("config", "--local", "--name-only", "--list").split():
        if line.startswith(("commit.", "core.comment")):
            repo.git("config", "--unset-all", line)
    repo.git("checkout", "-q", "-f", "main")
    repo.git("reset", "-q", "--hard", repo.shas["base"])
    repo.git("clean", "-q", "-d", "-f", "-x")


@pytest.fixture
def commit(home: Home, repo: Repository) -> Commit:
    """Run `git commit` with the hooks, as this home's user; an editor writes a message where one opens."""

    def run(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        who = {f"GIT_{role}_{key}": "ann@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        editor = {"GIT_EDITOR": f"sh -c '{EDITOR}' --"}
        patience = {"AIL_RELATED_LIMIT_S": "20"}  # a busy machine is no reason to be silent here
        return home.run("git", "commit", *arguments, cwd=cwd or repo.path, env=who | editor | patience | env)

    return run


def lock(repo: Repository) -> None:
    (repo.path / "pool.py").write_text(LOCKED)


def test_a_commit_that_tries_again_is_told_and_made(repo: Repository, commit: Commit) -> None:
    lock(repo)
    repo.git("add", "-A")
    done = commit("-m", "Lock again")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.startswith("ail: ")] == [
        f"ail: {repo.shas['lock'][:10]} {WARNED} while a connection is taken — taken back by {repo.shas['undo'][:10]}: "
        "Every request waited for the slowest one, which broke the health check."
    ]
    assert repo.git("log", "-1", "--format=%B") == "Lock again"


def test_commit_all_is_told_of_what_it_takes_along(repo: Repository, commit: Commit) -> None:
    lock(repo)
    assert WARNED in commit("-am", "Lock again").stderr


def test_a_commit_of_another_file_alone_is_not_told(repo: Repository, commit: Commit) -> None:
    lock(repo)
    repo.git("add", "-A")
    (repo.path / "db.py").write_text("TIMEOUT_S = 31\n")
    assert "ail:" not in commit("-m", "Wait a little longer", "--", "db.py").stderr


def test_of_a_file_staged_in_part_that_part_counts(repo: Repository, commit: Commit) -> None:
    (repo.path / "pool.py").write_text(POOL + "\n\nEND = True\n")
    repo.git("add", "-A")
    lock(repo)
    assert "ail:" not in commit("-m", "Mark the end").stderr


def test_an_amend_is_told_of_what_it_adds(repo: Repository, commit: Commit) -> None:
    commit("--allow-empty", "-m", "First")
    lock(repo)
    repo.git("add", "-A")
    assert WARNED in commit("--amend", "--no-edit").stderr
    assert "ail:" not in commit("--amend", "-m", "Only the words").stderr


def test_a_linked_worktree_is_told(repo: Repository, commit: Commit) -> None:
    beside = repo.path.parent / "beside"
    repo.git("worktree", "add", "-q", "--detach", str(beside))
    (beside / "pool.py").write_text(LOCKED)
    done = commit("-am", "Lock again", cwd=beside)
    repo.git("worktree", "remove", "--force", str(beside))
    assert WARNED in done.stderr


def test_an_unborn_branch_is_told(repo: Repository, commit: Commit) -> None:
    repo.git("checkout", "-q", "--orphan", "unborn")
    lock(repo)
    repo.git("add", "-A")
    assert WARNED in commit("-m", "Begin").stderr


def test_a_merge_is_left_in_peace_even_after_a_conflict(home: Home, repo: Repository, commit: Commit) -> None:
    repo.git("checkout", "-q", "-b", "side")
    (repo.path / "pool.py").write_text(LOCKED)
    commit("-qam", "Lock again", AIL_RELATED="0")
    repo.git("checkout", "-q", "main")
    (repo.path / "pool.py").write_text(POOL.replace("take_idle", "take_any"))
    commit("-qam", "Take any", AIL_RELATED="0")
    assert home.run("git", *ANN, "merge", "-q", "side", cwd=repo.path).returncode == 1
    lock(repo)
    done = commit("-qam", "Merge side")
    assert done.returncode == 0
    assert "ail:" not in done.stderr


@pytest.mark.parametrize("off", ["0", "no", "OFF", "false"])
def test_one_variable_silences_it(repo: Repository, commit: Commit, off: str) -> None:
    lock(repo)
    assert "ail:" not in commit("-am", "Lock again", AIL_RELATED=off).stderr


def test_the_message_gets_comments_that_git_strips(repo: Repository, commit: Commit) -> None:
    lock(repo)
    assert commit("-a").returncode == 0
    seen = (repo.path / "seen").read_text()
    assert f"# {repo.shas['lock'][:10]} {WARNED}" in seen
    assert repo.git("log", "-1", "--format=%B") == "Lock again\n\nFor good."


@pytest.mark.parametrize(
    "settings",
    [
        ["commit.verbose=true"], ["commit.cleanup=scissors"], ["commit.cleanup=strip"], ["core.commentChar=;"],
        ["commit.cleanup=scissors", "commit.verbose=true"], ["commit.status=false"],
    ],
)  # fmt: skip
def test_comments_go_whatever_the_settings(repo: Repository, commit: Commit, settings: list[str]) -> None:
    for setting in settings:
        repo.git("config", *setting.split("="))
    lock(repo)
    assert commit("-a").returncode == 0
    assert WARNED in (repo.path / "seen").read_text()
    assert repo.git("log", "-1", "--format=%B") == "Lock again\n\nFor good."


@pytest.mark.parametrize("setting", ["commit.cleanup=verbatim", "commit.cleanup=whitespace", "core.commentChar=auto"])
def test_nothing_is_written_where_it_might_stay(repo: Repository, commit: Commit, setting: str) -> None:
    repo.git("config", *setting.split("="))
    lock(repo)
    commit("-a")
    assert WARNED not in (repo.path / "seen").read_text()


@pytest.mark.parametrize("source", [["-m", "Lock again"], ["-F", "said"], ["-C", "HEAD"], ["-t", "said", "--no-edit"]])
def test_a_message_that_is_there_already_is_left_alone(repo: Repository, commit: Commit, source: list[str]) -> None:
    (repo.path / "said").write_text("Lock once more\n")
    lock(repo)
    commit("-a", *source)
    assert WARNED not in repo.git("log", "-1", "--format=%B")


def test_without_a_daemon_it_is_silent_and_starts_none(home: Home, repo: Repository, commit: Commit) -> None:
    home.stop()
    lock(repo)
    done = commit("-am", "Lock again")
    assert done.returncode == 0
    assert "ail:" not in done.stderr
    assert home.client("health", "live").returncode == 1


@pytest.mark.slow
def test_a_stopped_daemon_holds_no_commit_up(home: Home, repo: Repository) -> None:
    with home.connected() as call:
        pid = call("status")["pid"]
    lock(repo)
    repo.git("add", "-A")
    os.kill(pid, signal.SIGSTOP)
    try:
        done = home.run(str(BIN / "ail-hook"), "run", "pre-commit", cwd=repo.path, timeout=30)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["pre-commit", "--anything"], ["prepare-commit-msg"], ["prepare-commit-msg", "/no/such/file"],
        ["prepare-commit-msg", "/no/such/file", "template", "HEAD"], ["post-commit"], ["dance"], [],
    ],
)  # fmt: skip
def test_the_hook_exits_0_whatever_it_is_given(
    home: Home, repo: Repository, tmp_path: Path, arguments: list[str]
) -> None:
    lock(repo)
    repo.git("add", "-A")
    for cwd in (repo.path, tmp_path):
        done = home.run(str(BIN / "ail-hook"), "run", *arguments, cwd=cwd)
        assert done.returncode == 0
        assert "Traceback" not in done.stderr


def test_at_most_five_lines_without_a_control_character() -> None:
    from ail_hooks.related import describe

    citation = {
        "sha": "4" * 40,
        "relation": "reverts",
        "subject": "\x1b]52;c;eA==\x07\u202e",
        "sentence": "x" * 100_000,
    }
    companion = {"path": "a\nb\x1b[2J", "share": 0.8, "of": 10, "beside": "c"}
    lines = describe({"citations": [citation] * 4, "companions": [companion] * 3})
    assert len(lines) == 5
    assert all(line.isprintable() and len(line) <= 200 for line in lines)
