"""`ail-client stop` returns within two seconds, whatever the daemon waits for."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import psutil
from tests.daemon.daemon_process import wait_until
from tests.integration.conftest import Repository
from tests.running import BIN, Home, find_children


def replace_by_fifo(repo: Repository, name: str) -> None:
    """Put a FIFO into the place of an object: git opens it and hangs, as on a disk that does not answer."""
    sha = repo.git("rev-parse", name)
    file = repo.path / ".git" / "objects" / sha[:2] / sha[2:]
    file.unlink()
    os.mkfifo(file)


def test_a_daemon_whose_git_hangs_stops_within_two_seconds_and_leaves_no_git(bare_home: Home, tmp_path: Path) -> None:
    made = Repository(tmp_path / "project")
    made.commit("Turn the knob\n\nBecause the meter was off.", knob__txt="1\n")
    assert bare_home.client("add", str(made.path), "--wait").returncode == 0
    bare_home.stop()
    replace_by_fifo(made, "HEAD:knob.txt")
    with bare_home.daemon() as process:
        question = [str(BIN / "ail-client"), "ask", "--repo", str(made.path), "knob.txt:1", "why?"]
        with subprocess.Popen(question, env=bare_home.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as asking:
            wait_until(lambda: bool(find_children(process.pid, "git")))
            gits = psutil.Process(process.pid).children()
            started = time.monotonic()
            assert bare_home.client("stop").returncode == 0
            assert time.monotonic() - started < 2
            asking.kill()
        assert process.wait() == 0
        wait_until(lambda: not any(git.is_running() for git in gits))
