"""`related` whole: real repositories, a real daemon, the program as people run it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Repository
    from tests.running import Home

POOL = "def connect(pool, host):\n    connection = pool.take_idle(host)\n    return connection\n"
LOCKED = (
    "def connect(pool, host):\n    with pool.big_lock_of_everything:\n        pool.wait_for_quiet_minute()\n"
    "    connection = pool.take_idle(host)\n    return connection\n"
)
LOCK = """Hold the big lock while a connection is taken

Two threads took the same connection, because nothing guarded the list of idle ones.
"""


@pytest.fixture
def pool(repo: Repository) -> Repository:
    """A lock that was tried, and undone for a reason."""
    repo.commit("Add the pool", pool__py=POOL)
    repo.shas["lock"] = repo.commit(LOCK, pool__py=LOCKED)
    repo.shas["undo"] = repo.commit(
        f'Revert "Hold the big lock while a connection is taken"\n\nThis reverts commit {repo.shas["lock"]}.\n\n'
        "Every request waited for the slowest one, which broke the health check.\n",
        pool__py=POOL,
    )
    return repo


def stage(repo: Repository, **files: str) -> None:
    for name, text in files.items():
        (repo.path / name.replace("__", ".")).write_text(text)
    repo.git("add", "-A")


def related(home: Home, cwd: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = home.client("related", *arguments, "--json", cwd=cwd)
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_was_tried_and_undone_is_told_with_the_reason(home: Home, pool: Repository) -> None:
    home.client("add", str(pool.path), "--wait")
    stage(pool, pool__py=LOCKED)
    status, reply = related(home, pool.path, "--staged")
    (citation,) = reply["citations"]
    assert status == 0
    assert citation["relation"] == "tried_before"
    assert citation["sha"] == pool.shas["lock"]
    assert citation["reverted_by"] == pool.shas["undo"]
    assert "which broke the health check" in citation["sentence"]
    assert citation["path"] == "pool.py"
    assert citation["line"] == 2
