"""`ail-hook install`, `uninstall`, `status`: where they put what, and what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hooks.desks import SOURCES, Desk, snapshot, states, write_hook

from ail_rpc.hints import EVENTS

NONE = dict.fromkeys(EVENTS, "missing") | {"post-commit": "left to events"}
"""Event -> state where nothing is installed."""


def test_install_says_what_it_did_and_status_agrees(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = old_git.make_repository()
    assert old_git.hook("status", "--json", str(repo)) == 1
    assert states(capsys) == NONE
    write_hook(repo / ".git" / "hooks", "post-merge", "#!/bin/sh\n:\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "post-merge     installed; the hook that was there runs first" in said.out
    assert old_git.hook("status", "--json", str(repo)) == 0
    assert states(capsys) == dict.fromkeys(EVENTS, "installed") | {"post-merge": "chained"}


def test_the_report_has_what_a_script_needs(old_git: Desk, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert old_git.hook("status", "--json", str(repo)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["repo"], told["hooks_dir"], told["tool"]) == (str(repo), f"{repo}/.git/hooks", None)
    assert told["git"][0].isdigit()
    assert told["events"]["post-merge"] == {
        "state": "installed", "by": "shim", "path": f"{repo}/.git/hooks/post-merge",
    }  # fmt: skip


def test_the_directory_of_the_hints_is_the_user_s_alone(old_git: Desk, repo: Path) -> None:
    assert repo.exists()
    assert old_git.pending.parent.stat().st_mode & 0o777 == 0o700


def test_the_current_directory_is_meant_where_none_is_named(old_git: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = old_git.make_repository()
    (repo / "deep").mkdir()
    monkeypatch.chdir(repo / "deep")
    assert old_git.hook("install", "--post-commit") == 0
    assert (repo / ".git" / "hooks" / "post-commit").exists()


def test_post_commit_is_left_out_where_events_tell_of_commits_and_put_in_where_they_do_not(
    old_git: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = old_git.make_repository()
    hook = repo / ".git" / "hooks" / "post-commit"
    mine = write_hook(hook.parent, "post-commit", "#!/bin/sh\n:\n").read_bytes()
    assert old_git.hook("install", str(repo)) == 0
    assert "post-commit    not needed" in capsys.readouterr().out
    assert hook.read_bytes() == mine
    assert old_git.hook("status", str(repo)) == 0
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    assert hook.read_bytes() != mine
    assert old_git.hook("install", str(repo)) == 0  # takes it back
    assert hook.read_bytes() == mine
    monkeypatch.setattr("ail_hooks.installing.find_deaf_type", lambda _: "nfs4")
    assert old_git.hook("status", str(repo)) == 1
    assert old_git.hook("install", str(repo)) == 0
    assert hook.read_bytes() != mine


def test_worktrees_share_the_hooks_of_their_repository(old_git: Desk, repo: Path) -> None:
    tree = old_git.directory / "tree"
    old_git.git(repo, "worktree", "add", "-q", str(tree))
    assert old_git.hook("uninstall", str(tree)) == 0
    assert not (repo / ".git" / "hooks" / "post-commit").exists()
    assert old_git.hook("install", "--post-commit", str(tree)) == 0
    assert (repo / ".git" / "hooks" / "post-commit").exists()


def test_git_variables_of_a_hook_do_not_lead_it_astray(
    old_git: Desk, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = old_git.make_repository("other")
    monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo))
    assert old_git.hook("uninstall", str(repo)) == 0
    assert old_git.hook("install", "--post-commit", str(other)) == 0
    assert (other / ".git" / "hooks" / "post-commit").exists()
    assert not (repo / ".git" / "hooks" / "post-commit").exists()


def test_a_repository_without_a_hooks_directory_gets_one(old_git: Desk) -> None:
    repo = old_git.make_repository("project", "--template=")
    assert not (repo / ".git" / "hooks").exists()
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert len(old_git.take_hints()) == 1


def test_uninstalling_what_is_not_there_is_fine(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = old_git.make_repository()
    before = snapshot(repo / ".git" / "hooks")
    assert old_git.hook("uninstall", str(repo)) == 0
    assert capsys.readouterr().out == "there was nothing to remove\n"
    assert snapshot(repo / ".git" / "hooks") == before


def refused(desk: Desk, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit status and stderr of a command that prints nothing else."""
    capsys.readouterr()
    status = desk.hook(*words)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ail-hook: ")
    return status, err


@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
@pytest.mark.parametrize("where", ["home", "nonexistent"])
def test_no_repository_is_an_error(old_git: Desk, capsys: pytest.CaptureFixture[str], command: str, where: str) -> None:
    assert refused(old_git, capsys, command, str(old_git.directory / where))[0] == 5


