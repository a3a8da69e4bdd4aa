"""Requests to the daemon from an event loop: each in a thread, one at a time for a document, and none for typing.

The client's session blocks while it waits, so it runs in a thread; the threads are daemonic, because an editor that leaves must
not wait for a stuck daemon. A cancelled request is abandoned, not interrupted: the next of its document waits for its end.
"""

from __future__ import annotations

import _thread
import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ail_client.arguments import get_timeout_s
from ail_client.connection import SilentError
from ail_client.session import Reach, ask_daemon, call, with_daemon
from ail_rpc.errors import NotInstalledError, UnavailableError

from .settings import Settings

T = TypeVar("T")

PAUSE_S = 10.0
"""How long nothing is asked unasked after the daemon could not be reached: a stopped one costs each question 1.5 s."""


class PausedError(UnavailableError):
    """The daemon could not be reached a moment ago; nobody asked explicitly, so it was not tried again."""


class SupersededError(UnavailableError):
    """A newer request of the same kind for the same document came while this one waited."""


class Asker:
    """Asks the daemon. `settings` may be replaced at any time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._turns: dict[str, asyncio.Lock] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._paused_until = 0.0

    @property
    def limit_s(self) -> float:
        """The limit of one answer in seconds."""
        return self.settings.timeout_s or get_timeout_s()

    async def ask(self, key: str, prepare: Callable[[], tuple[str, dict[str, Any]]], *, kind: str = "") -> Any:
        """Return the daemon's result of the (method, params) that *prepare* returns, in a thread too.

        key: requests of one key, a document's URI, are made one after the other. kind: "" for what a person asked for; else
        only the newest waiting of its kind is made. Raises what *prepare* and the daemon raise, PausedError, SupersededError.
        """
        if kind and time.monotonic() < self._paused_until:
            raise PausedError("the daemon could not be reached a moment ago")
        mine = self._newest[key, kind] = self._newest.get((key, kind), 0) + 1
        turn = self._turns.setdefault(key, asyncio.Lock())
        await turn.acquire()
        if kind and self._newest[key, kind] != mine:
            turn.release()
            raise SupersededError("a newer request came")
        try:
            work = run_in_thread(lambda: self._ask(prepare, is_asked_for=not kind))
        except RuntimeError:  # no thread could be started
            turn.release()
            raise
        work.add_done_callback(lambda _: turn.release())
        return await asyncio.shield(work)

    async def tell(self, prepare: Callable[[], tuple[str, dict[str, Any]]]) -> None:
        """Send a daemon that runs the (method, params) that *prepare* returns; none is started. Raises as `ask`."""
        if time.monotonic() < self._paused_until:
            raise PausedError("the daemon could not be reached a moment ago")

        def send() -> None:
            method, params = prepare()
            try:
                ask_daemon(Reach(self.settings.socket, self.limit_s, may_start=False), method, params)
            except SilentError:
                self._paused_until = time.monotonic() + PAUSE_S
                raise

        await run_in_thread(send)

    def forget(self, key: str) -> None:
        """Forget a document that was closed, unless something of it is under way."""
        turn = self._turns.get(key)
        if turn is not None and not turn.locked():
            del self._turns[key]
            for each in [each for each in self._newest if each[0] == key]:
                del self._newest[each]

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """Return the result of one request. Blocks; raises every error of `ail_rpc.errors`."""
        reach = Reach(self.settings.socket, self.limit_s, may_start=self.settings.start_daemon)
        return ask_daemon(reach, method, params)

    def add(self, repo: str) -> None:
        """Enrol a repository. Blocks until the daemon has accepted it; raises as `request`."""
        reach = Reach(self.settings.socket, self.limit_s, may_start=self.settings.start_daemon)
        with_daemon(reach, lambda connection, limit: call(connection, "repo.add", {"repo": repo}, limit))

    def _ask(self, prepare: Callable[[], tuple[str, dict[str, Any]]], *, is_asked_for: bool) -> Any:
        method, params = prepare()
        try:
            result = self.request(method, params)
        except (UnavailableError, SilentError, NotInstalledError):
            if not is_asked_for:
                self._paused_until = time.monotonic() + PAUSE_S
            raise
        self._paused_until = 0.0
        return result


def run_in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """Return a future of what *work* returns or raises in a daemonic thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # an abandoned error is no news

    def settle(result: T | None, err: BaseException | None) -> None:
        if future.cancelled():
            return
        if err is not None:
            future.set_exception(err)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T is

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = work(), None
        except BaseException as err:  # noqa: BLE001 - whatever it is, it is raised where the future is awaited
            outcome = None, err
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            return  # the loop has ended: the editor left

    _thread.start_new_thread(run, ())  # `Thread.start` waits until it runs: 2 ms on a busy machine
    return future
