"""Tables computed from what the store holds: what messages say of other commits, and which changes are alike.

Written in the same transactions as the commits; computed again if an older VERSION wrote them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ...text.mentions import get_patch_keys, read_mentions

VERSION = "1"
"""To be raised whenever the rows are computed in another way."""

IS_CURRENT = f"SELECT 1 FROM meta WHERE key = 'derived' AND value = '{VERSION}'"  # noqa: S608 - ours
MARK = f"REPLACE INTO meta VALUES ('derived', '{VERSION}');"  # noqa: S608 - as above

TABLES = ("mentions", "patches")
"""Each has a column commit_id."""


class Database(Protocol):
    """A connection within a transaction."""

    def execute(self, sql: str, values: Sequence[str | int] = (), /) -> Iterable[Any]:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[str | int]], /) -> object:
        """Run one statement for each row."""


def add_messages(db: Database, messages: Iterable[tuple[int, str]]) -> None:
    """Store what *messages*, each with its commit's id, say of other commits."""
    rows = [(one.key, commit_id, one.kind, one.target) for commit_id, text in messages for one in read_mentions(text)]
    if rows:
        db.executemany("INSERT OR IGNORE INTO mentions VALUES (?, ?, ?, ?)", rows)


def add_changed(db: Database, commit_id: int, changed: str) -> None:
    """Store the keys by which the change is found again."""
    db.executemany("INSERT OR IGNORE INTO patches VALUES (?, ?)", [(key, commit_id) for key in get_patch_keys(changed)])


def make_anew(db: Database) -> None:
    """Compute all rows again; 18,000 commits take some seconds."""
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
    add_messages(db, list(db.execute("SELECT id, message FROM commits")))
    for commit_id, text in db.execute("SELECT commit_id, text FROM changes"):
        add_changed(db, commit_id, zlib.decompress(text).decode())
    db.execute(MARK)
