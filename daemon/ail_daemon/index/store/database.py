"""SQLite: connections, transactions, the schema, the table `meta`, and SQLite's errors as ours.

One connection writes and checkpoints: in SQLite before 3.51.3 two of them can damage a WAL. A transaction is on disk when it
ends. Reading connections (`readers`) never checkpoint, and serve one thread at a time. Every change raises `generation`. The main
file changes only at checkpoints, and is sealed at the end of a series of changes (see `seal`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ail_daemon.index.store import derived
from ail_rpc.errors import AilError, StorageError

from .readers import ClosedError, Readers
from .seal import break_seal, check_seal, make_seal

SQLITE_VERSION = sqlite3.sqlite_version
SCHEMA_VERSION = 8
"""To be raised with every table that `schema.sql` gains: the script is then run again, so it may only add."""
NEWEST = (1 << 63) - 1
"""A time that no commit is newer than."""
BATCH = 1024
"""Rows per batch when a whole table is read."""
LOG_MAX_BYTES = 16 << 20
"""A write-ahead log that is longer is checkpointed: a hundred live updates, or a tenth of a large history."""
_FILLING_LOG_BYTES = 128 << 20
_FILLING_CACHE_KB, _CACHE_KB = 32 << 10, 1 << 10
_DEFERRED = ("commits_by_text", "commits_by_author", "commits_by_author_time", "commits_by_time")
"""Indexes made at the end of `Database.filling`: a row of a long table goes to a page of its own in each of them."""
_BUSY_S = 2.0  # how long to wait for another program's lock: less than a question may take
_PRAGMAS = (
    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-{_CACHE_KB}; "
    "PRAGMA wal_autocheckpoint=0;"
)

Writing = sqlite3.Connection
"""The connection of a writing transaction."""

Reading = sqlite3.Connection
"""What `open_reader` yields."""


class DamagedError(StorageError):
    """The file is not what this program left, or no database."""


@contextlib.contextmanager
def open_reader(path: Path) -> Iterator[Reading]:
    """Open a database for reading, also while it is being written, and close it at the end."""
    with _translated(), contextlib.closing(_connect_reader(path)) as connection:
        yield connection


AMONG = "IN (SELECT value FROM json_each(?))"
"""SQL that compares a column with any number of ids, given as `listed(ids)`. Ids written into the query would make every query
a different one, and each connection keeps the last 128 compiled: 5 MB after a thousand questions."""


def listed(ids: Iterable[int]) -> str:
    """Return *ids* as `AMONG` takes them."""
    return f"[{','.join(map(str, map(int, ids)))}]"


class Database:
    """One SQLite file. Raises StorageError where the disk is full or read-only, DamagedError where the file is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._writing = threading.RLock()
        self._readers = Readers(lambda: _connect_reader(path))
        self._log_max_bytes = LOG_MAX_BYTES
        self._is_sealed = _check(path)
        with _translated(), contextlib.ExitStack() as opened:
            self._writer = opened.enter_context(contextlib.closing(_connect_writer(path)))
            self._prepare_schema()
            if self._is_sealed is None and (said := self.check_integrity()) != "ok":
                raise DamagedError(f"the index is damaged ({said})", REBUILD)
            opened.pop_all()

    def close(self) -> None:
        """Wait for reads and writes under way, then checkpoint, seal and close."""
        self._readers.close()
        with self._writing:
            if not self._is_sealed or self._get_log_bytes():
                self._checkpoint()
                self._seal()
            self._writer.close()

    def read(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query, as of the last finished transaction."""
        try:
            reader = self._readers.take()
            try:
                with reader.using:
                    return reader.connection.execute(query, values).fetchall()
            finally:
                self._readers.give_back(reader)
        except (sqlite3.Error, UnicodeDecodeError) as err:
            raise _translate(err) from err

    def iter_rows(self, query: str, *values: object) -> Iterator[Any]:
        """Yield the rows of a query over a whole table, one batch in memory at a time. The caller must read to the end."""
        with _translated():
            reader = self._readers.take()
            cursor: sqlite3.Cursor | None = None
            try:
                with reader.using:
                    cursor = reader.connection.execute(query, values)
                    rows = cursor.fetchmany(BATCH)
                while rows:
                    yield from rows
                    with reader.using:
                        rows = cursor.fetchmany(BATCH)
            finally:
                with reader.using:
                    cursor = None  # an unfinished query would show the next reader the past
                self._readers.give_back(reader)

    @contextlib.contextmanager
    def transaction(self, *, documents: bool = False, is_counted: bool = True) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, on disk when it ends; nested ones join it.

        documents: whether the content of the word index changes. is_counted: whether answers may change.
        """
        with self._writing, _translated():
            if self._writer.in_transaction:
                yield self._writer
                self._count_change(documents, is_counted)
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._count_change(documents, is_counted)
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            if self._get_log_bytes() > self._log_max_bytes:
                self._checkpoint()

    @contextlib.contextmanager
    def filling(self) -> Iterator[None]:
        """Add very many commits within: without the indexes that can be made at the end, a larger page cache, a longer log.

        150,000 commits, 512 in a transaction: 8.6 KB written for each of the last, with all of it 18; a million would have taken
        25 GB. Reads meanwhile read whole tables. If the process is killed, the indexes are made when the file is opened next.
        """
        with self._writing, self.transaction(is_counted=False) as db:
            for name in _DEFERRED:
                db.execute(f"DROP INDEX IF EXISTS {name}")
            db.execute("PRAGMA user_version=0")
        self._writer.execute(f"PRAGMA cache_size=-{_FILLING_CACHE_KB}")
        self._log_max_bytes = _FILLING_LOG_BYTES
        try:
            yield
        finally:
            self._log_max_bytes = LOG_MAX_BYTES
            with self._writing, _translated():
                self._prepare_schema()
                self._writer.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
                self._checkpoint()

    def empty_log(self) -> None:
        """Write the log back into the database and truncate it: its older pages still hold what was deleted since."""
        with self._writing:
            self._checkpoint()
            self._seal()

    def rest(self) -> None:
        """End a series of changes: seal the file if it changed, and free the writer's page cache.

        That is 1 MB for each repository that ever moved; the system caches the pages too.
        """
        with self._writing, _translated():
            if not self._is_sealed:
                self._seal()
            self._writer.execute("PRAGMA shrink_memory")

    def get_meta(self, key: str) -> str | None:
        """Return a value stored with the index, None if it was never set."""
        rows = self.read("SELECT value FROM meta WHERE key = ?", key)
        return rows[0][0] if rows else None

    def set_meta(self, **values: str) -> None:
        """Store values with the index."""
        with self.transaction() as db:
            db.executemany("REPLACE INTO meta VALUES (?, ?)", values.items())

    @property
    def generation(self) -> int:
        """A number that grows with every change of the index."""
        return int(self.get_meta("generation") or 0)

    @property
    def documents(self) -> int:
        """A number that grows with every change of what the word index holds."""
        return int(self.get_meta("documents") or 0)

    def check_integrity(self) -> str:
        """Return "ok", or the first fault that SQLite finds in its file; 0.1 s for each 50 MB."""
        return str(self.read("PRAGMA integrity_check(1)")[0][0])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _get_log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _checkpoint(self) -> None:
        """Copy the log into the main file, as far as no reader needs it; what fails is tried again later.

        The file is sealed at the end of a series of changes (`rest`), not here: hashing all of it after each 16 MiB of log
        is work that grows with the square of the history.
        """
        self._is_sealed = False
        with contextlib.suppress(OSError, sqlite3.Error):  # a full disk: the log has it all
            break_seal(self._path)
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _seal(self) -> None:
        """Seal the main file as it is now; what fails is tried again later."""
        with contextlib.suppress(OSError):
            make_seal(self._path)
            self._is_sealed = True

    def _roll_back(self) -> None:
        if self._writer.in_transaction:  # a full disk has ended it already
            self._writer.execute("ROLLBACK")

    def _count_change(self, documents: bool, is_counted: bool) -> None:
        changed = ("generation", "documents") if documents else ("generation",) if is_counted else ()
        self._writer.executemany("UPDATE meta SET value = value + 1 WHERE key = ?", [(name,) for name in changed])

    def _prepare_schema(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StorageError(
                f"the index {self._path} was made by a newer AIL",
                "update AIL, or remove the repository and add it again",
            )
        if version < SCHEMA_VERSION:
            schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
            steps = "".join(step for before, step in _STEPS.items() if 0 < version < before)
            self._writer.executescript(f"BEGIN; {schema} {steps} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        if not self._writer.execute(derived.IS_CURRENT).fetchone():
            with self.transaction() as db:
                derived.make_anew(db)


_READ_AGAIN = "DELETE FROM changes; UPDATE meta SET value = value + 1 WHERE key = 'documents';"
_STEPS = {
    6: _READ_AGAIN,  # for their passages
    7: _READ_AGAIN,  # for links and names that were taken for keys
    8: _READ_AGAIN,  # for what stands above a licence in the same comment
}
"""SQL that brings an older version's database up to date; commits and embeddings stay."""


def _check(path: Path) -> bool | None:
    """Return True if the file's seal matches, None if it has none. Raises DamagedError if it does not match."""
    if not path.exists():
        return None
    is_whole = check_seal(path)
    if is_whole is False:
        raise DamagedError("the index is damaged: its file is not what was written", REBUILD)
    return is_whole


def _connect_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, _BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        connection.executescript(_PRAGMAS)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", _BUSY_S, uri=True, check_same_thread=False)
    connection.executescript("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON; PRAGMA cache_size=-256;")
    return connection


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLite's errors into StorageError, DamagedError or ClosedError."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as err:
        raise _translate(err) from err


def _translate(err: sqlite3.Error | UnicodeDecodeError) -> AilError:
    if isinstance(err, UnicodeDecodeError):
        # Python's module, at SQLite's own message about a damaged schema, which quotes it.
        return DamagedError("the index is damaged (it holds what is no text)", REBUILD)
    if "closed database" in str(err):  # by another thread, which replaces or removes it
        return ClosedError()
    name = getattr(err, "sqlite_errorname", "") or ""
    # Only valid UTF-8 was written: a text that is none is a flipped bit, which Python's module finds and SQLite does not.
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or str(err).startswith("Could not decode"):
        return DamagedError(f"the index is damaged ({err})", REBUILD)
    message, hint = next((words for start, words in _WORDS.items() if name.startswith(start)), _OTHERWISE)
    return StorageError(f"{message} ({err})", hint)


REBUILD = "remove the repository with --purge and add it again: it is rebuilt from git"
"""What to do about a database that cannot be used."""
_WORDS = {
    "SQLITE_FULL": ("the disk is full: the index could not be written", "free some space; indexing goes on by itself"),
    "SQLITE_IOERR": (
        "the disk is full or failing: the index could not be written",
        "free some space; see the system's log",
    ),
    "SQLITE_BUSY": ("the index is locked by another program", "end what has it open, or wait until that is done"),
    "SQLITE_READONLY": ("the index cannot be written", "make the state directory writable by you"),
    "SQLITE_CANTOPEN": ("the index cannot be opened", "make the state directory accessible to you, or free some space"),
}
_OTHERWISE = ("the index cannot be used", REBUILD)
