"""A user for each test: every directory a daemon looks at is fresh and short; nothing of the developer's is seen."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon.daemon_process import User
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import RepoIndex


@pytest.fixture
def user() -> Iterator[User]:
    """A sealed user in a directory short enough for a socket's path; what it started is ended with it."""
    home = tempfile.mkdtemp(prefix="ail", dir="/tmp")
    user = User(home)
    yield user
    user.end()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set: neither in the environment nor in a file."""
    for name in list(os.environ):
        if name.upper().startswith(("AIL_", "FAISS_", "GITHUB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def index(tmp_path: Path, encoder: HashEncoder) -> Iterator[RepoIndex]:
    """An index in a temporary directory."""
    opened = RepoIndex(tmp_path / "index", encoder)
    yield opened
    opened.close()
