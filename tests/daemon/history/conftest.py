"""Repositories written as short shell scripts, sealed off from the developer's machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ail_daemon.history.opening import History, open_history
from ail_rpc.discovery import find_repository

PRELUDE = """
set -eu
T=1700000000
git() { command git -c init.defaultBranch=main -c protocol.file.allow=always -c core.quotePath=false "$@"; }
tick() { T=$((T + 60)); export GIT_AUTHOR_DATE="$T +0200" GIT_COMMITTER_DATE="$T +0000"; }
commit() { tick; git add -A; git commit -q --allow-empty "$@"; }
merge() { tick; git merge -q --no-ff "$@"; }
"""

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada Lovelace",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Charles Babbage",
    "GIT_COMMITTER_EMAIL": "charles@example.org",
    "GIT_EDITOR": "false",
}

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a script in the test's directory and returns what it prints; `commit` and `merge` move the clock."""

    def run(script: str) -> str:
        environment = {**ENVIRONMENT, "HOME": str(tmp_path)}
        done = subprocess.run(
            ["bash", "-c", PRELUDE + script], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return os.fsdecode(done.stdout).strip()

    return run


@pytest.fixture
def open_at(tmp_path: Path) -> OpenAt:
    """Opens the repository in a subdirectory of the test's directory."""
    return lambda name: open_history(find_repository(str(tmp_path / name)))
