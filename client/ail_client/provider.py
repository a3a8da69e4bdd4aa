"""`ArchaeologyContextProvider`: questions from Python, to the same daemon as all clients.

It caches nothing: a second cache could cite unreachable commits. Each call has a connection of its own and blocks a thread,
never an event loop; the daemon is found, started and replaced as `ail-client` does it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ail_rpc.errors import AilError, OutOfTimeError, UsageError

from .contexts import ArchaeologyContext, make_context
from .deadline import Deadline
from .quick import DEFAULT_TIMEOUT_S
from .session import Reach, ask_daemon
from .target import find_owner, find_place, resolve_file, to_wire_path

_THREADS = 8  # questions of one provider under way at once; the daemon answers fewer
_CACHE_SETTING = "AIL_CACHE_SIZE"
_GITHUB_SETTINGS = ("GITHUB_TOKEN", "GITHUB_OWNER", "GITHUB_REPO")


class ArchaeologyContextProvider:
    """Answers "why is this so?" about one repository, which must have been added (`ail-client add`).

    repo_path: a directory of the repository; it may be bare.
    cache_size: how many answers the daemon should at least cache, for all clients: where its own cache is smaller, it is
    enlarged until its next start. 0: the cache is bypassed. None: as the daemon is set.
    max_query_time_s: seconds for one answer, waiting for a turn included; above 0.
    github_token: has the daemon ask GitHub for the pull requests of cited commits, for all clients' questions, until its
    next start. github_owner, github_repo: of which project; None: the one that the remote `origin` names.
    socket: the daemon's socket; None: the user's own.

    May be used by several threads and event loops at once. Raises NotARepositoryError, UsageError; every error is one of
    `ail_rpc.errors`, with a `message` and a `hint`.
    """

    def __init__(
        self,
        repo_path: str | os.PathLike[str],
        cache_size: int | None = None,
        max_query_time_s: float = DEFAULT_TIMEOUT_S,
        github_owner: str | None = None,
        github_repo: str | None = None,
        github_token: str | None = None,
        *,
        socket: str | None = None,
    ) -> None:
        if max_query_time_s <= 0 or (cache_size is not None and cache_size < 0):
            raise UsageError("max_query_time_s must be above 0, and cache_size not below")
        self._place = find_place(os.fspath(repo_path))
        self._cache_size = cache_size
        self._limit_s = max_query_time_s
        self._socket = socket
        self._threads = ThreadPoolExecutor(_THREADS, "ail")
        named = zip(_GITHUB_SETTINGS, (github_token, github_owner, github_repo), strict=True)
        self._github = {name: value for name, value in named if value} if github_token else {}
        self._setting_up = threading.Lock()
        self._is_set_up = not cache_size and not github_token

    async def get_context(
        self,
        file_path: str | os.PathLike[str] | None,
        question: str,
        *,
        lines: tuple[int, int] | None = None,
        limit: int = 5,
    ) -> ArchaeologyContext:
        """Return what the history says, without blocking the event loop.

        file_path: from the repository's root, or absolute; it need not exist any more. None: the whole repository.
        lines: first and last, counted from 1. limit: citations, 1 to 100. Raises NotEnrolledError, OutOfTimeError,
        UnavailableError and others of `ail_rpc.errors`. If cancelled, the daemon still answers the question.
        """
        deadline = Deadline(self._limit_s)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, file_path, question, lines, limit, deadline)

    def get_context_sync(
        self,
        file_path: str | os.PathLike[str] | None,
        question: str,
        timeout: float | None = None,
        *,
        lines: tuple[int, int] | None = None,
        limit: int = 5,
    ) -> ArchaeologyContext:
        """Return the same, blocking this thread for at most *timeout* seconds (None: max_query_time_s)."""
        return self._ask(file_path, question, lines, limit, Deadline(self._limit_s if timeout is None else timeout))

    def get_cache_stats(self) -> dict[str, Any]:
        """Return the daemon's figures: of the caches `exact` and `similar` hits, misses, evictions, entries, size, bytes."""
        return dict(ask_daemon(self._reach(self._limit_s), "cache.stats", {}))

    def clear_cache(self) -> None:
        """Have the daemon forget the answers about this repository."""
        ask_daemon(self._reach(self._limit_s), "cache.clear", {"repo": self._root})

    def is_initialized(self) -> bool:
        """Whether a daemon runs and can answer about this repository, perhaps not from all of it yet.

        Starts none and raises nothing.
        """
        try:
            status = ask_daemon(self._reach(self._limit_s, may_start=False), "status", {"repo": self._root})
        except AilError:
            return False
        return any(repo["complete"] or repo["commits"] for repo in status["repos"])

    @property
    def _root(self) -> str:
        return to_wire_path(self._place.address)

    def _reach(self, limit_s: float, *, may_start: bool = True) -> Reach:
        return Reach(self._socket, limit_s, may_start)

    def _ask(
        self,
        file_path: str | os.PathLike[str] | None,
        question: str,
        lines: tuple[int, int] | None,
        limit: int,
        deadline: Deadline,
    ) -> ArchaeologyContext:
        params: dict[str, Any] = {"repo": self._root, "question": question, "limit": limit}
        if file_path is not None:
            params |= self._find_file(os.fspath(file_path))
        if lines is not None:
            params["lines"] = list(lines)
        if self._cache_size == 0:
            params["no_cache"] = True
        if deadline.has_passed:
            raise OutOfTimeError("the question waited too long for its turn", "ask fewer at once, or allow more time")
        self._set_up(deadline)
        return make_context(ask_daemon(self._reach(deadline.remaining_s()), "ask", params))

    def _find_file(self, name: str) -> dict[str, str]:
        """Return the params that name a file: also of a submodule or another clone in the work tree."""
        if self._place.is_bare:
            return {"file": resolve_file(name, self._place)}
        path = os.path.join(self._place.root, name)
        own = find_owner(path, self._place, may_leave=False)
        return {"repo": to_wire_path(own.address), "file": resolve_file(path, own)}

    def _set_up(self, deadline: Deadline) -> None:
        """Once, send the daemon this provider's settings: the cache's size, and the token, which is then dropped."""
        if self._is_set_up:
            return
        with self._setting_up:
            if not self._is_set_up:
                self._tell_daemon(self._reach(deadline.remaining_s()))
            self._is_set_up = True

    def _tell_daemon(self, reach: Reach) -> None:
        if self._cache_size:
            self._set_cache_size(reach)
        if self._github:
            ask_daemon(reach, "flags", {"set": self._github})
            self._github = {}

    def _set_cache_size(self, reach: Reach) -> None:
        flags = ask_daemon(reach, "flags", {"set": {}})["flags"]
        size = next((flag["value"] for flag in flags if flag["name"] == _CACHE_SETTING), None)
        if isinstance(size, int) and self._cache_size is not None and size < self._cache_size:
            ask_daemon(reach, "flags", {"set": {_CACHE_SETTING: str(self._cache_size)}})


def ask_all(
    question: str,
    repos: str | None = None,
    *,
    limit: int = 5,
    timeout: float = DEFAULT_TIMEOUT_S,
    socket: str | None = None,
) -> ArchaeologyContext:
    """Ask one question over every repository that was added, blocking this thread; each citation has its `repo`.

    repos: only those whose directory, or its name, this pattern fits, as a shell's. limit: citations, 1 to 100. timeout: seconds.
    Raises NotEnrolledError where no repository fits, and as `get_context`.
    """
    params = {"question": question, "repos": repos, "limit": limit}
    return make_context(ask_daemon(Reach(socket, timeout, may_start=True), "ask.all", params))
