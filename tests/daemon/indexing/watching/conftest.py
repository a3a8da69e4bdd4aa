"""A watcher, what it has told so far, and a repository that it watches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.moving import run_git

from ail_daemon.indexing.watching.watcher import Watcher
from ail_rpc.discovery import find_repository

PATIENCE_S = 30.0


class Heard:
    """What a watcher told. A directory beside, watched as well, tells that all earlier events were told."""

    def __init__(self, beside: Path) -> None:
        self.overflows = 0
        self.watcher = Watcher(self.take, self.take_overflow)
        self.watcher.start()
        self._told: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._beside = beside / "signals"
        self._beside.mkdir(parents=True)
        assert self.watcher.watch_directory("signal", str(self._beside)) is None

    def take(self, key: str) -> None:
        with self._changed:
            self._told[key] += 1
            self._changed.notify_all()

    def take_overflow(self) -> None:
        with self._changed:
            self.overflows += 1
            self._changed.notify_all()

    def since(self, work: Callable[[], object]) -> set[str]:
        """The keys that were told of during *work*, and until all that it caused was told."""
        self.drain()
        with self._changed:
            before = Counter(self._told)
        work()
        self.drain()
        with self._changed:
            return {key for key in self._told if self._told[key] > before[key]} - {"signal"}

    def drain(self) -> None:
        """Wait until everything that happened so far was told: events come in order."""
        before = self._told["signal"]
        (self._beside / "now").write_text("")
        self.until(lambda: self._told["signal"] > before)

    def until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE_S)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path / "beside")
    yield made
    made.watcher.stop()


def make_repo(path: Path, *init: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    run_git(path.parent, "init", "-q", "-b", "main", *init, str(path))
    if "--bare" not in init:
        run_git(path, "commit", "-q", "--allow-empty", "-m", "Begin")
    return path


@pytest.fixture
def repo(tmp_path: Path, heard: Heard) -> Path:
    made = make_repo(tmp_path / "project")
    assert watch(heard, made) is None
    return made


def watch(heard: Heard, repo: Path) -> str | None:
    return heard.watcher.watch("repo", find_repository(str(repo)))
