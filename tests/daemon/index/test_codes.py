"""A long history's codes in a file: it saves time, and changes no answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index import codes as module
from ail_daemon.index import vectors
from ail_daemon.index.codes import CODES
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.vectors import Vectors
from ail_daemon.model import Embeddings, Encoder, Ids

COMMITS = 300


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "LARGE", 100)


def grow(index: RepoIndex, encoder: HashEncoder, first: int, last: int) -> None:
    commits = [make_commit(n, f"Change number{n} of part{n % 7} and reason{n % 11}") for n in range(first, last)]
    index.change(commits=commits)
    texts = index.store.find_unembedded(1000)[0]
    index.add_embeddings(list(texts), encoder.encode(list(texts.values())))
    index.publish()
    index.settle()


def ask(index: RepoIndex, encoder: Encoder) -> dict[int, float]:
    return index.find_near(encoder.encode(["why part3 and reason4 of number277"]), 20)


def open_again(index: RepoIndex, encoder: Encoder) -> RepoIndex:
    directory = index._stamp.parent
    index.close()
    return RepoIndex(directory, encoder)


@pytest.fixture
def long(tmp_path: Path, encoder: HashEncoder) -> RepoIndex:
    index = RepoIndex(tmp_path / "long", encoder)
    grow(index, encoder, 1, COMMITS)
    return index


def count_loaded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gains how many embeddings each batch loads from the store."""
    loaded: list[int] = []
    add = Vectors.add

    def count(self: Vectors, ids: Ids, rows: Embeddings) -> None:
        loaded.append(len(ids))
        add(self, ids, rows)

    monkeypatch.setattr(Vectors, "add", count)
    return loaded


def test_a_start_reads_the_file_and_no_embeddings(
    long: RepoIndex, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, loaded = ask(long, encoder), count_loaded(monkeypatch)
    again = open_again(long, encoder)
    assert again.vectors is not None
    assert again.vectors.are_codes
    assert sum(loaded) == 0
    assert ask(again, encoder) == before
    assert again.counts == long.counts
    again.close()


def test_what_came_and_went_since_the_file_was_written_is_looked_up(
    long: RepoIndex, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = (long._codes.stat().st_mtime_ns, long._codes.read_bytes())
    long.change(gone=[f"{4:040x}"])
    grow(long, encoder, COMMITS, COMMITS + 2)
    assert written == (long._codes.stat().st_mtime_ns, long._codes.read_bytes())  # three of 300: not yet due
    before, loaded = ask(long, encoder), count_loaded(monkeypatch)
    again = open_again(long, encoder)
    assert sum(loaded) == 2
    assert ask(again, encoder) == before
    assert again.counts.embedded == COMMITS
    again.close()


def test_the_file_is_written_anew_once_much_has_changed_or_it_is_old(
    long: RepoIndex, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = long._codes.stat().st_size
    grow(long, encoder, COMMITS, COMMITS + 20)
    assert long._codes.stat().st_size > size
    long.change(gone=[f"{4:040x}"])
    long.settle()
    size = long._codes.stat().st_size
    monkeypatch.setattr(module, "_OLDEST_S", -1.0)
    long.settle()
    assert long._codes.stat().st_size < size
    long.close()


def test_a_file_that_is_damaged_or_another_s_is_never_used(
    long: RepoIndex, encoder: HashEncoder, tmp_path: Path
) -> None:
    before, path = ask(long, encoder), long._codes
    whole = path.read_bytes()
    other = RepoIndex(tmp_path / "other", encoder)
    grow(other, encoder, 1000, 1000 + COMMITS)
    foreign = other._codes.read_bytes()
    other.close()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), len(whole) // 5)]
    for content in (foreign, whole[: len(whole) // 2], b"", *flipped):
        long.close()
        path.write_bytes(content)
        long = RepoIndex(path.parent, encoder)
        assert ask(long, encoder) == before
        assert path.stat().st_size == len(whole)  # and there is a good one again
    long.close()


def test_a_copy_of_the_store_is_right_with_the_file_of_another_time(long: RepoIndex, encoder: HashEncoder) -> None:
    """As a backup that is restored: ids of commits were given meanwhile to others."""
    directory = long._codes.parent
    long.close()
    kept = directory.with_name("kept")
    shutil.copytree(directory, kept)
    index = RepoIndex(directory, encoder)
    grow(index, encoder, 5000, 5100)
    later = index._codes.read_bytes()
    index.close()
    restored = RepoIndex(kept, encoder)
    grow(restored, encoder, 6000, 6003)
    wanted = ask(restored, encoder)
    restored.close()
    (kept / CODES).write_bytes(later)
    restored = RepoIndex(kept, encoder)
    assert ask(restored, encoder) == wanted
    assert restored.counts.embedded == COMMITS - 1 + 3
    restored.close()


def test_another_model_does_not_find_the_old_one_s_codes(long: RepoIndex) -> None:
    again = open_again(long, HashEncoder("new"))
    assert again.counts.embedded == 0
    grow(again, HashEncoder("new"), COMMITS, COMMITS + 1)
    assert again.counts.embedded == COMMITS
    again = open_again(again, HashEncoder("words-64"))  # the one before: its embeddings are gone
    assert again.counts.embedded == 0
    again.close()


def test_a_file_that_cannot_be_written_is_done_without(long: RepoIndex, encoder: HashEncoder) -> None:
    before, path = ask(long, encoder), long._codes
    long.close()
    path.unlink()
    path.mkdir()
    again = RepoIndex(path.parent, encoder)
    assert ask(again, encoder) == before
    again.close()
    assert not list(path.parent.glob(f"{CODES}.new"))


def test_a_short_history_has_no_such_file(tmp_path: Path, encoder: HashEncoder) -> None:
    index = RepoIndex(tmp_path / "short", encoder)
    grow(index, encoder, 1, 90)
    assert index.vectors is not None
    assert not index.vectors.are_codes
    index.close()
    assert not index._codes.exists()
