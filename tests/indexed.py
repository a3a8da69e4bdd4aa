"""What an index really holds, read from its database from outside, beside what git says is reachable: two sets to be equal."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.moving import read_reachable
from tests.running import Calling, Home

POLL_S = 0.01


@dataclass(frozen=True)
class Indexed:
    """An enrolled repository and the database of its index."""

    repo: Path
    store: Path

    def read(self) -> set[str]:
        """Return the shas that the index holds; none where it is not made yet."""
        try:
            with contextlib.closing(sqlite3.connect(f"{self.store.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
                return {sha.hex() for (sha,) in db.execute("SELECT sha FROM commits")}
        except sqlite3.OperationalError:  # no file, or no table in it yet
            return set()

    def is_right(self, reachable: set[str] | None = None) -> bool:
        """Say whether the index holds what refs reach; *reachable* spares asking git again."""
        return self.read() == (read_reachable(self.repo) if reachable is None else reachable)

    def wait_right(self, timeout_s: float) -> float:
        """Return the seconds until the index holds what refs reach now. Raises AssertionError after *timeout_s*."""
        reachable = read_reachable(self.repo)
        spent_s = wait(lambda: self.is_right(reachable), timeout_s)
        if spent_s is None:
            held = self.read()
            raise AssertionError(
                f"not right after {timeout_s} s: {len(reachable - held)} missing, {len(held - reachable)} too many"
            )
        return spent_s


def enrol(home: Home, call: Calling, repo: Path) -> Indexed:
    """Enrol a repository; its index is not waited for."""
    key = call("repo.add", repo=str(repo))["repo"]
    return Indexed(repo, home.state / "repos" / key / "store.sqlite")


def wait(holds: Callable[[], bool], timeout_s: float) -> float | None:
    """Return the seconds until *holds*; None where it does not within *timeout_s*."""
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        if holds():
            return time.monotonic() - started
        time.sleep(POLL_S)
    return None
