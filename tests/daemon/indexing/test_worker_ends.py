"""A worker that ends in the middle of an update, as at a stop, leaves words that need not be built anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.daemon.history.conftest import shell
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import STAMP, RepoIndex
from ail_daemon.index.words import MESSAGE_FIELDS
from ail_daemon.indexing.lanes import _changing
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.updating import update_large
from ail_daemon.indexing.workerprocess import WorkerDiedError
from ail_daemon.model import REF_KINDS
from ail_daemon.repos.repo import Repo
from ail_daemon.text.passages import CommitChanges
from ail_rpc.discovery import find_repository

__all__ = ["shell"]

HISTORY = 'git init -q r; cd r; for n in 1 2 3; do echo "x = $n" > a.py; git add .; git commit -qm "Step $n"; done'


class DyingReader(LocalReader):
    """Reads the history; its worker ends at the first changed line."""

    def iter_changes(self, shas: list[str]) -> Iterator[list[CommitChanges]]:
        raise WorkerDiedError(f"the reader ended before {shas[0]}")


def test_words_that_were_read_before_are_kept(
    shell: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell(HISTORY)
    place = find_repository(str(tmp_path / "r"))
    repo, encoder = Repo(tmp_path / "r.index", place), HashEncoder()
    with pytest.raises(WorkerDiedError), _changing(repo, encoder) as index:
        update_large(DyingReader(place, REF_KINDS), encoder.encode, repo, index, lambda: None, lambda _: {})
    assert repo.is_doubtful
    assert (repo.directory / STAMP).exists()
    repo.close()

    def refuse(*_: object) -> None:
        raise AssertionError("the words are built anew")

    monkeypatch.setattr("ail_daemon.index.repoindex.shutil.rmtree", refuse)
    again = RepoIndex(repo.directory, encoder)
    assert len(again.words.find(again.words.analyze("step"), MESSAGE_FIELDS, 9)) == 3
    again.close()
