"""Passages of changed lines: each text once, whatever commits wrote it, moved it or took it out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ail_daemon.text.passages import Passage, get_key

from .database import AMONG, Database, Writing, listed

_COLUMNS = "kind, text, path, line, is_removed, worth FROM passages JOIN passage_texts ON id = text_id"


def add_passages(db: Writing, commit_id: int, passages: Iterable[Passage]) -> None:
    """Keep the passages of a commit's changed lines, in place of those kept before."""
    db.execute("DELETE FROM passages WHERE commit_id = ?", (commit_id,))
    for number, one in enumerate(passages):
        key = get_key(one.text)
        db.execute("INSERT OR IGNORE INTO passage_texts VALUES (NULL, ?, ?, ?)", (key, one.text, one.worth))
        db.execute(
            "INSERT INTO passages SELECT ?, ?, id, ?, ?, ?, ? FROM passage_texts WHERE key = ?",
            (commit_id, number, one.kind, os.fsencode(one.path or ""), one.line or 0, int(one.is_removed), key),
        )


class PassageRows(Database):
    """What the store keeps of passages."""

    def get_passages(self, ids: Sequence[int]) -> dict[int, list[Passage]]:
        """Return commit id -> the passages of its changed lines, in their order; ids without any are left out."""
        query = f"SELECT commit_id, {_COLUMNS} WHERE commit_id {AMONG} ORDER BY commit_id, number"
        found: dict[int, list[Passage]] = {}
        for commit_id, kind, text, path, line, is_removed, worth in self.read(query, listed(ids)):
            passage = Passage(kind, text, os.fsdecode(path), line, bool(is_removed), worth)
            found.setdefault(commit_id, []).append(passage)
        return found

    def count_passages(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return commit id -> (passages that its diff added, those of them that state a reason); ids without any are left out."""
        query = (
            f"SELECT commit_id, count(*), sum(worth >= 2) FROM passages JOIN passage_texts ON id = text_id"  # noqa: S608 - ours
            f" WHERE commit_id {AMONG} AND NOT is_removed GROUP BY commit_id"
        )
        return {commit_id: (added, reasons) for commit_id, added, reasons in self.read(query, listed(ids))}

    def find_writers(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[int, str]]]:
        """Return a text's key -> (commit id, path) of those that wrote it, the latest first; texts nobody wrote are left out."""
        found: dict[bytes, list[tuple[int, str]]] = {}
        for key in keys:
            rows = self.read(
                "SELECT commit_id, path FROM passages JOIN passage_texts t ON t.id = text_id JOIN commits c ON c.id = commit_id"
                " WHERE key = ? AND NOT is_removed ORDER BY commit_time DESC LIMIT 16",
                key,
            )
            if rows:
                found[key] = [(commit_id, os.fsdecode(path)) for commit_id, path in rows]
        return found
