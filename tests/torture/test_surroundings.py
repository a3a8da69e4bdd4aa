"""Where the client may be called from: no environment, another user's, directories too deep or not to be written, a hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.torture.family import family
from tests.moving import git_environment, run_git
from tests.running import BIN, Home, sealed_home

AS_NOBODY = """
import importlib, os, pkgutil, sys
import ail_client, argparse, json, select, subprocess
from ail_client import cli
for room in pkgutil.iter_modules(ail_client.__path__):  # what he may not read is read before
    room.name == "__main__" or importlib.import_module("ail_client." + room.name)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.environ.clear(); os.environ.update(a.split("=", 1) for a in sys.argv[2:])
sys.exit(cli.main(sys.argv[1].split()))
"""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def run_as_nobody(command: str, *env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, command, *env], capture_output=True, text=True, check=False, cwd="/"
    )


@only_root
def test_without_any_environment_and_without_a_home_the_error_says_what_to_do() -> None:
    with family() as daemons:
        done = run_as_nobody("status")
        assert daemons.find_daemons() == set()
    assert done.returncode == 3
    assert "/nonexistent/.local/state/ail/run" in done.stderr
    assert "AIL_SOCKET" in done.stderr


@only_root
def test_after_su_the_runtime_directory_that_was_kept_is_not_entered(tmp_path: Path) -> None:
    kept = tmp_path / "run"
    kept.mkdir()
    kept.chmod(0o777)
    done = run_as_nobody("status --no-start", f"XDG_RUNTIME_DIR={kept}", "HOME=/tmp/nobody")
    assert done.returncode == 3
    assert "no daemon listens at /tmp/nobody/.local/state/ail/run/ail.sock" in done.stderr
    assert list(kept.iterdir()) == []


@pytest.mark.parametrize("home", ["/proc/ail", "/dev/null/ail"], ids=["not to be written", "no directory"])
def test_a_home_that_takes_no_file_is_a_clear_error_and_leaves_no_process(home: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": home}
    with family() as daemons:
        done = subprocess.run([BIN / "ail-client", "status"], env=env, capture_output=True, text=True, check=False)
        assert daemons.find_daemons() == set()
    assert done.returncode == 3
    assert f"{home}/.local/state" in done.stderr
    assert "Traceback" not in done.stderr


def test_directories_too_deep_for_a_socket_are_a_clear_error(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(deep), "XDG_RUNTIME_DIR": str(deep)}
    done = subprocess.run([BIN / "ail-client", "status"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "107 bytes" in done.stderr
    assert "AIL_SOCKET" in done.stderr
    assert list(deep.iterdir()) == []


def make_repository(path: Path, subject: str) -> str:
    path.mkdir()
    run_git(path, "init", "-q", "-b", "main")
    run_git(path, "commit", "-q", "--allow-empty", "-m", subject)
    return run_git(path, "rev-parse", "HEAD")


def commit_with_a_hook(home: Home, top: Path) -> subprocess.CompletedProcess[str]:
    """Commit in a linked worktree whose hook asks for the daemon, which starts it; the output goes through a pipe."""
    make_repository(top / "first", "Begin")
    run_git(top / "first", "worktree", "add", "-q", str(top / "tree"))
    hook = top / "first" / ".git" / "hooks" / "post-commit"
    hook.write_text(f"#!/bin/sh\nexec {BIN}/ail-client status >/dev/null\n")
    hook.chmod(0o755)
    return subprocess.run(
        ["sh", "-c", "git commit --allow-empty -m Again | cat"],
        cwd=top / "tree",
        env=git_environment() | home.env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,  # the daemon would hold the pipe for ever
    )


def test_a_daemon_that_a_hook_started_reads_the_repository_it_is_asked_about(tmp_path: Path) -> None:
    with sealed_home() as home:
        assert "Again" in commit_with_a_hook(home, tmp_path).stdout
        sha = make_repository(tmp_path / "other", "Be another repository")
        home.client("add", str(tmp_path / "other"), "--wait", "--no-start")
        done = home.client("show", sha, "--json", "--no-start", cwd=tmp_path / "other")
    assert json.loads(done.stdout)["subject"] == "Be another repository"
