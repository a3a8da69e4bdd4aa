"""Which commits touched which paths. Paths are bytes, as in git."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ail_daemon.model import Commit

from .database import AMONG, Database, Writing, listed

_NAMES = (  # a path and its former names; UNION ends the recursion if it was renamed back and forth
    "WITH RECURSIVE names(id) AS (SELECT id FROM paths WHERE path = ?"
    " UNION SELECT old_id FROM renames JOIN names ON new_id = names.id)"
)


def add_paths(db: Writing, commits: Sequence[tuple[int, Commit]]) -> None:
    """Store what *commits*, each with its id, touch and rename."""
    touched = [(os.fsencode(path), commit_id) for commit_id, commit in commits for path in commit.paths]
    ids = _find_or_add(db, {path for path, _ in touched})
    db.executemany("INSERT OR IGNORE INTO touches VALUES (?, ?)", sorted((ids[path], one) for path, one in touched))
    renamed = [
        (os.fsencode(new), os.fsencode(old), commit_id) for commit_id, commit in commits for old, new in commit.renames
    ]
    db.executemany(
        "INSERT OR IGNORE INTO renames SELECT n.id, o.id, ?3 FROM paths n, paths o WHERE n.path = ?1 AND o.path = ?2",
        renamed,
    )


def _find_or_add(db: Writing, paths: Iterable[bytes]) -> dict[bytes, int]:
    """Return path -> its id, of *paths*."""
    named = [(path,) for path in sorted(paths)]
    db.executemany("INSERT OR IGNORE INTO paths (path) VALUES (?)", named)
    return {
        path: int(path_id)
        for (path,) in named
        for (path_id,) in db.execute("SELECT id FROM paths WHERE path = ?", (path,))
    }


def _span(path: str) -> tuple[bytes, bytes, bytes]:
    """Return *path*, and what all paths below it lie between."""
    name = os.fsencode(path)
    return name, name + b"/", name + b"0"  # the sign after /


class PathRows(Database):
    """What the store keeps of paths."""

    def get_paths(self, commit_id: int) -> list[str]:
        """Return the paths a commit touched."""
        query = "SELECT path FROM touches JOIN paths ON paths.id = path_id WHERE commit_id = ? ORDER BY path"
        return [os.fsdecode(path) for (path,) in self.read(query, commit_id)]

    def get_paths_of(self, ids: Sequence[int], most: int) -> dict[int, list[str]]:
        """Return commit id -> up to *most* paths that it touched, in no order; ids without any are left out."""
        counting = f"SELECT commit_id, count(*) FROM touches WHERE commit_id {AMONG} GROUP BY commit_id"  # noqa: S608 - ours
        counts = self.read(counting, listed(ids))
        query = "SELECT commit_id, path FROM touches JOIN paths ON paths.id = path_id WHERE commit_id"
        rows = self.read(f"{query} {AMONG}", listed(commit_id for commit_id, count in counts if count <= most))
        for commit_id, count in counts:
            if count > most:
                rows += self.read(f"{query} = ? LIMIT ?", commit_id, most)
        found: dict[int, list[str]] = {}
        for commit_id, path in rows:
            found.setdefault(commit_id, []).append(os.fsdecode(path))
        return found

    def knows_path(self, path: str) -> bool:
        """Whether any commit touched *path*, or a file below it."""
        return bool(self.read("SELECT 1 FROM paths WHERE path = ? OR path > ? AND path < ? LIMIT 1", *_span(path)))

    def find_touching(self, path: str) -> set[int]:
        """Return the ids of commits that touch *path* (also under its former names) or what is below it."""
        query = f"{_NAMES} SELECT commit_id FROM touches JOIN names ON path_id = names.id"  # noqa: S608 - ours
        below = "SELECT commit_id FROM touches JOIN paths ON path_id = id WHERE path > ? AND path < ?"
        name, begin, end = _span(path)
        return {commit_id for (commit_id,) in [*self.read(query, name), *self.read(below, begin, end)]}

    def find_resembling(self, path: str) -> list[str]:
        """Return paths that *path* may have been meant for: those of that name anywhere, else near ones in its directory."""
        name, begin, end = _span(path)
        last = b"/" + name.rpartition(b"/")[2]
        rows = self.read("SELECT path FROM paths WHERE substr(path, ?) = ? LIMIT 4", -len(last), last)
        if rows:
            return sorted(os.fsdecode(found) for (found,) in rows)
        directory, _, _ = path.rpartition("/")
        _, begin, end = _span(directory) if directory else (b"", b"", b"\xff")
        siblings = self.read("SELECT path FROM paths WHERE path > ? AND path < ? LIMIT 2000", begin, end)
        return get_close_matches(path, [os.fsdecode(found) for (found,) in siblings], 3, 0.8)

    def find_dated(self, path: str) -> list[tuple[int, int]]:
        """Return (commit time, id) of the commits that touch *path* or a former name of it, newest first."""
        return self.read(
            f"{_NAMES} SELECT commit_time, id FROM commits"  # noqa: S608 - ours
            " WHERE id IN (SELECT commit_id FROM touches JOIN names ON path_id = names.id)"
            " ORDER BY commit_time DESC, id DESC",
            os.fsencode(path),
        )

    def get_basket_sizes(self, ids: Sequence[int]) -> dict[int, int]:
        """Return id -> how many paths a commit touches; merges are left out."""
        not_merges = f"SELECT id FROM commits WHERE id {AMONG} AND length(parents) < 40"  # noqa: S608 - two parents: 40, 64
        query = f"SELECT commit_id, count(*) FROM touches WHERE commit_id IN ({not_merges}) GROUP BY commit_id"  # noqa: S608
        return dict(self.read(query, listed(ids)))

    def get_baskets(self, ids: Sequence[int]) -> dict[int, set[str]]:
        """Return id -> the paths that a commit touches."""
        query = f"SELECT commit_id, path FROM touches JOIN paths ON id = path_id WHERE commit_id {AMONG}"  # noqa: S608 - ours
        baskets: dict[int, set[str]] = {}
        for commit_id, path in self.read(query, listed(ids)):
            baskets.setdefault(commit_id, set()).add(os.fsdecode(path))
        return baskets
