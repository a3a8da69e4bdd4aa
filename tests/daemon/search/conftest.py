"""Real histories, written as short shell scripts, indexed in this process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.daemon.history.conftest import ENVIRONMENT, PRELUDE, shell
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.updating import update_large
from ail_daemon.model import REF_KINDS
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import find_repository

__all__ = ["indexed", "shell"]

Indexed = Callable[[str], RepoIndex]


def write_history(directory: Path, script: str) -> None:
    """Run *script* in *directory*, as the fixture `shell` does, for fixtures that outlive a test."""
    environment = {**ENVIRONMENT, "HOME": str(directory)}
    subprocess.run(["bash", "-c", PRELUDE + script], cwd=directory, env=environment, capture_output=True, check=True)


def build_index(repo: Path) -> RepoIndex:
    """Return the index of *repo*, beside it; newest commits first, as the daemon does it."""
    place = find_repository(str(repo))
    directory = repo.with_suffix(".index")
    index = RepoIndex(directory, HashEncoder())
    reader = LocalReader(place, REF_KINDS)
    update_large(reader, HashEncoder().encode, Repo(directory, place), index, lambda: None, lambda _: {})
    return index


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    """Indexes the repository in a subdirectory of the test's directory."""
    opened: list[RepoIndex] = []

    def build(name: str) -> RepoIndex:
        opened.append(build_index(tmp_path / name))
        return opened[-1]

    yield build
    for index in opened:
        index.close()
