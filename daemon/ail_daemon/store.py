"""The only importer of sqlite3: a repository's commits, embeddings and tips, the truth that all else is a cache of.

One connection writes and checkpoints: in SQLite before 3.51.3 two of them can damage a WAL. What a method of `Store` wrote
is on disk when it returns. Readers have a connection each thread and never checkpoint. Every change raises `generation`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ail_rpc.errors import StorageError

from . import derived
from .model import Commit, Embeddings, Tips
from .vectors import Ids

SQLITE_VERSION = sqlite3.sqlite_version
SCHEMA_VERSION = 2
"""Raised with every table that `schema.sql` gains: it is run again then, so that it may only add."""
_BY_COMMIT = ("touches", "renames", "changes", *derived.TABLES)  # tables with a commit_id
_NOTHING = zlib.compress(b"", 1)  # changed lines of a commit that has none
_BATCH = 1024  # rows read at once where a whole table is
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-1024;"
_INSERT_COMMIT = "INSERT INTO commits VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha) DO NOTHING"
_COMMIT_COLUMNS = "id, sha, parents, author, email, author_time, author_offset_min, commit_time, message"


Writing = sqlite3.Connection
"""What a transaction writes through."""

Reading = sqlite3.Connection
"""What `open_reader` yields."""

STORE_FILE = "store.sqlite"
"""The database's name in a repository's directory."""


@contextlib.contextmanager
def open_reader(path: Path) -> Iterator[Reading]:
    """Open a database that somebody else writes, for reading, and close it at the end."""
    with _translated(), contextlib.closing(_connect_reader(path)) as connection:
        yield connection


def hash_text(text: str) -> bytes:
    """Return the key under which a text's embedding is kept: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Store:
    """One repository's database. Raises StorageError where the disk is full, read-only, or the file damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        with _translated():
            self._writer = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._writer.executescript(_PRAGMAS)
            self._prepare_schema()

    def close(self) -> None:
        """Checkpoint and close."""
        for reader in self._readers:
            reader.close()
        self._writer.close()

    def read(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query, as the last finished transaction left them."""
        with _translated():
            return self._reader().execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self, *, documents: bool = False) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, on disk when it ends; those begun inside it join it.

        documents: whether something that the word index holds changes.
        """
        with self._writing, _translated():
            if self._writer.in_transaction:
                yield self._writer
                self._count_change(documents)
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._count_change(documents)
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    # --- meta -------------------------------------------------------------------------------------------------------

    def get_meta(self, key: str) -> str | None:
        """Return a setting kept with the index, None where it was never set."""
        rows = self.read("SELECT value FROM meta WHERE key = ?", key)
        return rows[0][0] if rows else None

    def set_meta(self, **values: str) -> None:
        """Keep settings with the index."""
        with self.transaction() as db:
            db.executemany("REPLACE INTO meta VALUES (?, ?)", values.items())

    @property
    def generation(self) -> int:
        """How often the index has changed."""
        return int(self.get_meta("generation") or 0)

    @property
    def documents(self) -> int:
        """How often something that the word index holds has changed."""
        return int(self.get_meta("documents") or 0)

    # --- writing ----------------------------------------------------------------------------------------------------

    def add_commits(self, commits: Sequence[Commit]) -> dict[str, int]:
        """Add commits with their paths; return sha -> id of those that were new."""
        added: dict[str, int] = {}
        with self.transaction(documents=True) as db:
            for commit in commits:
                row = _commit_row(commit)
                cursor = db.execute(_INSERT_COMMIT, row)
                if cursor.rowcount:
                    added[commit.sha] = int(cursor.lastrowid or 0)
                    self._add_paths(db, added[commit.sha], commit)
                    derived.add_message(db, added[commit.sha], commit.message)
        return added

    def add_changed(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keep the changed lines of commits: (sha, text); a sha that is not here is passed over."""
        with self.transaction(documents=True) as db:
            for sha, text in rows:
                kept = db.execute(
                    "REPLACE INTO changes SELECT id, ? FROM commits WHERE sha = ? RETURNING commit_id",
                    (zlib.compress(text.encode("utf-8", "replace"), 1), bytes.fromhex(sha)),
                ).fetchone()
                if kept:
                    derived.add_changed(db, kept[0], text)

    def add_embeddings(self, hashes: Sequence[bytes], embeddings: Embeddings) -> None:
        """Keep embeddings (n, dimension) under their texts' hashes."""
        halves = embeddings.astype(np.float16)
        with self.transaction() as db:
            db.executemany(
                "REPLACE INTO embeddings VALUES (?, ?)", ((h, e.tobytes()) for h, e in zip(hashes, halves, strict=True))
            )

    def remove_commits(self, shas: Iterable[str]) -> list[int]:
        """Remove commits and what only they used; return the ids they had."""
        removed = []
        with self.transaction(documents=True) as db:
            for sha in shas:
                row = db.execute("DELETE FROM commits WHERE sha = ? RETURNING id", (bytes.fromhex(sha),)).fetchone()
                if row:
                    removed.append(int(row[0]))
                    for table in _BY_COMMIT:
                        db.execute(f"DELETE FROM {table} WHERE commit_id = ?", row)  # noqa: S608 - names of our own
        return removed

    def remove_orphans(self) -> None:
        """Remove what belongs to commits that are not here: there is none but after damage."""
        with self.transaction(documents=True) as db:
            for table in _BY_COMMIT:
                db.execute(f"DELETE FROM {table} WHERE commit_id NOT IN (SELECT id FROM commits)")  # noqa: S608 - ours

    def set_tips(self, tips: Tips) -> None:
        """Note that every commit reachable from *tips*, and no other, is here. Writes what differs: there may be 100,000."""
        before, now = _named(self.get_tips()), _named(tips)
        with self.transaction() as db:
            db.executemany(
                "DELETE FROM tips WHERE ref = ?", ((os.fsencode(ref),) for ref in before.keys() - now.keys())
            )
            moved = (ref for ref, sha in now.items() if before.get(ref) != sha)
            db.executemany("REPLACE INTO tips VALUES (?, ?)", ((os.fsencode(r), bytes.fromhex(now[r])) for r in moved))
            self.set_meta(boundary=" ".join(sorted(tips.boundary)))

    def clear_embeddings(self) -> None:
        """Forget every embedding: the model that made them is no longer the one that serves."""
        with self.transaction() as db:
            db.execute("DELETE FROM embeddings")

    # --- reading ----------------------------------------------------------------------------------------------------

    def get_tips(self) -> Tips:
        """Return the tips the index was last made equal to; no HEAD and no refs where it never was."""
        refs = {os.fsdecode(ref): sha.hex() for ref, sha in self.read("SELECT ref, sha FROM tips")}
        return Tips(refs.pop("HEAD", None), refs, frozenset((self.get_meta("boundary") or "").split()))

    def count(self) -> tuple[int, int]:
        """Return how many commits there are, and of how many the changed lines were read."""
        ((commits, changed),) = self.read("SELECT (SELECT count(*) FROM commits), (SELECT count(*) FROM changes)")
        return commits, changed

    def count_documents(self) -> int:
        """Return how many documents the word index should hold: each message, and changed lines where there are any."""
        ((commits, changed),) = self.read(
            "SELECT (SELECT count(*) FROM commits), (SELECT count(*) FROM changes WHERE length(text) > ?)",
            len(_NOTHING),
        )
        return int(commits + changed)

    def count_embedded(self) -> int:
        """Return how many commits there is an embedding for."""
        ((embedded,),) = self.read("SELECT count(*) FROM commits JOIN embeddings USING (text_hash)")
        return int(embedded)

    def check_integrity(self) -> str:
        """Return "ok", or the first thing that SQLite finds wrong with its file; 0.1 s for each 50 MB."""
        return str(self.read("PRAGMA integrity_check(1)")[0][0])

    def iter_shas(self) -> Iterator[str]:
        """Yield every sha, in no order."""
        return (sha.hex() for (sha,) in self.read("SELECT sha FROM commits"))

    def iter_links(self) -> Iterator[tuple[str, list[str]]]:
        """Yield (sha, its parents' shas) of every commit; 17,000 in 20 ms."""
        for sha, parents in self.read("SELECT sha, parents FROM commits"):
            size, named = 2 * len(sha), parents.hex()
            yield sha.hex(), [named[start : start + size] for start in range(0, len(named), size)]

    def find_sha(self, prefix: str) -> list[str]:
        """Return the shas that begin with *prefix* (at least 4 hex digits), two at the most."""
        low = bytes.fromhex(prefix + "0" * (len(prefix) % 2))
        rows = self.read("SELECT sha FROM commits WHERE sha >= ? ORDER BY sha LIMIT 32", low)
        return [sha for (blob,) in rows if (sha := blob.hex()).startswith(prefix)][:2]

    def get_commits(self, ids: Sequence[int]) -> dict[int, Commit]:
        """Return id -> commit without its paths, for those of *ids* that exist."""
        marks = ", ".join("?" * len(ids))
        rows = self.read(f"SELECT {_COMMIT_COLUMNS} FROM commits WHERE id IN ({marks})", *ids)  # noqa: S608
        return {row[0]: _to_commit(row) for row in rows}

    def get_ids(self, shas: Iterable[str]) -> dict[str, int]:
        """Return sha -> id of those that are here."""
        found = ((sha, self.read("SELECT id FROM commits WHERE sha = ?", bytes.fromhex(sha))) for sha in shas)
        return {sha: rows[0][0] for sha, rows in found if rows}

    def get_paths(self, commit_id: int) -> list[str]:
        """Return the paths a commit touched."""
        query = "SELECT path FROM touches JOIN paths ON paths.id = path_id WHERE commit_id = ? ORDER BY path"
        return [os.fsdecode(path) for (path,) in self.read(query, commit_id)]

    def get_paths_of(self, ids: Sequence[int], most: int) -> dict[int, list[str]]:
        """Return commit id -> up to *most* paths that it touched, in no order; ids without any are left out."""
        listed = ", ".join(map(str, map(int, ids)))
        counts = self.read(f"SELECT commit_id, count(*) FROM touches WHERE commit_id IN ({listed}) GROUP BY commit_id")  # noqa: S608
        small = ", ".join(str(commit_id) for commit_id, count in counts if count <= most)
        query = "SELECT commit_id, path FROM touches JOIN paths ON paths.id = path_id WHERE commit_id"
        rows = self.read(f"{query} IN ({small})")
        for commit_id, count in counts:
            if count > most:
                rows += self.read(f"{query} = ? LIMIT ?", commit_id, most)
        found: dict[int, list[str]] = {}
        for commit_id, path in rows:
            found.setdefault(commit_id, []).append(os.fsdecode(path))
        return found

    def get_parents(self) -> dict[int, tuple[int, ...]]:
        """Return commit id -> its parents' ids, those that are here."""
        rows = self.read("SELECT id, sha, parents FROM commits")
        ids = {sha: commit_id for commit_id, sha, _ in rows}
        return {commit_id: _find_parents(ids, len(sha), parents) for commit_id, sha, parents in rows}

    def find_touching(self, path: str) -> set[int]:
        """Return the ids of commits that touch *path*, also under the names it had before it was renamed to it."""
        rows = self.read(
            "WITH RECURSIVE names(id) AS (SELECT id FROM paths WHERE path = ?"
            " UNION SELECT old_id FROM renames JOIN names ON new_id = names.id)"
            " SELECT commit_id FROM touches JOIN names ON path_id = names.id",
            os.fsencode(path),
        )
        return {commit_id for (commit_id,) in rows}

    def find_dated(self, path: str) -> list[tuple[int, int]]:
        """Return (commit time, id) of the commits that touch *path* under any name it had, newest first."""
        return self.read(
            "WITH RECURSIVE names(id) AS (SELECT id FROM paths WHERE path = ?"
            " UNION SELECT old_id FROM renames JOIN names ON new_id = names.id)"
            " SELECT commit_time, id FROM commits"
            " WHERE id IN (SELECT commit_id FROM touches JOIN names ON path_id = names.id)"
            " ORDER BY commit_time DESC, id DESC",
            os.fsencode(path),
        )

    def get_basket_sizes(self, ids: Sequence[int]) -> dict[int, int]:
        """Return id -> how many paths a commit touches; merges are left out."""
        listed = ", ".join(map(str, map(int, ids)))
        not_merges = f"SELECT id FROM commits WHERE id IN ({listed}) AND length(parents) < 40"  # noqa: S608 - two parents: 40, 64
        query = f"SELECT commit_id, count(*) FROM touches WHERE commit_id IN ({not_merges}) GROUP BY commit_id"  # noqa: S608
        return dict(self.read(query))

    def get_authors(self, ids: Sequence[int]) -> dict[int, str]:
        """Return id -> the author's name."""
        listed = ", ".join(map(str, map(int, ids)))
        return dict(self.read(f"SELECT id, author FROM commits WHERE id IN ({listed})"))  # noqa: S608 - numbers

    def get_baskets(self, ids: Sequence[int]) -> dict[int, set[str]]:
        """Return id -> the paths that a commit touches."""
        listed = ", ".join(map(str, map(int, ids)))
        query = f"SELECT commit_id, path FROM touches JOIN paths ON id = path_id WHERE commit_id IN ({listed})"  # noqa: S608
        baskets: dict[int, set[str]] = {}
        for commit_id, path in self.read(query):
            baskets.setdefault(commit_id, set()).add(os.fsdecode(path))
        return baskets

    def iter_changed(self, ids: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Yield (id, changed lines) of those of *ids* that have any, in their order."""
        for commit_id in ids:
            if changed := self.get_changed(commit_id):
                yield commit_id, changed

    def knows_path(self, path: str) -> bool:
        """Whether any commit touched *path*."""
        return bool(self.read("SELECT 1 FROM paths WHERE path = ?", os.fsencode(path)))

    def get_changed(self, commit_id: int) -> str:
        """Return the changed lines kept of a commit, "" where none are."""
        rows = self.read("SELECT text FROM changes WHERE commit_id = ?", commit_id)
        return zlib.decompress(rows[0][0]).decode() if rows else ""

    def iter_embeddings(self, ids: Sequence[int] | None = None) -> Iterator[tuple[Ids, Embeddings]]:
        """Yield batches of commit ids (n,) and embeddings (n, dimension), of all commits or of *ids*; gaps are left out.

        In batches: the whole of a large history at once would leave its float32 form behind in the process's memory.
        """
        wanted = [row[0] for row in self.read("SELECT id FROM commits")] if ids is None else list(ids)
        for start in range(0, len(wanted), _BATCH):
            part = ", ".join(map(str, map(int, wanted[start : start + _BATCH])))
            query = f"SELECT c.id, e.vector FROM commits c JOIN embeddings e USING (text_hash) WHERE c.id IN ({part})"  # noqa: S608
            if rows := self.read(query):
                flat = np.frombuffer(b"".join(vector for _, vector in rows), np.float16).astype(np.float32)
                yield np.array([i for i, _ in rows], np.int64), flat.reshape(len(rows), -1)

    def find_unembedded(self, limit: int) -> list[tuple[bytes, str]]:
        """Return (hash, text) of up to *limit* different texts without an embedding, newest first."""
        return self.read(
            "SELECT text_hash, message FROM commits c"
            " WHERE NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.text_hash = c.text_hash)"
            " GROUP BY text_hash ORDER BY max(commit_time) DESC LIMIT ?",
            limit,
        )

    def get_embeddings(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return text hash -> embedding as float16 bytes, of those of *hashes* that are kept."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(hashes), _BATCH):
            part = hashes[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            found |= dict(self.read(f"SELECT text_hash, vector FROM embeddings WHERE text_hash IN ({marks})", *part))  # noqa: S608
        return found

    def find_by_text(self, hashes: Iterable[bytes]) -> list[tuple[int, int]]:
        """Return (place in *hashes*, commit id) of the commits whose text has one of *hashes*."""
        query = "SELECT id FROM commits WHERE text_hash = ?"
        return [(place, row[0]) for place, text_hash in enumerate(hashes) for row in self.read(query, text_hash)]

    def find_unread(self, limit: int) -> list[str]:
        """Return shas of up to *limit* commits whose changed lines were not read yet, newest first."""
        rows = self.read(
            "SELECT sha FROM commits LEFT JOIN changes ON commit_id = id WHERE commit_id IS NULL"
            " ORDER BY commit_time DESC LIMIT ?",
            limit,
        )
        return [sha.hex() for (sha,) in rows]

    def iter_documents(self) -> Iterator[tuple[int, Commit, list[str], str]]:
        """Yield (id, commit, paths, changed lines) of everything: what the word index is built from."""
        for (commit_id,) in self.read("SELECT id FROM commits ORDER BY id"):
            for commit in self.get_commits([commit_id]).values():
                yield commit_id, commit, self.get_paths(commit_id), self.get_changed(commit_id)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            connection = self._local.reader = _connect_reader(self._path)
            self._readers.append(connection)
        return connection

    def _roll_back(self) -> None:
        if self._writer.in_transaction:  # a full disk has ended it already
            self._writer.execute("ROLLBACK")

    def _count_change(self, documents: bool) -> None:
        changed = ("generation", "documents") if documents else ("generation",)
        self._writer.executemany("UPDATE meta SET value = value + 1 WHERE key = ?", [(name,) for name in changed])

    def _add_paths(self, db: sqlite3.Connection, commit_id: int, commit: Commit) -> None:
        named = [(os.fsencode(path),) for path in commit.paths]
        db.executemany("INSERT OR IGNORE INTO paths (path) VALUES (?)", named)
        db.executemany(
            "INSERT OR IGNORE INTO touches SELECT id, ? FROM paths WHERE path = ?",
            ((commit_id, path) for (path,) in named),
        )
        db.executemany(
            "INSERT OR IGNORE INTO renames SELECT n.id, o.id, ? FROM paths n, paths o WHERE n.path = ? AND o.path = ?",
            ((commit_id, os.fsencode(new), os.fsencode(old)) for old, new in commit.renames),
        )

    def _prepare_schema(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StorageError(
                f"the index {self._path} was made by a newer AIL",
                "update AIL, or remove the repository and add it again",
            )
        if version < SCHEMA_VERSION:
            schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
            self._writer.executescript(f"BEGIN; {schema} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        if not self._writer.execute(derived.IS_CURRENT).fetchone():
            with self.transaction() as db:
                derived.make_anew(db)


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, check_same_thread=False)
    connection.executescript("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON; PRAGMA cache_size=-256;")
    return connection


def _named(tips: Tips) -> dict[str, str]:
    return tips.refs | ({"HEAD": tips.head} if tips.head else {})


def _find_parents(ids: dict[bytes, int], size: int, parents: bytes) -> tuple[int, ...]:
    shas = (parents[start : start + size] for start in range(0, len(parents), size))
    return tuple(ids[sha] for sha in shas if sha in ids)


def _commit_row(commit: Commit) -> tuple[object, ...]:
    return (
        bytes.fromhex(commit.sha), b"".join(map(bytes.fromhex, commit.parents)), commit.author, commit.email,
        commit.author_time, commit.author_offset_min, commit.commit_time, commit.message, hash_text(commit.message),
    )  # fmt: skip


def _to_commit(row: Sequence[object]) -> Commit:
    _, sha, parents, author, email, author_time, offset, commit_time, message = row
    assert isinstance(sha, bytes)  # noqa: S101 - narrows for mypy; the schema says so
    assert isinstance(parents, bytes)  # noqa: S101
    width = len(sha)
    split = tuple(parents[i : i + width].hex() for i in range(0, len(parents), width))
    return Commit(sha.hex(), split, author, email, author_time, offset, commit_time, message)  # type: ignore[arg-type]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLite's errors into words at this room's door."""
    try:
        yield
    except sqlite3.Error as err:
        name = getattr(err, "sqlite_errorname", "") or ""
        message, hint = next((words for start, words in _WORDS.items() if name.startswith(start)), _OTHERWISE)
        raise StorageError(f"{message} ({err})", hint) from err


_REBUILD = "remove the repository with --purge and add it again: it is rebuilt from git"
_WORDS = {
    "SQLITE_FULL": ("the disk is full: the index could not be written", "free some space; indexing goes on by itself"),
    "SQLITE_IOERR": (
        "the disk is full or failing: the index could not be written",
        "free some space; see the system's log",
    ),
    "SQLITE_READONLY": ("the index cannot be written", "make the state directory writable by you"),
    "SQLITE_CANTOPEN": ("the index cannot be opened", "make the state directory accessible to you, or free some space"),
    "SQLITE_CORRUPT": ("the index is damaged", _REBUILD),
    "SQLITE_NOTADB": ("the index is damaged", _REBUILD),
}
_OTHERWISE = ("the index cannot be used", _REBUILD)
