from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index.store import DamagedError, Store, check_seal, database, hash_text
from ail_daemon.index.store.seal import make_seal
from ail_daemon.model import PullRequest, Tips
from ail_daemon.text.passages import CommitChanges
from ail_rpc.errors import BusyError, StorageError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def test_a_commit_comes_back_as_it_went_in(store: Store) -> None:
    commit = make_commit(7, "Café\n\nwith a NUL \0 inside", ("src/a.py",), parents=(5, 6))
    ids = store.add_commits([commit])
    (found,) = store.get_commits(list(ids.values())).values()
    assert found.message == commit.message
    assert found.parents == commit.parents
    assert (found.author_time, found.author_offset_min) == (commit.author_time, 60)


def test_adding_twice_adds_once(store: Store) -> None:
    assert len(store.add_commits([make_commit(1, "one")])) == 1
    assert store.add_commits([make_commit(1, "one")]) == {}
    assert store.count() == (1, 0)


def test_ids_are_never_given_twice(store: Store) -> None:
    first = store.add_commits([make_commit(1, "one")])
    store.remove_commits(first)
    second = store.add_commits([make_commit(2, "two")])
    assert set(first.values()).isdisjoint(second.values())


def test_touching_follows_renames_backwards_and_not_forwards(store: Store) -> None:
    ids = store.add_commits(
        [
            make_commit(1, "add", ("old.py",)),
            make_commit(2, "rename", ("old.py", "mid.py"), (("old.py", "mid.py"),)),
            make_commit(3, "rename again", ("mid.py", "new.py"), (("mid.py", "new.py"),)),
            make_commit(4, "another", ("other.py",)),
        ]
    )
    one, two, three, _ = ids.values()
    assert store.find_touching("new.py") == {one, two, three}
    assert store.find_touching("old.py") == {one, two}


def test_a_rename_back_and_forth_ends(store: Store) -> None:
    ids = store.add_commits(
        [
            make_commit(1, "there", ("a", "b"), (("a", "b"),)),
            make_commit(2, "and back", ("b", "a"), (("b", "a"),)),
        ]
    )
    assert store.find_touching("a") == set(ids.values())


def test_paths_of_any_bytes_are_kept(store: Store) -> None:
    odd = b"caf\xe9/\xff.py".decode("utf-8", "surrogateescape")
    ids = store.add_commits([make_commit(1, "odd", (odd,))])
    assert store.get_paths(ids[f"{1:040x}"]) == [odd]
    assert store.knows_path(odd)


def test_what_has_no_embedding_is_told_newest_first_and_each_text_once(store: Store) -> None:
    store.add_commits([make_commit(1, "old"), make_commit(2, "same"), make_commit(3, "new"), make_commit(4, "same")])
    assert [*store.find_unembedded(10)[0].values()] == ["same", "new", "old"]
    store.add_embeddings([hash_text("same")], np.eye(1, 8, dtype=np.float32))
    assert [*store.find_unembedded(10)[0].values()] == ["new", "old"]
    assert [place for place, _ in store.find_by_text([hash_text("other"), hash_text("same")])] == [1, 1]


def test_every_change_raises_the_generation(store: Store) -> None:
    seen = [store.generation]
    store.add_commits([make_commit(1, "one")])
    seen.append(store.generation)
    store.add_embeddings([hash_text("one")], np.eye(1, 8, dtype=np.float32))
    seen.append(store.generation)
    store.remove_commits([f"{1:040x}"])
    seen.append(store.generation)
    assert seen == sorted(set(seen))


def test_tips_come_back_with_odd_ref_names(store: Store) -> None:
    odd = b"refs/heads/\xe9".decode("utf-8", "surrogateescape")
    tips = Tips("a" * 40, {odd: "b" * 40, "refs/tags/--format=x": "c" * 40})
    store.set_tips(tips)
    assert store.get_tips() == tips


def test_an_abbreviated_sha_is_found_where_it_is_unambiguous(store: Store) -> None:
    store.add_commits([make_commit(0xABC0, "one"), make_commit(0xABC1, "two")])
    assert store.find_sha(f"{0xABC0:040x}") == [f"{0xABC0:040x}"]
    assert len(store.find_sha("0" * 36 + "abc")) == 2
    assert store.find_sha("f" * 7) == []


def test_a_failed_batch_leaves_nothing_behind(store: Store) -> None:
    broken = make_commit(2, "two")
    object.__setattr__(broken, "author", None)
    with pytest.raises(StorageError):
        store.add_commits([make_commit(1, "one"), broken])
    assert store.count() == (0, 0)
    store.add_commits([make_commit(3, "three")])
    assert store.count() == (1, 0)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StorageError, match="damaged") as caught:
        Store(path)
    assert "add it again" in caught.value.hint


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer"):
        Store(path)


def test_a_text_that_is_no_utf8_is_damage(store: Store) -> None:
    """Only valid UTF-8 is written; SQLite itself takes a flipped bit in it for text."""
    ids = store.add_commits([make_commit(1, "one")])
    with store.transaction() as db:
        db.execute("UPDATE commits SET message = CAST(x'6fff65' AS TEXT)")
    with pytest.raises(DamagedError, match="damaged"):
        store.get_commits(list(ids.values()))


def test_a_schema_that_is_no_utf8_is_damage(tmp_path: Path) -> None:
    """SQLite quotes it in its message, which Python's module cannot decode: a UnicodeDecodeError instead of its own."""
    path = tmp_path / "store.sqlite"
    Store(path).close()
    path.with_suffix(".seal").unlink()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"CREATE TABLE retired", b"CREATE TA\x81v\x97 retired"))
    assert path.read_bytes() != whole
    with pytest.raises(DamagedError):
        Store(path)


def test_only_the_writer_checkpoints(store: Store) -> None:
    store.add_commits([make_commit(1, "one")])
    assert store.count() == (1, 0)
    reader = store._readers.take().connection
    assert reader.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM commits")


def test_closing_waits_for_what_other_threads_read(tmp_path: Path) -> None:
    """A connection that was closed under a running query ended the process, in two of three runs of this test."""
    path = tmp_path / "store.sqlite"
    with contextlib.closing(Store(path)) as made:
        made.add_commits([make_commit(number, f"subject {number} " * 40) for number in range(300)])
    ids, told = list(range(1, 300)), []

    def read_on(opened: Store, has_begun: threading.Event) -> None:
        try:
            while True:
                opened.get_commits(ids)
                list(opened.iter_links())
                has_begun.set()
        except BusyError as err:
            told.append(err)

    for _ in range(40):
        opened, has_begun = Store(path), threading.Event()
        threads = [threading.Thread(target=read_on, args=(opened, has_begun)) for _ in range(3)]
        for thread in threads:
            thread.start()
        has_begun.wait()
        opened.close()
        for thread in threads:
            thread.join()
    assert len(told) == 120


def test_what_was_said_of_a_commit_goes_with_it_and_changes_no_answer(store: Store) -> None:
    store.add_commits([make_commit(1, "one"), make_commit(2, "two")])
    one, two, gone = (f"{number:040x}" for number in (1, 2, 3))
    request, before = PullRequest(7, "Title", "https://x", "merged"), store.generation
    store.add_pull_requests({one: request, two: None, gone: request}, 1_000)
    assert store.get_pull_requests([one, two, gone]) == {one: (request, 1_000), two: (None, 1_000)}
    assert store.generation == before
    store.remove_commits([one])
    assert store.get_pull_requests([one, two]) == {two: (None, 1_000)}


def test_an_older_database_gains_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    store.add_commits([make_commit(1, "one")])
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TABLE pull_requests; PRAGMA user_version = 4;")
    path.with_suffix(".seal").unlink()
    store = Store(path)
    assert store.get_pull_requests([f"{1:040x}"]) == {}
    assert store.count() == (1, 0)
    store.close()


def test_a_thread_that_has_ended_leaves_no_descriptor(store: Store) -> None:
    def read_in_a_thread() -> int:
        thread = threading.Thread(target=store.count)
        thread.start()
        thread.join()
        return len(os.listdir("/proc/self/fd"))

    store.count()
    before = read_in_a_thread()
    assert [read_in_a_thread() for _ in range(5)] == [before] * 5


def test_threads_that_read_in_turn_share_their_connections(store: Store) -> None:
    """With one a thread, a pool's further threads, and those in reserve, kept two descriptors each in every repository."""
    turn, all_have_read = threading.Lock(), threading.Barrier(8)

    def read(_: int) -> None:
        with turn:
            store.count()
        all_have_read.wait()  # no thread ends before

    store.count()
    before = len(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_file_is_hashed_at_the_end_of_a_series_of_changes_and_not_at_each_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[Path] = []

    def make_and_note(path: Path) -> None:
        sealed.append(path)
        make_seal(path)

    monkeypatch.setattr(database, "make_seal", make_and_note)
    monkeypatch.setattr(database, "LOG_MAX_BYTES", 0)  # a checkpoint after each transaction
    path = tmp_path / "store.sqlite"
    store = Store(path)
    for number in range(5):
        store.add_commits([make_commit(number, f"Change {number}")])
    assert (sealed, check_seal(path)) == ([], None)
    store.rest()
    store.rest()
    assert (len(sealed), check_seal(path)) == (1, True)
    store.close()


def test_what_is_unread_and_unembedded_is_found_part_by_part_newest_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    store.add_commits([make_commit(number, f"Change {number}") for number in range(1, 8)])
    first, until = store.find_unread(3)
    assert [int(sha, 16) for sha in first] == [7, 6, 5]
    store.add_changed([CommitChanges(sha, "") for sha in first])
    assert [int(sha, 16) for sha in store.find_unread(3, until)[0]] == [4, 3, 2]
    texts, until = store.find_unembedded(2)
    assert list(texts.values()) == ["Change 7", "Change 6"]
    store.add_embeddings(list(texts), HashEncoder().encode(list(texts.values())))
    assert list(store.find_unembedded(2, until)[0].values()) == ["Change 5", "Change 4"]
    store.close()


def test_lines_read_again_are_not_counted_as_new(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    commit = make_commit(1, "Change")
    store.add_commits([commit])
    rows = [CommitChanges(commit.sha, "+a"), CommitChanges("f" * 40, "+b")]
    assert [store.add_changed(rows), store.add_changed(rows), store.count()] == [1, 0, (1, 1)]
    store.close()


INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"


def test_a_store_that_was_filled_has_the_indexes_of_any_other(store: Store) -> None:
    before = store.read(INDEXES)
    with store.filling():
        ids = store.add_commits([make_commit(number, f"Change {number % 2}") for number in range(1, 8)])
        assert len(store.read(INDEXES)) == len(before) - 4
        assert len(store.find_by_text([hash_text("Change 0")])) == 3  # found meanwhile, too
    assert store.read(INDEXES) == before
    assert (len(ids), store.check_integrity()) == (7, "ok")
    assert len(store.find_by_text([hash_text("Change 1")])) == 4


def test_a_store_whose_filling_was_killed_gets_its_indexes_when_it_is_opened(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    before = store.read(INDEXES)
    with store.filling():
        store.add_commits([make_commit(1, "one")])
        for name in ("store.sqlite", "store.sqlite-wal"):  # as a kill leaves them
            (tmp_path / f"killed-{name}").write_bytes((tmp_path / name).read_bytes())
    store.close()
    killed = Store(tmp_path / "killed-store.sqlite")
    assert (killed.read(INDEXES), killed.count()) == (before, (1, 0))
    killed.close()


def test_the_same_commit_twice_is_added_once(store: Store) -> None:
    one, two = make_commit(1, "one", ("a.py",)), make_commit(2, "two", ("a.py", "b.py"))
    store.add_commits([one])
    ids = store.add_commits([one, two, two])
    assert list(ids) == [two.sha]
    assert store.get_paths(ids[two.sha]) == ["a.py", "b.py"]
    assert store.find_touching("a.py") == {*store.get_ids([one.sha, two.sha]).values()}
