"""Changed lines of commits, compressed. A commit without a row was not read yet."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from ail_daemon.index.store import derived
from ail_daemon.text.passages import CommitChanges

from .database import NEWEST, Database
from .passages import add_passages

_NOTHING = zlib.compress(b"", 1)  # changed lines of a commit that has none


class ChangeRows(Database):
    """What the store keeps of changed lines."""

    def add_changed(self, rows: Iterable[CommitChanges]) -> int:
        """Store commits' changed lines and passages; unknown shas are ignored. Return how many had none stored before."""
        fresh = 0
        with self.transaction(documents=True) as db:
            for sha, text, passages in rows:
                known = db.execute(
                    "SELECT 1 FROM changes JOIN commits ON id = commit_id WHERE sha = ?", (bytes.fromhex(sha),)
                ).fetchone()
                kept = db.execute(
                    "REPLACE INTO changes SELECT id, ? FROM commits WHERE sha = ? RETURNING commit_id",
                    (zlib.compress(text.encode("utf-8", "replace"), 1), bytes.fromhex(sha)),
                ).fetchone()
                if kept:
                    fresh += known is None
                    derived.add_changed(db, kept[0], text)
                    add_passages(db, kept[0], passages)
        return fresh

    def get_changed(self, commit_id: int) -> str:
        """Return the changed lines stored of a commit, "" if there are none."""
        rows = self.read("SELECT text FROM changes WHERE commit_id = ?", commit_id)
        return zlib.decompress(rows[0][0]).decode() if rows else ""

    def iter_changed(self, ids: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Yield (id, changed lines) of those of *ids* that have any, in their order."""
        for commit_id in ids:
            if changed := self.get_changed(commit_id):
                yield commit_id, changed

    def find_unread(self, limit: int, until: int = NEWEST) -> tuple[list[str], int]:
        """Return shas of up to *limit* commits whose changed lines were not read yet, newest first, and the last one's time.

        until: none newer than this time is looked at. A caller that passes on what was returned last reads the table once.
        """
        rows = self.read(
            "SELECT sha, commit_time FROM commits WHERE commit_time <= ?"
            " AND NOT EXISTS (SELECT 1 FROM changes WHERE commit_id = id) ORDER BY commit_time DESC LIMIT ?",
            until,
            limit,
        )
        return [sha.hex() for sha, _ in rows], rows[-1][1] if rows else until

    def count_documents(self) -> int:
        """Return how many documents the word index should hold: each message, and changed lines where there are any."""
        ((commits, changed),) = self.read(
            "SELECT (SELECT count(*) FROM commits), (SELECT count(*) FROM changes WHERE length(text) > ?)",
            len(_NOTHING),
        )
        return int(commits + changed)
