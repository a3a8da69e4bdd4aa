"""A prepared model, a home with a daemon's state, and repositories made by git."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running import Home, prepare_models, sealed_home


@pytest.fixture(scope="session")
def models() -> Path:
    """A directory with the default model, prepared."""
    return prepare_models()


@pytest.fixture
def home(models: Path) -> Iterator[Home]:
    """A home with the model; a client's call starts its daemon."""
    with sealed_home(models) as made:
        yield made


@pytest.fixture(scope="session")
def common_home(models: Path) -> Iterator[Home]:
    """The same for all tests that stop, set and break nothing, and ask only about repositories of their own."""
    with sealed_home(models) as made:
        yield made


@pytest.fixture
def bare_home() -> Iterator[Home]:
    """A home in which no model was prepared."""
    with sealed_home() as made:
        yield made


class Repository:
    """A repository with a clock of its own; `commit` writes files and returns the sha."""

    def __init__(self, path: Path, *init: str) -> None:
        self.path = path
        self.shas: dict[str, str] = {}
        self._time = 1_700_000_000
        subprocess.run(["git", "init", "-q", "-b", "main", *init, str(path)], check=True, env=self._env)

    @property
    def _env(self) -> dict[str, str]:
        who = {"NAME": "Ann Author", "EMAIL": "ann@example.org", "DATE": f"{self._time} +0100"}
        named = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        sealed = {"HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        return {"PATH": os.environ["PATH"], **named, **sealed}

    def git(self, *arguments: str) -> str:
        """Run git here and return what it prints."""
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(command, cwd=self.path, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        """Write *files* (`__` in a name stands for a dot) and commit them."""
        self._time += 60
        for name, text in files.items():
            path = self.path / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


RETRY = """Retry uploads once on idle connections

Proxies drop connections that were idle for a minute, so that the first upload
after a pause failed with a reset. We retry once because the second attempt
opens a fresh connection.
"""
PAINT = """Paint the start page blue

The designers asked for it: red was taken for an error by half of the testers.
"""
TIMEOUT = """Raise the database timeout to thirty seconds

Nightly reports lock the ledger table for twenty seconds, which made every
request in that window fail.
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A small history of three reasons."""
    return make_repository(tmp_path / "project")


def make_repository(path: Path) -> Repository:
    """Make the small history of three reasons at *path*."""
    made = Repository(path)
    made.shas = {
        "retry": made.commit(RETRY, upload__py="def upload():\n    retry(1)\n    send()\n"),
        "paint": made.commit(PAINT, page__css="body { background: blue }\n"),
        "timeout": made.commit(TIMEOUT, db__py="TIMEOUT_S = 30\n"),
    }
    return made


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """The directory of the indexes on a file system of 8 MiB; making one needs root, as CI has it."""
    disk = home.state / "repos"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that needs root")
    yield disk
    home.stop()
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler
