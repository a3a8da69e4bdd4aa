"""An index is opened and closed under the questions that read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.store import STORE_FILE, ClosedError
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import RepoPlace

WAIT_S = 5.0


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.index", RepoPlace(str(tmp_path), str(tmp_path), str(tmp_path), is_bare=True))


@pytest.fixture
def closing(repo: Repo) -> Iterator[Callable[[], None]]:
    """The repository, open, changed and in the middle of being closed: it is done when what is yielded has been called."""
    index, writes = repo.open_index(None), threading.Event()
    writer = threading.Thread(target=_write_until, args=(index, writes))
    writer.start()
    closer = threading.Thread(target=repo.close)
    closer.start()
    _wait_until_closed(index)

    def end() -> None:
        writes.set()
        closer.join(WAIT_S)

    yield end
    end()
    writer.join(WAIT_S)


def _write_until(index: RepoIndex, is_over: threading.Event) -> None:
    """Keep `close` waiting, as a checkpoint and the hash of a large file do."""
    with index.store.transaction() as db:
        db.execute("INSERT INTO meta VALUES ('probe', '1')")
        is_over.wait(WAIT_S)


def _wait_until_closed(index: RepoIndex) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            index.store.get_tips()
        except ClosedError:
            return
        time.sleep(0.01)
    raise TimeoutError("the index is still open")


def test_a_question_never_gets_an_index_that_is_being_closed(repo: Repo, closing: Callable[[], None]) -> None:
    opened: list[RepoIndex] = []
    asker = threading.Thread(target=lambda: opened.append(repo.open_index(None)))
    asker.start()
    asker.join(0.1)
    assert opened == []  # it waits, and is not given the closed one
    closing()
    asker.join(WAIT_S)
    assert opened[0].store.get_meta("probe") == "1"
    repo.close()


def test_a_database_that_is_being_closed_is_not_taken_for_a_damaged_one(
    repo: Repo, closing: Callable[[], None]
) -> None:
    found: list[bool] = []
    looker = threading.Thread(target=lambda: found.append(repo.is_damaged_at_rest()))
    looker.start()
    looker.join(0.1)
    closing()
    looker.join(WAIT_S)
    assert found == [False]


def test_a_flipped_byte_is_found_at_rest(repo: Repo) -> None:
    repo.open_index(None)
    repo.close()
    assert not repo.is_damaged_at_rest()
    with (repo.directory / STORE_FILE).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8)
    assert repo.is_damaged_at_rest()
