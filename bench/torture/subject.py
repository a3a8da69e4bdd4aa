"""What crashes are tried on: a home, a daemon, one repository whose branch moves between known states, and what must hold of it.

Each state's answers were given by an index that was built from nothing, once. After a crash the daemon must start at the first
attempt, and everything it holds must be what such an index holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from tests.indexed import Indexed
from tests.moving import git_environment, run_git
from tests.running import Home, find_children, prepare_models, sealed_home

from ail_rpc.errors import AilError

STATES = ("begun", "grown", "amended")
_THINGS = ("proxy", "cache", "parser", "socket", "lexer", "cookie", "timer", "buffer", "token", "router")
_FAULTS = ("dropped idle peers", "grew without bound", "lost the last byte", "blocked the loop")
QUESTIONS = (
    "why was the cookie 5 blocked the loop?",
    "what grew without bound in the socket?",
    "part3.txt",
    "why a lexer 34?",
)
_COMMITS = 40
_TIMER_S = "1"
_LIMIT_S = 30.0
_CALL_S = 10.0
_ORPHAN_S = 5.0  # a worker that has lost its daemon ends at its next word


class BrokenPromiseError(Exception):
    """Something that must hold does not."""


class Subject:
    """A daemon of its own and a repository. What is wrong is raised as BrokenPromiseError."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.repo = home.directory / "repo.git"
        self.backup = home.directory / "index.bak"
        self._shas = make_repository(self.repo)
        self._running: contextlib.AbstractContextManager[subprocess.Popen[bytes]] | None = None
        self.pid = 0
        self._expected: dict[str, Any] = {}
        self._bytes: dict[str, str] = {}
        self._state = STATES[0]

    # --- the daemon -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon; it must be ready at the first attempt."""
        self._running = self.home.daemon(AIL_RECONCILE_S=_TIMER_S)
        try:
            self.pid = self._running.__enter__().pid
        except AssertionError as err:
            raise BrokenPromiseError(f"the daemon did not start at the first attempt: {self._read_log()}") from err

    def stop(self) -> None:
        """End the daemon, if it has not ended."""
        if self._running:
            self._running.__exit__(None, None, None)
            self._running = None

    def find_worker(self) -> psutil.Process | None:
        """Return the worker process, None while there is none."""
        return next(iter(find_children(self.pid, "ail_daemon.indexing.worker")), None)

    def is_alive(self) -> bool:
        """Say whether the daemon has not ended."""
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    # --- operations: they may fail with the daemon ------------------------------------------------------------------

    def move(self, state: str) -> None:
        """Have the branch point to what it does in *state*."""
        run_git(self.repo, "update-ref", "refs/heads/main", self._shas[state])
        self._state = state

    def attempt(self, operation: str, limit_s: float) -> None:
        """Do the *operation* of that name, and wait for its end no longer than *limit_s*, nor for a daemon that has ended."""
        getattr(self, operation)(limit_s)

    def add(self, limit_s: float = _LIMIT_S) -> None:
        """Enrol, and wait until all is searchable."""
        self._call("repo.add", repo=str(self.repo))
        self._wait_settled(limit_s)

    def update(self, limit_s: float = _LIMIT_S) -> None:
        """Take in one new commit."""
        self.move("grown")
        self._wait_settled(limit_s)

    def rewrite(self, limit_s: float = _LIMIT_S) -> None:
        """Take in an amended commit for another."""
        self.move("amended")
        self._wait_settled(limit_s)

    def purge(self, limit_s: float = _LIMIT_S) -> None:
        """Remove the repository, its index too."""
        del limit_s
        self._call("repo.remove", repo=str(self.repo), purge=True)
        if left := list((self.home.state / "repos").glob("*/*")):
            raise BrokenPromiseError(f"purged, and left {[path.name for path in left]}")

    def save(self, limit_s: float = _LIMIT_S) -> None:
        """Back everything up."""
        del limit_s
        self._call("backup", file=str(self.backup))

    def notify(self) -> None:
        """Have the daemon look at the repository; that it cannot read it is no failure here."""
        with contextlib.suppress(AilError):
            self._call("repo.notify", repo=str(self.repo))

    def wait_settled(self) -> None:
        """Wait until the index holds what refs reach now."""
        self._wait_settled(_LIMIT_S)

    # --- what must hold ---------------------------------------------------------------------------------------------

    def learn(self) -> None:
        """Build an index from nothing for each state, and keep what it answers."""
        for state in STATES:
            self.move(state)
            self.start()
            self.add()
            self._expected[state] = self._ask()
            self._bytes[state] = hash_tree(self.repo)
            self.purge()
            self.stop()

    def recover(self) -> None:
        """Start the daemon if it has ended, have it go on, and check everything that must hold."""
        if not self.is_alive():
            self.stop()
            self.start()
        self._call("repo.add", repo=str(self.repo))
        self._wait_settled(_LIMIT_S)
        self.check()

    def check(self) -> None:
        """Check the index against git, itself and one built from nothing; processes, files, and the repository's bytes."""
        (directory,) = (path.parent for path in (self.home.state / "repos").glob("*/repo.json"))
        indexed = Indexed(self.repo, directory / "store.sqlite")
        if not indexed.is_right():
            raise BrokenPromiseError("the index does not hold what refs reach")
        with contextlib.closing(sqlite3.connect(f"{indexed.store.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            if (said := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise BrokenPromiseError(f"SQLite says: {said}")
        checked = self._call("check.index", repo=str(self.repo))["repos"][0]
        if not checked["ok"] or checked["repaired"]:
            raise BrokenPromiseError(f"check index found {checked}")
        if (said := self._ask()) != self._expected[self._state]:
            raise BrokenPromiseError(
                f"{said} is answered, and {self._expected[self._state]} by an index built from nothing"
            )
        self._check_surroundings()

    def _check_surroundings(self) -> None:
        if left := [path for path in self.home.state.rglob("*") if path.suffix in (".new", ".part", ".tmp")]:
            raise BrokenPromiseError(f"left over: {left}")
        if hash_tree(self.repo) != self._bytes[self._state]:
            raise BrokenPromiseError("the repository's bytes changed")
        end = time.monotonic() + _ORPHAN_S
        while orphans := [one.pid for one in psutil.process_iter() if self._is_orphan(one)]:
            if time.monotonic() > end:
                raise BrokenPromiseError(f"orphaned processes: {orphans}")
            time.sleep(0.05)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _is_orphan(self, one: psutil.Process) -> bool:
        """Whether a process of this home's daemons has outlived the daemon that started it."""
        with contextlib.suppress(psutil.Error):
            return one.ppid() == 1 and one.environ().get("XDG_STATE_HOME") == self.home.env["XDG_STATE_HOME"]
        return False

    def _call(self, method: str, **params: Any) -> Any:
        with self.home.connected() as call:
            return call(method, timeout_s=_CALL_S, **params)

    def _ask(self) -> list[Any]:
        with self.home.connected() as call:
            told = [call("ask", repo=str(self.repo), question=text, no_cache=True) for text in QUESTIONS]
        # the first citation: removed documents have a share in BM25's figures until they are merged away, and those behind it
        # are near each other here
        return [[one["outcome"], one["degraded"], one["citations"][:1] and one["citations"][0]["sha"]] for one in told]

    def _wait_settled(self, limit_s: float) -> None:
        end, told = time.monotonic() + limit_s, None
        while time.monotonic() < end:
            (told,) = self._call("status", repo=str(self.repo))["repos"]
            if told["complete"] and told["head"] == self._shas[self._state] and not told["notice"]:
                return
            time.sleep(0.02)
        raise BrokenPromiseError(f"not up to date after {limit_s:g} s: {told}")

    def _read_log(self) -> str:
        return (self.home.directory / "daemon.err").read_text()[-1000:]


@contextlib.contextmanager
def subject() -> Iterator[Subject]:
    """Make a subject that has learnt what to expect, with a daemon that has read its repository."""
    with sealed_home(prepare_models()) as home:
        made = Subject(home)
        try:
            made.learn()
            made.move(STATES[0])
            made.start()
            made.add()
            made.check()
            yield made
        finally:
            made.stop()


def make_repository(path: Path) -> dict[str, str]:
    """Make a bare repository with every state's commits, and return the states' tips."""
    run_git(path.parent, "init", "-q", "--bare", "-b", "main", path.name)
    history = "".join(_write_commit(f"refs/heads/main{number // _COMMITS}", number) for number in range(_COMMITS))
    tip = f"reset refs/tips/grown\nfrom refs/heads/main0\n\n{_write_commit('refs/tips/grown', 90)}"
    other = f"reset refs/tips/amended\nfrom refs/heads/main0\n\n{_write_commit('refs/tips/amended', 91)}"
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=path,
        env=git_environment(),
        input=history + tip + other,
        check=True,
        text=True,
    )
    run_git(path, "update-ref", "refs/tips/begun", "refs/heads/main0")
    run_git(path, "update-ref", "-d", "refs/heads/main0")
    return {state: run_git(path, "rev-parse", f"refs/tips/{state}") for state in STATES}


def hash_tree(top: Path) -> str:
    """Return a hash of every name and byte below *top*."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(top.rglob("*")):
        digest.update(os.fsencode(path.relative_to(top)) + (path.read_bytes() if path.is_file() else b"/"))
    return digest.hexdigest()


def tolerate_failure(work: Any) -> None:
    """Do *work*; that the daemon vanished under it, or said why it could not, is what a crash looks like."""
    with contextlib.suppress(AilError, OSError, AssertionError, BrokenPromiseError):
        work()


def _write_commit(ref: str, number: int) -> str:
    thing, fault = _THINGS[number % len(_THINGS)], _FAULTS[number // len(_THINGS) % len(_FAULTS)]
    return (
        f"commit {ref}\ncommitter Ann <ann@example.org> {1_700_000_000 + 60 * number} +0000\n"
        f"data <<E\nMend the {thing} {number}\n\nIt was mended because the {thing} {fault}.\nE\n"
        f"M 100644 inline part{number % 50}.txt\ndata <<E\n{thing}_{number} = {number}\nE\n\n"
    )
