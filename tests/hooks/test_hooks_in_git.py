"""Shims as git runs them: what they say, and that nothing they meet reaches git's user."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.hooks.desks import Desk

from ail_hooks.shims import make_command, make_shim
from ail_rpc.discovery import find_repository
from ail_rpc.hints import EVENTS, HINTS_MAX_BYTES, PAIRS_MAX, Hint, parse_hints


def common_dirs(hints: list[Hint]) -> set[str]:
    return {find_repository(hint.path).common_dir for hint in hints}


def branch_off(desk: Desk, repo: Path, commits: int) -> list[str]:
    """Make a branch `topic` with *commits* and one more on main; return the branch's shas, oldest first."""
    desk.git(repo, "checkout", "-q", "-b", "topic")
    for number in range(commits):
        (repo / f"file{number}").write_text("text")
        desk.git(repo, "add", "-A")
        desk.commit(repo, f"Change {number}")
    desk.git(repo, "checkout", "-q", "main")
    desk.commit(repo, "Meanwhile")
    return desk.git(repo, "rev-list", "--reverse", "main..topic").split()


def test_a_commit_leaves_one_hint_that_names_the_repository(old_git: Desk, repo: Path) -> None:
    old_git.commit(repo, "Change")
    assert old_git.take_hints() == [Hint("post-commit", str(repo))]


def test_a_merge_and_a_checkout_leave_theirs(old_git: Desk, repo: Path) -> None:
    branch_off(old_git, repo, 1)
    old_git.take_hints()
    old_git.git(repo, "merge", "-q", "-m", "Join", "topic")
    assert old_git.take_hints() == [Hint("post-merge", str(repo))]
    old_git.git(repo, "checkout", "-q", "topic")
    assert old_git.take_hints() == [Hint("post-checkout", str(repo))]


def test_checking_out_files_moves_no_ref_and_leaves_nothing(old_git: Desk, repo: Path) -> None:
    branch_off(old_git, repo, 1)
    old_git.take_hints()
    old_git.git(repo, "checkout", "-q", "topic", "--", "file0")
    assert old_git.take_hints() == []


def test_an_amend_tells_what_the_commit_became(old_git: Desk, repo: Path) -> None:
    old = old_git.commit(repo, "Change")
    old_git.take_hints()
    old_git.git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "Better")
    new = old_git.git(repo, "rev-parse", "HEAD")
    path = str(repo)
    assert old_git.take_hints() == [
        Hint("post-commit", path), Hint("rewritten", path, old, new), Hint("post-rewrite", path),
    ]  # fmt: skip


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
def test_a_rebase_tells_every_commit_s_successor(old_git: Desk, repo: Path, backend: str) -> None:
    old = branch_off(old_git, repo, 5)
    old_git.take_hints()
    old_git.git(repo, "rebase", "-q", backend, "main", "topic")
    new = old_git.git(repo, "rev-list", "--reverse", "main..topic").split()
    hints = old_git.take_hints()
    told = [(hint.old, hint.new) for hint in hints if hint.event == "rewritten"]
    assert told == list(zip(old, new, strict=True))
    assert "post-commit" not in [hint.event for hint in hints]  # once at the end is enough
    assert hints[-1] == Hint("post-rewrite", str(repo))


def test_a_commit_in_a_linked_worktree_names_the_same_repository(old_git: Desk, repo: Path) -> None:
    tree = old_git.directory / "tree"
    old_git.git(repo, "worktree", "add", "-q", "-b", "other", str(tree))
    (tree / "deep").mkdir()
    old_git.commit(tree / "deep", "Change")
    hints = old_git.take_hints()
    assert [hint.event for hint in hints] == ["post-checkout", "post-commit"]
    assert common_dirs(hints) == {str(repo / ".git")}


def test_a_worktree_of_a_bare_repository_does_too(old_git: Desk) -> None:
    origin = old_git.make_repository("origin")
    bare, tree = old_git.directory / "bare.git", old_git.directory / "tree"
    old_git.git(origin, "clone", "-q", "--bare", ".", str(bare))
    assert old_git.hook("install", "--post-commit", str(bare)) == 0
    old_git.git(bare, "worktree", "add", "-q", "-b", "other", str(tree))
    old_git.commit(tree, "Change")
    assert common_dirs(old_git.take_hints()) == {str(bare)}


def test_a_submodule_s_hooks_are_its_own(old_git: Desk, repo: Path) -> None:
    inner = old_git.make_repository("inner")
    old_git.git(repo, "submodule", "add", "-q", str(inner), "part")
    assert old_git.hook("install", "--post-commit", str(repo / "part")) == 0
    old_git.take_hints()
    old_git.commit(repo / "part", "Change")
    assert common_dirs(old_git.take_hints()) == {str(repo / ".git" / "modules" / "part")}


@pytest.mark.parametrize("named", ["absolute", "relative", "by option"])
def test_a_work_tree_elsewhere_is_not_taken_for_the_repository(old_git: Desk, named: str) -> None:
    git_dir, tree = old_git.directory / "dotfiles.git", old_git.directory / "tree"
    tree.mkdir()
    old_git.git(old_git.directory, "init", "-q", "--bare", str(git_dir))
    assert old_git.hook("install", "--post-commit", str(git_dir)) == 0
    if named == "by option":
        command = ("--git-dir", str(git_dir), "--work-tree", str(tree))
        old_git.git(old_git.directory, *command, "commit", "-q", "--allow-empty", "-m", "Change")
    else:
        at = str(git_dir) if named == "absolute" else "../dotfiles.git"
        old_git.commit(tree, "Change", GIT_DIR=at, GIT_WORK_TREE=".")
    assert common_dirs(old_git.take_hints()) == {str(git_dir)}


