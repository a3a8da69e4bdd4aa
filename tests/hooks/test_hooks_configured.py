"""Hooks in git's configuration: what is written, with any git; that git runs it, with git 2.54 or newer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hooks.desks import Desk, snapshot, states, write_hook

from ail_hooks.configured import Configuration
from ail_hooks.repository import Repository
from ail_hooks.shims import make_command
from ail_rpc.hints import EVENTS, Hint

ODD = '/home/it\'s "me"; # \\n $HOME/café\udce9/hints/pending'


def listed(desk: Desk, repo: Path) -> list[str]:
    """The hooks' lines as git reads the file back."""
    return desk.git(repo, "config", "--file", ".git/config", "--get-regexp", "^hook").splitlines()


def test_the_command_comes_before_the_event_and_no_name_is_an_event_s(desk: Desk) -> None:
    repo = desk.make_repository()
    configuration = Configuration(Repository(str(repo)), "/state/pending")
    for event in EVENTS:
        configuration.install(event)
    assert listed(desk, repo) == [
        line
        for event in EVENTS
        for line in (
            f"hook.ail-{event}.command {make_command(event, '/state/pending').decode()}",
            f"hook.ail-{event}.event {event}",
        )
    ]


def test_odd_bytes_of_the_path_come_back_as_they_were(desk: Desk) -> None:
    repo = desk.make_repository()
    Configuration(Repository(str(repo)), ODD).install("post-commit")
    assert Configuration(Repository(str(repo)), ODD).get_state("post-commit") == "installed"
    assert Configuration(Repository(str(repo)), "/other").get_state("post-commit") == "outdated"


@pytest.mark.parametrize("before", [b"", b"[user]\n\tname = A\n", b'; a note\n[hook "mine"]\n  event=post-commit\n'])
def test_the_file_is_as_it_was_afterwards(desk: Desk, before: bytes) -> None:
    file = Path(desk.env["GIT_CONFIG_GLOBAL"])
    file.write_bytes(before)
    for event in EVENTS:
        Configuration(None, "/state/pending").install(event)
    installed = file.read_bytes()
    for event in EVENTS:
        Configuration(None, "/state/pending").install(event)
    assert file.read_bytes() == installed
    assert all(Configuration(None, "/x").uninstall(event) for event in EVENTS)
    assert not any(Configuration(None, "/x").uninstall(event) for event in EVENTS)
    assert file.read_bytes() == before


def test_an_older_command_is_renewed_and_a_switch_of_the_user_s_stays(desk: Desk) -> None:
    repo = desk.make_repository()
    Configuration(Repository(str(repo)), "/old/pending").install("post-merge")
    desk.git(repo, "config", "--add", "hook.ail-post-merge.event", "post-commit")
    desk.git(repo, "config", "hook.ail-post-merge.enabled", "false")
    Configuration(Repository(str(repo)), "/new/pending").install("post-merge")
    assert Configuration(Repository(str(repo)), "/new/pending").get_state("post-merge") == "disabled"
    desk.git(repo, "config", "hook.ail-post-merge.enabled", "true")
    assert Configuration(Repository(str(repo)), "/new/pending").get_state("post-merge") == "installed"
    assert len(listed(desk, repo)) == 3


def test_git_runs_each_of_them(new_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = new_git.make_repository()
    (repo / "file").write_text("text")
    new_git.git(repo, "add", "file")
    new_git.commit(repo, "Add a file")
    before = (repo / ".git" / "config").read_bytes()
    hooks = snapshot(repo / ".git" / "hooks")
    assert new_git.hook("install", "--post-commit", "--json", str(repo)) == 0
    assert states(capsys) == dict.fromkeys(EVENTS, "installed")
    assert snapshot(repo / ".git" / "hooks") == hooks
    path = str(repo)
    old = new_git.commit(repo, "Change")
    assert new_git.take_hints() == [Hint("post-commit", path)]
    new_git.git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "Better")
    new = new_git.git(repo, "rev-parse", "HEAD")
    assert new_git.take_hints()[1:] == [Hint("rewritten", path, old, new), Hint("post-rewrite", path)]
    new_git.git(repo, "checkout", "-q", "-b", "side", "HEAD~1")
    new_git.git(repo, "checkout", "-q", "main", "--", ".")
    assert new_git.take_hints() == [Hint("post-checkout", path)]
    new_git.git(repo, "merge", "-q", "main")
    assert new_git.take_hints() == [Hint("post-merge", path)]
    assert new_git.hook("uninstall", str(repo)) == 0
    assert (repo / ".git" / "config").read_bytes() == before


def test_they_run_beside_core_hookspath_and_for_every_repository(
    new_git: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    repo, ran = new_git.make_repository(), new_git.directory / "ran"
    assert new_git.hook("install", "--post-commit", "--global") == 0
    (repo / ".husky").mkdir()
    write_hook(repo / ".husky", "post-commit", f"#!/bin/sh\ntouch '{ran}'\n")
    new_git.git(repo, "config", "core.hooksPath", ".husky")
    new_git.commit(repo, "Change")
    assert ran.exists()
    assert new_git.take_hints() == [Hint("post-commit", str(repo))]
    capsys.readouterr()
    assert new_git.hook("status", str(repo)) == 0
    assert "the user's git configuration" in capsys.readouterr().out
    assert new_git.hook("install", "--post-commit", str(repo)) == 0
    new_git.commit(repo, "Change")
    assert len(new_git.take_hints()) == 1  # installed for both, git runs it once
    assert new_git.hook("uninstall", str(repo)) == 0
    assert "--global" in capsys.readouterr().out
    assert new_git.hook("uninstall", "--global") == 0
    new_git.commit(repo, "Change")
    assert new_git.take_hints() == []


@pytest.mark.parametrize("how", ["gone", "full"])
def test_a_state_directory_that_takes_nothing_is_not_noticed(new_git: Desk, how: str) -> None:
    repo = new_git.make_repository()
    assert new_git.hook("install", "--post-commit", str(repo)) == 0
    if how == "full":
        new_git.pending.symlink_to("/dev/full")
    else:
        new_git.pending.parent.rmdir()
    for command in (["commit", "-q", "--allow-empty", "--amend", "-m", "x"], ["checkout", "-q", "-b", "side"]):
        done = new_git.run(repo, "git", *command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_shims_of_an_older_git_give_way(new_git: Desk) -> None:
    repo = new_git.make_repository()
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\n:\n")
    before = snapshot(hooks)
    assert new_git.hook("install", "--post-commit", "--shim", str(repo)) == 0
    new_git.commit(repo, "Change")
    assert len(new_git.take_hints()) == 1
    assert new_git.hook("install", "--post-commit", str(repo)) == 0
    assert snapshot(hooks) == before
    new_git.commit(repo, "Change")
    assert len(new_git.take_hints()) == 1
    assert new_git.hook("install", "--post-commit", "--shim", str(repo)) == 0
    new_git.commit(repo, "Change")
    assert len(new_git.take_hints()) == 1


def test_a_worktree_s_commit_is_told_too(new_git: Desk) -> None:
    repo, tree = new_git.make_repository(), new_git.directory / "tree"
    assert new_git.hook("install", "--post-commit", str(repo)) == 0
    new_git.git(repo, "worktree", "add", "-q", str(tree))
    new_git.take_hints()
    new_git.commit(tree, "Change")
    assert new_git.take_hints() == [Hint("post-commit", f"{repo}/.git/worktrees/tree")]
