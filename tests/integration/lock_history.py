"""A history in which a lock was tried, and undone for a reason; and the files of a person about to try it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import Repository

POOL = "def connect(pool, host):\n    connection = pool.take_idle(host)\n    return connection\n"
LOCKED = (
    "def connect(pool, host):\n    with pool.big_lock_of_everything:\n        pool.wait_for_quiet_minute()\n"
    "    connection = pool.take_idle(host)\n    return connection\n"
)
LOCK = """Hold the big lock while a connection is taken

Two threads took the same connection, because nothing guarded the list of idle ones.
"""
UNDO = """Revert "Hold the big lock while a connection is taken"

This reverts commit {}.

Every request waited for the slowest one, which broke the health check.
"""


def tell_of_the_lock(repo: Repository) -> Repository:
    """Commit the pool, the lock, and its revert."""
    repo.shas["pool"] = repo.commit("Add the pool", pool__py=POOL)
    repo.shas["lock"] = repo.commit(LOCK, pool__py=LOCKED)
    repo.shas["undo"] = repo.commit(UNDO.format(repo.shas["lock"]), pool__py=POOL)
    return repo
