"""Commits as rows: added, removed, found by id, by sha, by what a sha begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ail_daemon.index.store import derived
from ail_daemon.model import Commit, Ids

from .database import AMONG, Database, Writing, listed
from .embeddings import hash_text
from .paths import add_paths

_BY_COMMIT = ("touches", "renames", "changes", "passages", *derived.TABLES)  # tables with a commit_id
_INSERT_COMMIT = "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha) DO NOTHING"
_FEW = 16
_JOINED = 4096
_JOIN_LINKS = (
    "SELECT group_concat(id), group_concat(hex(sha), ''), group_concat(length(parents)), group_concat(hex(parents), '')"
    " FROM commits WHERE id >= ? AND id < ?"
)
_COMMIT_COLUMNS = "id, sha, parents, author, email, author_time, author_offset_min, commit_time, message"

JoinedLinks = tuple[Ids, bytes, Ids, bytes]
"""Of some commits: ids; shas, one after the other; how many bytes the parents' shas of each are; those, one after the other."""


class CommitRows(Database):
    """What the store keeps of commits themselves."""

    def add_commits(self, commits: Sequence[Commit]) -> dict[str, int]:
        """Add commits with their paths; return sha -> id of those that were new.

        Each table gets all its rows at once, in its own order where that may be chosen: rows that lie together in a long table
        are written to the same pages.
        """
        with self.transaction(documents=True) as db:
            last = _get_last_id(db)
            rows = ((last + number, *_commit_row(commit)) for number, commit in enumerate(commits, 1))
            db.executemany(_INSERT_COMMIT, rows)
            new = db.execute("SELECT sha, id FROM commits WHERE id > ?", (last,))
            added = {sha.hex(): int(commit_id) for sha, commit_id in new}
            fresh = [(added[sha], commit) for sha, commit in {one.sha: one for one in commits}.items() if sha in added]
            add_paths(db, fresh)
            derived.add_messages(db, [(commit_id, commit.message) for commit_id, commit in fresh])
        return added

    def remove_commits(self, shas: Iterable[str]) -> list[int]:
        """Remove commits and what only they used; return the ids they had."""
        removed = []
        with self.transaction(documents=True) as db:
            for sha in shas:
                row = db.execute("DELETE FROM commits WHERE sha = ? RETURNING id", (bytes.fromhex(sha),)).fetchone()
                if row:
                    removed.append(int(row[0]))
                    db.execute("DELETE FROM pull_requests WHERE sha = ?", (bytes.fromhex(sha),))
                    for table in _BY_COMMIT:
                        db.execute(f"DELETE FROM {table} WHERE commit_id = ?", row)  # noqa: S608 - names of our own
        return removed

    def remove_orphans(self) -> None:
        """Remove rows of commits that do not exist, as damage may leave."""
        with self.transaction(documents=True) as db:
            for table in _BY_COMMIT:
                db.execute(f"DELETE FROM {table} WHERE commit_id NOT IN (SELECT id FROM commits)")  # noqa: S608 - ours
            db.execute("DELETE FROM pull_requests WHERE sha NOT IN (SELECT sha FROM commits)")

    def list_ids(self) -> Ids:
        """Return every commit's id, in order: 8 bytes a commit, as an array."""
        return np.fromiter((i for (i,) in self.iter_rows("SELECT id FROM commits ORDER BY id")), np.int64)

    def count(self) -> tuple[int, int]:
        """Return how many commits there are, and of how many the changed lines were read."""
        ((commits, changed),) = self.read("SELECT (SELECT count(*) FROM commits), (SELECT count(*) FROM changes)")
        return commits, changed

    def count_skipped(self) -> tuple[int, int]:
        """Return how many commits were skipped in part or whole, and how many of them cannot be encoded."""
        query = (
            "SELECT (SELECT count(DISTINCT sha) FROM skipped), (SELECT count(*) FROM commits WHERE text_hash IN"
            " (SELECT text_hash FROM commits JOIN skipped USING (sha) WHERE part = 'text')"
            " AND text_hash NOT IN (SELECT text_hash FROM embeddings))"
        )
        ((skipped, texts),) = self.read(query)
        return int(skipped), int(texts)

    def iter_shas(self) -> Iterator[str]:
        """Yield every sha, in no order."""
        return (sha.hex() for (sha,) in self.read("SELECT sha FROM commits"))

    def iter_links(self) -> Iterator[tuple[int, bytes, list[bytes]]]:
        """Yield (id, sha, its parents' shas) of every commit, shas as bytes; 17,000 in 20 ms."""
        for commit_id, sha, parents in self.iter_rows("SELECT id, sha, parents FROM commits"):
            yield commit_id, sha, _cut(parents, len(sha))

    def iter_joined_links(self) -> Iterator[JoinedLinks]:
        """Yield the links of every commit, a few thousand at once.

        SQLite joins them: a million take .7 s, as Python's objects row by row 1.4, in which questions wait for Python.
        """
        for first in range(0, self.get_newest_id() + 1, _JOINED):
            (row,) = self.read(_JOIN_LINKS, first, first + _JOINED)
            if row[0] is not None:
                ids, shas, sizes, parents = row
                yield _to_numbers(ids), bytes.fromhex(shas), _to_numbers(sizes), bytes.fromhex(parents)

    def get_newest_id(self) -> int:
        """Return the largest id of a commit, 0 where there is none."""
        return int(self.read("SELECT coalesce(max(id), 0) FROM commits")[0][0])

    def find_merges(self, above: int) -> list[int]:
        """Return the ids, larger than *above*, of commits with several parents."""
        rows = self.read("SELECT id FROM commits WHERE id > ? AND length(parents) > length(sha) ORDER BY id", above)
        return [commit_id for (commit_id,) in rows]

    def get_parent_ids(self, commit_id: int) -> tuple[int, ...] | None:
        """Return the ids of the commit's parents, of those that are indexed; None where it is not itself."""
        rows = self.read("SELECT parents, length(sha) FROM commits WHERE id = ?", commit_id)
        if not rows:
            return None
        shas = _split(*rows[0])
        ids = self.get_ids(shas)
        return tuple(ids[sha] for sha in shas if sha in ids)

    def find_links(self, shas: Iterable[str]) -> dict[bytes, list[bytes]]:
        """Return sha -> its parents' shas, of *shas* and of the commits that have one of them as a parent.

        A few are looked for by SQLite, which other threads need not wait for, as they must while Python reads every commit.
        """
        lost = [bytes.fromhex(sha) for sha in shas]
        if len(lost) > _FEW:
            among = set(lost)
            return {sha: named for _, sha, named in self.iter_links() if sha in among or not among.isdisjoint(named)}
        tests = " OR ".join("sha = ? OR instr(parents, ?)" for _ in lost) or "FALSE"
        rows = self.read(f"SELECT sha, parents FROM commits WHERE {tests}", *(sha for sha in lost for _ in range(2)))  # noqa: S608
        return {sha: _cut(parents, len(sha)) for sha, parents in rows}

    def find_sha(self, prefix: str) -> list[str]:
        """Return the shas that begin with *prefix* (at least 4 hex digits), two at the most."""
        low = bytes.fromhex(prefix + "0" * (len(prefix) % 2))
        rows = self.read("SELECT sha FROM commits WHERE sha >= ? ORDER BY sha LIMIT 32", low)
        return [sha for (blob,) in rows if (sha := blob.hex()).startswith(prefix)][:2]

    def get_commits(self, ids: Sequence[int]) -> dict[int, Commit]:
        """Return id -> commit without its paths, for those of *ids* that exist."""
        rows = self.read(f"SELECT {_COMMIT_COLUMNS} FROM commits WHERE id {AMONG}", listed(ids))  # noqa: S608 - ours
        return {row[0]: _to_commit(row) for row in rows}

    def get_outlines(self, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Return id -> (subject, how many characters follow it in the message), for those of *ids* that exist."""
        query = f"SELECT id, substr(message, 1, 200), length(message) FROM commits WHERE id {AMONG}"  # noqa: S608 - ours
        found = {}
        for commit_id, beginning, chars in self.read(query, listed(ids)):
            subject = beginning.partition("\n")[0]
            found[commit_id] = subject, max(0, chars - len(subject))
        return found

    def get_ids(self, shas: Iterable[str]) -> dict[str, int]:
        """Return sha -> id of those that are indexed."""
        found = ((sha, self.read("SELECT id FROM commits WHERE sha = ?", bytes.fromhex(sha))) for sha in shas)
        return {sha: rows[0][0] for sha, rows in found if rows}

    def get_parents(self, shas: Iterable[str]) -> dict[str, list[str]]:
        """Return sha -> its parents' shas, of those that are indexed."""
        found = ((sha, self.read("SELECT parents FROM commits WHERE sha = ?", bytes.fromhex(sha))) for sha in shas)
        return {sha: _split(rows[0][0], len(sha) // 2) for sha, rows in found if rows}

    def get_authors(self, ids: Sequence[int]) -> dict[int, str]:
        """Return id -> the author's name."""
        return dict(self.read(f"SELECT id, author FROM commits WHERE id {AMONG}", listed(ids)))  # noqa: S608 - ours


def _get_last_id(db: Writing) -> int:
    """Return the largest id that was ever given, 0 for none."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'commits'").fetchone()
    return int(row[0]) if row else 0


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
    return Commit(sha.hex(), tuple(_split(parents, width)), author, email, author_time, offset, commit_time, message)  # type: ignore[arg-type]


def _split(parents: bytes, width: int) -> list[str]:
    return [sha.hex() for sha in _cut(parents, width)]


def _to_numbers(joined: str) -> Ids:
    return np.fromstring(joined, np.int64, sep=",")


def _cut(parents: bytes, width: int) -> list[bytes]:
    return [parents[start : start + width] for start in range(0, len(parents), width)]