@pytest.mark.parametrize("name", ["a b", "it's", "$(touch owned)", "`touch owned`", "%s%n", "-n", "a\tb", "caf\udce9"])
def test_odd_names_come_through_as_they_are(old_git: Desk, name: str) -> None:
    repo = old_git.make_repository(f"in {name}/{name}")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert old_git.take_hints() == [Hint("post-commit", str(repo))]
    assert not list(old_git.directory.rglob("owned"))


def test_a_newline_in_a_name_costs_the_hint_alone(old_git: Desk) -> None:
    repo = old_git.make_repository("a\nb")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert old_git.take_hints() == [Hint("post-commit", str(old_git.directory / "a"))]


def break_file(desk: Desk, how: str) -> None:
    """Make the hints file one that takes nothing."""
    if how == "gone":
        shutil.rmtree(desk.state)
    elif how == "full":
        desk.pending.symlink_to("/dev/full")
    elif how == "a directory":
        desk.pending.mkdir()
    else:
        shutil.rmtree(desk.state)
        desk.state.write_text("a file in the directory's place")


@pytest.mark.parametrize("how", ["gone", "full", "a directory", "a file above"])
def test_a_state_directory_that_takes_nothing_is_not_noticed(old_git: Desk, repo: Path, how: str) -> None:
    break_file(old_git, how)
    old_git.commit(repo, "Change")  # asserts exit 0
    done = old_git.run(repo, "git", "commit", "--allow-empty", "--amend", "-qm", "Change again")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = old_git.run(repo, "git", "checkout", "-qb", "other")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_that_nobody_reads_stops_growing(old_git: Desk, repo: Path) -> None:
    old_git.pending.write_bytes(b"x" * (HINTS_MAX_BYTES - 3) + b"\n")
    for _ in range(2):
        done = old_git.run(repo, "git", "commit", "-q", "--allow-empty", "-m", "Change")
        assert (done.returncode, done.stderr) == (0, "")
    assert old_git.pending.stat().st_size == HINTS_MAX_BYTES
    assert parse_hints(old_git.pending.read_bytes()) == []


def test_no_program_is_started_only_the_shell_s_own_words(old_git: Desk, repo: Path) -> None:
    git = shutil.which("git")
    assert git
    for arguments in (["commit", "-q", "--allow-empty", "-m", "Change"], ["checkout", "-q", "-b", "other"]):
        done = old_git.run(repo, git, *arguments, env={"PATH": "/nonexistent"})
        assert (done.returncode, done.stderr) == (0, "")
    assert len(old_git.take_hints()) == 2


def test_commit_to_a_pipe_ends_with_the_commit(old_git: Desk, repo: Path) -> None:
    done = old_git.run(repo, "sh", "-c", "git commit --allow-empty -m Change | cat")
    assert "Change" in done.stdout
    assert len(old_git.take_hints()) == 1


def test_the_hook_run_by_hand_outside_a_repository_is_silent(old_git: Desk, repo: Path) -> None:
    for event in EVENTS:
        done = old_git.run(Path("/"), str(repo / ".git" / "hooks" / event), stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {hint.path for hint in old_git.take_hints()} == {"/"}


def test_of_a_huge_rebase_the_first_commits_are_told(old_git: Desk, repo: Path) -> None:
    pairs = "".join(f"{number:040x} {number + 1:040x}\n" for number in range(PAIRS_MAX + 10))
    done = old_git.run(repo, ".git/hooks/post-rewrite", "rebase", input=pairs)
    assert (done.returncode, done.stderr) == (0, "")
    hints = old_git.take_hints()
    assert len(hints) == PAIRS_MAX + 1
    assert hints[-2].old == f"{PAIRS_MAX - 1:040x}"


def test_variables_of_the_caller_change_nothing(old_git: Desk, repo: Path) -> None:
    branch_off(old_git, repo, 2)
    old_git.take_hints()
    names = ("n", "old", "new", "where", "pairs", "status", "kept", "IFS", "_")
    odd = dict.fromkeys(names, "5001") | {"CDPATH": "/", "PWD": "/nonexistent"}
    old_git.git(repo, "rebase", "-q", "main", "topic", **odd)
    hints = old_git.take_hints()
    assert [hint.event for hint in hints].count("rewritten") == 2
    assert {hint.path for hint in hints} == {str(repo)}


SHELLCHECK = shutil.which("shellcheck")


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("is_chained", [False, True])
@pytest.mark.parametrize("event", EVENTS)
def test_shellcheck_finds_nothing(tmp_path: Path, event: str, is_chained: bool) -> None:
    shim = tmp_path / event
    shim.write_bytes(make_shim(event, "/home/it's me/.local/state/ail/hints/pending", is_chained=is_chained))
    line = tmp_path / "line"
    line.write_bytes(b"#!/bin/sh\n" + make_command(event, "/home/it's me/pending") + b"\n")
    done = subprocess.run([str(SHELLCHECK), str(shim), str(line)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox", "zsh", "mksh", "ksh93"])
def test_every_shell_that_may_be_called_sh_understands_it(tmp_path: Path, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    sh = tmp_path / "sh"
    sh.symlink_to(found)
    (tmp_path / "shim").write_bytes(make_shim("post-rewrite", str(tmp_path / "pending"), is_chained=False))
    done = subprocess.run([sh, tmp_path / "shim"], input=f"{'a' * 40} {'b' * 40}\n".encode(), cwd=tmp_path,
                          env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [hint.event for hint in parse_hints((tmp_path / "pending").read_bytes())] == ["rewritten", "post-rewrite"]
