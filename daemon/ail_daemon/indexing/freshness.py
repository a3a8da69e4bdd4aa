"""When a repository is checked: at start, on events, on hooks' hints, on a timer, and at every question.

Events and hints make it fast; comparing the refs makes it right. Knows the watcher and the indexer; answers nothing itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from ail_rpc.errors import NotARepositoryError, OutOfTimeError, StorageError
from ail_rpc.hints import HINTS_MAX_BYTES, REWRITTEN, Hint, get_hints_file, parse_hints

from ..flags import Flags
from ..index.store import DamagedError
from ..process.logs import log
from ..repos.repo import Repo
from ..repos.repos import Repos
from .indexer import Indexer
from .watching.watcher import Watcher

WAIT_S = 0.2
"""How long a question waits for a handful of new commits; with more to read it is answered from the index as it is."""

_HINTS = "hints"


class Freshness:
    """Checks every enrolled repository. The settings say whether events are used, and the timer's period."""

    def __init__(self, repos: Repos, indexer: Indexer, flags: Flags) -> None:
        self._repos = repos
        self._indexer = indexer
        self._flags = flags
        self._hints = Path(get_hints_file())
        self._watcher: Watcher | None = None
        self._starting = threading.RLock()
        self._is_due = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self.on_look: Callable[[], None] = lambda: None  # called in a thread, after each check of all repositories

    async def start(self) -> None:
        """Begin, by checking for all that moved while no daemon ran."""
        await asyncio.to_thread(self._start_watching)
        self._timer = asyncio.create_task(self._run_timer())

    async def stop(self) -> None:
        """Stop watching and the timer."""
        if self._timer:
            self._timer.cancel()
        await asyncio.to_thread(self._stop_watching)

    def watch_as_set(self) -> None:
        """Begin or end watching, as the settings now say. Blocks until every directory is registered with the kernel."""
        with self._starting:
            if self._flags.current.watch != (self._watcher is not None):
                self._stop_watching()
                self._start_watching()

    def look_now(self) -> None:
        """Have the timer check everything now, and from then on at the period now set."""
        self._is_due.set()

    def enrol(self, repo: Repo) -> None:
        """Watch *repo* from now on, and update it."""
        self._watch(repo)
        self._indexer.forget(repo)
        self._indexer.request(repo, "add")

    def leave(self, repo: Repo) -> None:
        """Stop watching *repo*, and wait until no update of it runs."""
        if watcher := self._watcher:
            watcher.unwatch(repo.key)
        self._indexer.abandon(repo)

    async def ensure(self, repo: Repo, limit_s: float) -> None:
        """Return once the index is as fresh as a question may wait for: no unreachable commit is found, a few new ones are.

        Commits made during a bulk update are not waited for: they are found after it.

        Raises OutOfTimeError if *limit_s* were not enough to find the removed commits: an answer might cite one.
        """
        update = self._indexer.freshen(repo, "question")
        if update is None or update.done.done():
            return
        if not update.is_bulk:
            await _wait(update.done, min(WAIT_S, limit_s))
        if not update.pruned.done() and not await _wait(update.pruned, limit_s - WAIT_S):
            raise OutOfTimeError(
                f"refs of {repo.place.root} moved, and {limit_s:g} s were not enough to find the removed commits",
                "ask again in a moment; `ail-client status` shows what the daemon does",
            )

    def mend(self, repo: Repo, error: StorageError) -> None:
        """Rebuild what a question found damaged: the caches of *repo*'s index from the store, or the store from git."""
        repo.is_doubtful = True
        if isinstance(error, DamagedError):
            repo.distrust()
        self._indexer.request(repo, "question")

    # --- on the watcher's thread --------------------------------------------------------------------------------------

    def _on_move(self, key: str) -> None:
        if key == _HINTS:
            self._take_hints()
        elif repo := self._repos.get(key):
            self._indexer.request(repo, "event", is_hint=True)

    def _on_overflow(self) -> None:
        for repo in self._repos:
            self._indexer.request(repo, "event", is_hint=True)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _start_watching(self) -> None:
        self._hints.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._starting:
            if self._flags.current.watch and self._watcher is None:
                watcher = Watcher(self._on_move, self._on_overflow)
                watcher.start()
                watcher.watch_directory(_HINTS, os.fspath(self._hints.parent))
                self._watcher = watcher
        for repo in self._repos:
            self._watch(repo)

    def _stop_watching(self) -> None:
        with self._starting:
            watcher, self._watcher = self._watcher, None
        if watcher:
            watcher.stop()

    def _on_damage(self, repo: Repo) -> None:
        """Rebuild or update an index whose files changed since they were written."""
        log("index_damaged", level="warning", repo_id=repo.key)
        self._indexer.forget(repo)
        self._indexer.request(repo, "timer")

    def _watch(self, repo: Repo) -> None:
        repo.on_damage = self._on_damage
        watcher = self._watcher
        repo.watched = watcher.watch(repo.key, repo.place) if watcher else "events are switched off: polled"

    async def _run_timer(self) -> None:
        while True:
            self._is_due.clear()
            await asyncio.to_thread(self._look_at_all)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_due.wait(), self._flags.current.reconcile_s)

    def _look_at_all(self) -> None:
        self._take_hints()
        for repo in self._repos:
            self._watch(repo)  # again: its directory may be a new one, or a limit raised
            if repo.is_damaged_at_rest():
                repo.distrust()
                self._on_damage(repo)
            self._indexer.request_if_unsettled(repo, "timer")
            if index := repo.index:
                index.rest()  # a question opened it
        self.on_look()  # last: it may load the model, and no repository should wait for that

    def _take_hints(self) -> None:
        """Read the hooks' hints, renamed first so that no line is read twice."""
        taken = self._hints.with_name("taken")
        try:
            os.replace(self._hints, taken)
        except OSError:
            return  # nothing was left
        try:
            with taken.open("rb") as file:
                lines = file.read(2 * HINTS_MAX_BYTES)
        except OSError:
            self._on_overflow()  # another user's (`sudo git commit`): unreadable, so check every repository
            lines = b""
        taken.unlink(missing_ok=True)
        for repo, hint in self._find_repos(parse_hints(lines)):
            if hint.event == REWRITTEN and hint.old and hint.new:
                repo.rewritten.append((hint.old, hint.new))
            else:
                self._indexer.request(repo, "hook", is_hint=True)

    def _find_repos(self, hints: list[Hint]) -> Iterator[tuple[Repo, Hint]]:
        """Yield the hints about enrolled repositories: a global hook reports every repository."""
        found: dict[str, Repo | None] = {}
        for hint in hints:
            if hint.path not in found:
                found[hint.path] = self._find(hint.path)
            if repo := found[hint.path]:
                yield repo, hint

    def _find(self, path: str) -> Repo | None:
        try:
            return self._repos.find_enrolled(path)
        except (NotARepositoryError, OSError):
            return None


async def _wait(future: Future[None], limit_s: float) -> bool:
    """Wait for *future*, which others wait for too; return whether it was done in time."""
    done, _ = await asyncio.wait({asyncio.wrap_future(future)}, timeout=max(limit_s, 0))
    return bool(done)
