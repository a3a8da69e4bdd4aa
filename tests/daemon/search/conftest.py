"""Real histories, written as short shell scripts, indexed in this process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.history.conftest import ENVIRONMENT, PRELUDE, shell
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.updating import update_large
from ail_daemon.model import REF_KINDS, Scope
from ail_daemon.repos.repo import Repo
from ail_daemon.search.candidates import Question
from ail_daemon.search.linehistory import NO_LINES, LineHistories
from ail_daemon.search.search import answer
from ail_rpc.discovery import find_repository

__all__ = ["indexed", "shell"]

Indexed = Callable[[str], RepoIndex]

HISTORY = """
    git init -q r; cd r
    printf 'import net\\n\\ndef stop(peer):\\n    peer.close()\\n' > peer.py; git add -A; commit -m 'Stop peers (#64)'
    sed -i '4i\\    # We wait here, because the peer may still send its last frame.\\n    peer.wait()' peer.py
    git add -A; commit -m 'Tune stopping'
    echo 'x = 1' > other.py; git add -A; commit -m 'Add the other module'
    printf '## Limits\\n\\nUploads are cut at ten megabytes so that a slow disk cannot fill the queue.\\n' > limits.md
    git add -A; commit -m 'Write limits down'
"""
REASON = "We wait here, because the peer may still send its last frame."


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


@pytest.fixture
def ask(request: pytest.FixtureRequest, shell: Any, indexed: Indexed, tmp_path: Path) -> Any:
    """Ask about HISTORY, or the one that is the parameter, as the searcher does: (text, file, line) to the reply."""
    shell(getattr(request, "param", HISTORY))
    index, place, histories = indexed("r"), find_repository(str(tmp_path / "r")), LineHistories()

    def ask(text: str, file: str | None = None, line: int | None = None, share_read: float = 1.0) -> dict[str, Any]:
        scope = Scope(file, (line, line) if line else None)
        lines = histories.find(place, file, scope.lines) if file else NO_LINES
        question = Question(text, scope, 5, "auto", lines.blamed, lines.logged, lines=lines, share_read=share_read)
        return answer(index, HashEncoder(), question)

    return ask
