"""Copies a database while it is being written, and checks one that comes from outside."""

from __future__ import annotations

import os
from pathlib import Path

from ail_rpc.errors import StorageError

from .database import REBUILD, open_reader


def copy_store(path: Path, copy: Path) -> tuple[int, str | None, int]:
    """Copy a database as its last finished transaction left it, also while it is being written.

    Returns the copy's schema version, the id of the model whose embeddings it holds (None: of none), and its commits. The copy
    holds nothing that was deleted.
    """
    with open_reader(path) as db:
        db.execute("PRAGMA query_only=OFF")  # what follows writes another file; this one is open for reading
        db.execute("VACUUM INTO ?", (os.fspath(copy),))
    return inspect_store(copy)


def inspect_store(path: Path) -> tuple[int, str | None, int]:
    """Return a database's schema version, model id (None: of none) and commits. Raises StorageError where it is damaged.

    All of it is read: 0.1 s for each 50 MB. What runs code of its own (triggers, views) counts as damaged.
    """
    with open_reader(path) as db:
        (checked,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        odd = db.execute(
            "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE '%VIRTUAL%'"
        ).fetchone()
        if checked != "ok" or odd:
            raise StorageError("the index is damaged", REBUILD)
        ((schema,), (commits,)) = (
            db.execute("PRAGMA user_version").fetchone(),
            db.execute("SELECT count(*) FROM commits").fetchone(),
        )
        model = db.execute("SELECT value FROM meta WHERE key = 'model_id'").fetchone()
        return int(schema), None if model is None else str(model[0]), int(commits)