@pytest.mark.parametrize(
    "words", [(), ("dance",), ("install", "--dance"), ("install", "a", "b"), ("status", "--shim"),
              ("install", "--global", "."), ("install", "--global", "--shim"), ("-x",)],
)  # fmt: skip
def test_a_wrong_command_line_exits_2(
    old_git: Desk, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    status, err = refused(old_git, capsys, *words)
    assert status == 2
    assert "hint: " in err


def test_git_that_is_not_installed_is_said(
    old_git: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = old_git.make_repository()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert refused(old_git, capsys, "install", str(repo)) == (
        69, "ail-hook: git is not installed\nhint: install git, or put it on PATH\n",
    )  # fmt: skip


def test_an_older_git_has_no_place_for_all_repositories(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    status, err = refused(old_git, capsys, "install", "--global")
    assert status == 69
    assert "2.54" in err
    assert "in each repository" in err
    assert not (old_git.home / "gitconfig").exists()


def test_a_repository_that_git_refuses_is_an_error(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = old_git.make_repository()
    (repo / ".git" / "config").write_text("[broken\n")
    status, err = refused(old_git, capsys, "install", str(repo))
    assert status == 5
    assert "bad config" in err


@pytest.mark.parametrize("name", ["post-merge", "post-merge.before-ail"])
def test_a_directory_in_a_hook_s_place_stops_it_before_anything_is_changed(
    old_git: Desk, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    (hooks / name).mkdir()
    before = snapshot(hooks)
    status, err = refused(old_git, capsys, "install", str(repo))
    assert status == 1
    assert "is a directory" in err
    assert snapshot(hooks) == before


def test_a_file_in_the_place_of_the_hooks_directory_is_an_error(
    old_git: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = old_git.make_repository("project", "--template=")
    (repo / ".git" / "hooks").write_text("mine")
    status, err = refused(old_git, capsys, "install", str(repo))
    assert status == 1
    assert "is no directory" in err
    assert (repo / ".git" / "hooks").read_text() == "mine"


NOBODY = 65534  # may not read this interpreter's library where that lies in root's home: so it is imported first
DROP = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})" if os.geteuid() == 0 else "pass"
FILL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))"


def run_after(desk: Desk, first: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ail-hook` in a process of its own that has done *first*."""
    program = (
        f"import os, sys, shutil, traceback; sys.path[:0] = {SOURCES!r}; from ail_hooks import cli, commands, configured; "
        f"from ail_client import sanitise; {first}; sys.exit(cli.main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-B", "-c", program, *words],
        env=desk.env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_hooks_directory_that_may_not_be_written_to_is_an_error(old_git: Desk) -> None:
    repo = old_git.make_repository()
    old_git.git(repo, "config", "--global", "safe.directory", "*")
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\n:\n")
    (old_git.home / "gitconfig").chmod(0o644)
    old_git.state.parent.mkdir()
    old_git.state.parent.chmod(0o777)
    for above in (old_git.directory, *old_git.directory.parents):
        if "pytest" in str(above):  # its own directories, which only root may enter
            above.chmod(0o755)
    hooks.chmod(0o555)
    before = snapshot(hooks)
    done = run_after(old_git, DROP, "install", "--post-commit", str(repo))
    hooks.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written to" in done.stderr
    assert snapshot(hooks) == before


def test_a_shim_that_cannot_be_written_leaves_the_hook_that_was_there(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-commit", "#!/bin/sh\n:\n")
    before = snapshot(repo / ".git" / "hooks")
    done = run_after(old_git, FILL, "install", "--post-commit", str(repo))
    assert (done.returncode, done.stdout) == (1, "")
    assert "post-commit was not installed: File too large" in done.stderr
    assert snapshot(repo / ".git" / "hooks") == before


def test_a_mask_that_forbids_running_is_no_obstacle(old_git: Desk) -> None:
    repo = old_git.make_repository()
    assert run_after(old_git, "os.umask(0o177)", "install", "--post-commit", str(repo)).returncode == 0
    old_git.commit(repo, "Change")
    assert len(old_git.take_hints()) == 1


def test_a_state_directory_that_cannot_be_made_is_an_error(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = old_git.make_repository()
    old_git.state.parent.write_text("a file")
    status, err = refused(old_git, capsys, "install", str(repo))
    assert status == 1
    assert "XDG_STATE_HOME" in err
    assert not (repo / ".git" / "hooks" / "post-commit").exists()


def put_tool(desk: Desk, repo: Path, tool: str) -> None:
    """Leave what *tool* leaves."""
    hooks = repo / ".git" / "hooks"
    if tool == "pre-commit":
        write_hook(hooks, "pre-commit", "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n")
    elif tool == "prek":
        write_hook(hooks, "pre-push", "#!/bin/sh\n# File generated by prek: https://github.com/j178/prek\n")
    elif tool == "lefthook":
        write_hook(hooks, "pre-commit", '#!/bin/sh\ncall_lefthook()\n{\n  lefthook "$@"\n}\n')
    elif tool == "husky":
        (repo / ".husky" / "_").mkdir(parents=True)
        desk.git(repo, "config", "core.hooksPath", ".husky/_")
    elif tool == "core.hooksPath":
        desk.git(repo, "config", "--global", "core.hooksPath", str(desk.home / "hooks"))
    else:
        (desk.home / "linked").mkdir()
        hooks.rename(desk.home / "hooks")
        hooks.symlink_to(desk.home / "hooks")


TOOLS = {
    "pre-commit": "pre-commit install -t post-commit", "prek": "prek install -t post-commit",
    "lefthook": "lefthook install", "husky": ".husky/post-commit:", "core.hooksPath": "/home/hooks/post-commit:",
    "a link": "/.git/hooks/post-commit:",
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_another_tool_s_hooks_are_left_alone_and_its_snippet_is_printed(
    old_git: Desk, capsys: pytest.CaptureFixture[str], tool: str
) -> None:
    repo = old_git.make_repository()
    put_tool(old_git, repo, tool)
    before = old_git.run(repo, "sh", "-c", "ls -lR . .git ../home; cat .git/config .git/hooks/*").stdout
    assert old_git.hook("install", "--post-commit", str(repo)) == 1
    out, err = capsys.readouterr()
    assert TOOLS[tool] in out
    assert all(f"ail-hook run {event}" in out for event in EVENTS)
    assert "nothing was changed" in err
    assert old_git.run(repo, "sh", "-c", "ls -lR . .git ../home; cat .git/config .git/hooks/*").stdout == before
    old_git.hook("status", "--json", str(repo))
    assert json.loads(capsys.readouterr().out)["tool"] == tool


@pytest.mark.parametrize("tool", TOOLS)
def test_asked_explicitly_it_puts_shims_there_and_takes_them_away(
    old_git: Desk, capsys: pytest.CaptureFixture[str], tool: str
) -> None:
    repo = old_git.make_repository()
    put_tool(old_git, repo, tool)
    assert old_git.hook("install", "--post-commit", "--shim", str(repo)) == 0
    if tool not in ("pre-commit", "lefthook"):  # theirs would run the real tool
        old_git.commit(repo, "Change")
        assert len(old_git.take_hints()) == 1
    assert old_git.hook("install", "--post-commit", str(repo)) == 0  # brings its own shims up to date
    assert old_git.hook("uninstall", str(repo)) == 0
    capsys.readouterr()
    assert old_git.hook("status", "--json", str(repo)) == 1
    assert states(capsys) == NONE


def test_lefthook_that_has_not_yet_been_installed_is_recognised(
    old_git: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = old_git.make_repository()
    (repo / "lefthook.yml").write_text("pre-commit: {}\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 1
    assert "lefthook looks after" in capsys.readouterr().err


def test_a_configuration_file_of_pre_commit_alone_is_no_reason_to_stop(old_git: Desk) -> None:
    repo = old_git.make_repository()
    (repo / ".pre-commit-config.yaml").write_text("repos: []\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0


def test_the_line_for_husky_works_as_husky_runs_it(old_git: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    repo = old_git.make_repository()
    put_tool(old_git, repo, "husky")
    assert old_git.hook("install", "--post-commit", str(repo)) == 1
    line = capsys.readouterr().out.splitlines()[2].strip()
    (repo / ".husky" / "post-commit").write_text(f"{line}\n")
    write_hook(repo / ".husky" / "_", "post-commit", '#!/bin/sh\nexec sh -e "${0%/*}/../post-commit" "$@"\n')
    old_git.commit(repo, "Change")
    assert len(old_git.take_hints()) == 1
    (old_git.bin / "ail-hook").unlink()  # a colleague who does not have it
    done = old_git.run(repo, "git", "commit", "-q", "--allow-empty", "-m", "Change")
    assert (done.returncode, done.stderr) == (0, "")


def test_shims_are_found_where_core_hookspath_came_later(
    old_git: Desk, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old_git.git(repo, "config", "core.hooksPath", str(old_git.home / "hooks"))
    capsys.readouterr()
    assert old_git.hook("status", "--json", str(repo)) == 1
    assert states(capsys) == NONE  # git does not run them any more
    assert old_git.hook("uninstall", str(repo)) == 0
    assert not (repo / ".git" / "hooks" / "post-commit").exists()


def test_the_program_itself_helps_and_tells_its_version(old_git: Desk) -> None:
    for option in ("--help", "--version"):
        done = old_git.run(old_git.home, "ail-hook", option)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_bug_is_a_sentence_and_exits_70(
    old_git: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ail_hooks.installing.report", lambda _repository: 1 // 0)
    status, err = refused(old_git, capsys, "status", str(old_git.make_repository()))
    assert status == 70
    assert "Traceback" not in err
