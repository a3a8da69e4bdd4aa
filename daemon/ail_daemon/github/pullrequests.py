"""Adds pull requests to cited commits in replies, as far as they are known, and asks GitHub about the others afterwards.

Off without GITHUB_TOKEN. A reply never waits: a pull request that is not known yet is null in it, and is added when the question
is asked again, also from a cache. One child process runs at a time, with a second's pause for each commit, to stay below
GitHub's 5,000 requests an hour; after a problem nothing is asked for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ail_rpc.errors import AilError

from ..flags import Flags
from ..index.store import KnownRequest
from ..model import PullRequest
from ..process.logs import log
from ..repos.repo import Repo
from ..settings import Settings
from .fetching import PROBLEMS, Fetched, Fetching
from .projects import find_project

WAITING_MAX = 200
"""Most commits that wait to be asked about; the oldest are dropped, and asked about at a later question."""
ORDER_MAX = 20
"""Commits that one child asks about."""
PACE_S = 1.0
"""Pause after a child, for each commit it asked about."""
NONE_DAYS, FOUND_DAYS = 3, 30
"""After so many days GitHub is asked again: there may be a pull request by now, or a new title."""
_DAY_S = 86_400
_RETRY_S, _RETRY_MAX_S = 60.0, 3600.0
_LASTING = frozenset({"bad_token", "forbidden", "not_found", "redirected"})
_OF_ONE_REPO = frozenset({"not_found"})


class _Wanted(NamedTuple):
    repo: Repo
    sha: str


class PullRequests:
    """Used on the daemon's loop; what waits for others is done in a thread, made at the first commit."""

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._fetching = Fetching()
        self._thread = ThreadPoolExecutor(1, "github")
        self._leave = flags.subscribe(self._follow)
        self._is_running = False
        self._reset()

    def _reset(self) -> None:
        self._waiting: dict[tuple[str, str], _Wanted] = {}
        self._not_before: dict[str | None, float] = {}  # by repository, None: for all; the loop's time
        self._failures = 0  # in a row
        self.problem: str | None = None  # a key of PROBLEMS, of the last order; None where it went well

    def add_to(self, repo: Repo, reply: dict[str, Any]) -> None:
        """Add what is known to the citations of *reply*, which is about to be sent; GitHub is asked about the others later.

        Where GitHub is on. One query by key, on the loop: 80 µs for five.
        """
        if not self._flags.current.github_token or not reply["citations"] or repo.index is None:
            return
        shas = [citation["sha"] for citation in reply["citations"]]
        try:
            known = repo.index.store.get_pull_requests(shas)
        except AilError:  # it is being removed or replaced; the answer stands without
            return
        now = time.time()
        self._want(repo, [sha for sha in shas if not (one := known.get(sha)) or _is_old(one, now)])
        reply["citations"] = [_tell(citation, known) for citation in reply["citations"]]

    def describe(self) -> dict[str, Any]:
        """Return whether a token is set, the last problem (None: none), what to do, and how many are being asked about."""
        problem, todo = PROBLEMS[self.problem] if self.problem else (None, None)
        is_on = self._flags.current.github_token is not None
        return {"on": is_on, "problem": problem, "todo": todo, "waiting": len(self._waiting)}

    def stop(self) -> None:
        """End the child process; drop what waits."""
        self._leave()
        self._waiting.clear()
        self._fetching.stop()
        self._thread.shutdown(wait=True, cancel_futures=True)

    # --- at a reply -------------------------------------------------------------------------------------------------

    def _want(self, repo: Repo, shas: Iterable[str]) -> None:
        for sha in shas:
            self._waiting.pop((repo.key, sha), None)
            self._waiting[repo.key, sha] = _Wanted(repo, sha)
        while len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        task = asyncio.current_task()
        if self._waiting and not self._is_running and task is not None:
            self._is_running = True
            task.add_done_callback(lambda _: self._go_on())  # the task writes the reply

    # --- after it ---------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Start the next order; during a pause the waiting commits are dropped, and asked about at a later question."""
        loop, settings = asyncio.get_running_loop(), self._flags.current
        if not settings.github_token or self._is_barred(None):
            self._waiting.clear()
        self._waiting = {key: one for key, one in self._waiting.items() if not self._is_barred(key[0])}
        if not self._waiting:
            self._is_running = False
            return
        repo = next(iter(self._waiting.values())).repo
        shas = [one.sha for one in self._waiting.values() if one.repo is repo][-ORDER_MAX:]
        for sha in shas:
            del self._waiting[repo.key, sha]
        done = loop.run_in_executor(self._thread, self._ask, settings, repo, shas)
        done.add_done_callback(lambda done: self._end(settings, repo, len(shas), done))

    def _ask(self, settings: Settings, repo: Repo, shas: list[str]) -> Fetched | None:
        """Ask about *shas* and store the answers; None if the project of *repo* is not known."""
        project = find_project(settings, repo.place)
        if project is None:
            return None
        fetched = self._fetching.fetch(project, shas)
        if fetched.found and repo.index is not None:
            repo.index.store.add_pull_requests(fetched.found, int(time.time()))
        return fetched

    def _end(self, settings: Settings, repo: Repo, count: int, done: asyncio.Future[Fetched | None]) -> None:
        if done.cancelled():
            return
        if error := done.exception():
            log("github_failed", level="warning", repo_id=repo.key, error=error)
            self._bar(repo.key, _RETRY_S)
        elif _pick(self._flags.current) == _pick(settings):
            self._judge(repo, done.result())
        asyncio.get_running_loop().call_later(PACE_S * count, self._go_on)

    def _judge(self, repo: Repo, fetched: Fetched | None) -> None:
        """Note how an order ended, and how long to pause after it."""
        if fetched is None:
            self._bar(repo.key, _RETRY_MAX_S)
            return
        self.problem = fetched.problem
        if fetched.problem is None:
            self._failures = 0
            return
        log("github_failed", level="warning", repo_id=repo.key, outcome=fetched.problem)
        self._failures += 1
        wait_s = fetched.wait_s or min(_RETRY_S * 2 ** min(self._failures - 1, 10), _RETRY_MAX_S)
        wait_s = _RETRY_MAX_S if fetched.problem in _LASTING else wait_s
        self._bar(repo.key if fetched.problem in _OF_ONE_REPO else None, wait_s)

    def _bar(self, key: str | None, wait_s: float) -> None:
        self._not_before[key] = asyncio.get_running_loop().time() + wait_s

    def _is_barred(self, key: str | None) -> bool:
        return asyncio.get_running_loop().time() < self._not_before.get(key, 0.0)

    def _follow(self, before: Settings, now: Settings) -> None:
        """Begin anew with other settings; what the old ones have under way is ended."""
        if _pick(before) != _pick(now):
            self._reset()
            self._fetching.kill()


def _tell(citation: dict[str, Any], known: dict[str, KnownRequest]) -> dict[str, Any]:
    one = known.get(citation["sha"])
    return citation | {"pull_request": _describe(one.request) if one and one.request else None}


def _describe(request: PullRequest) -> dict[str, Any]:
    return {"number": request.number, "title": request.title, "url": request.url}


def _is_old(known: KnownRequest, now: float) -> bool:
    days = NONE_DAYS if known.request is None or known.request.state == "open" else FOUND_DAYS
    return not 0 <= now - known.fetched_at < days * _DAY_S


def _pick(settings: Settings) -> tuple[str | None, ...]:
    return settings.github_token, settings.github_owner, settings.github_repo, settings.github_api_url
