"""Repositories that are not enrolled, or not searchable in full yet: an offer to add one, and the progress of its indexing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ail_client.layout import describe_progress
from ail_client.sanitise import to_line, to_path
from ail_client.target import to_wire_path
from ail_rpc.errors import AilError

from .asking import Asker, run_in_thread

if TYPE_CHECKING:
    from .server import Server

POLL_S = 1.0
STATUS = "ail/status"
"""A notification to our own extension: {repo, complete, text}."""

_ADD, _NOT_NOW = "Add it", "Not now"


class Indexing:
    """Offers a repository once a session, and shows the progress of each that is being indexed once at a time."""

    def __init__(self, server: Server, asker: Asker) -> None:
        self._server = server
        self._asker = asker
        self._offered: set[str] = set()
        self._watched: dict[str, asyncio.Task[None]] = {}

    async def offer(self, repo: str) -> bool:
        """Ask the user whether *repo* is to be added, unless that was asked before; return whether it was.

        Raises what adding it does.
        """
        if repo in self._offered or not self._asker.settings.offer_to_add:
            return False
        self._offered.add(repo)
        chosen = await self._server.window_show_message_request_async(
            types.ShowMessageRequestParams(
                types.MessageType.Info,
                f"AIL has not read the history of {to_path(repo)} yet. Add it? It is read on this machine alone.",
                [types.MessageActionItem(_ADD), types.MessageActionItem(_NOT_NOW)],
            )
        )
        if getattr(chosen, "title", None) != _ADD:
            return False
        await self.add(repo)
        return True

    async def add(self, repo: str) -> None:
        """Add *repo* and show how its indexing goes on. Raises as `Asker.add`."""
        self._offered.add(repo)
        await run_in_thread(lambda: self._asker.add(to_wire_path(repo)))
        self.watch(repo)

    def watch(self, repo: str) -> None:
        """Show the progress of *repo* until it is searchable in full; nothing where that is being shown."""
        if repo not in self._watched:
            task = asyncio.ensure_future(self._watch(repo))
            self._watched[repo] = task
            task.add_done_callback(lambda _: self._watched.pop(repo, None))

    async def _watch(self, repo: str) -> None:
        progress = _Progress(self._server, f"AIL reads {to_path(repo)}")
        with contextlib.suppress(AilError, JsonRpcException):  # the next question says what is wrong
            while not progress.is_cancelled:
                state = await self._read_state(repo)
                is_over = state is None or bool(state.get("complete")) or _has_given_up(state)
                await progress.show(state or {}, is_over=is_over)
                self._tell(repo, state, is_over=is_over)
                if is_over:
                    break
                await asyncio.sleep(POLL_S)
        progress.end()

    async def _read_state(self, repo: str) -> dict[str, Any] | None:
        status = await run_in_thread(lambda: self._asker.request("status", {"repo": to_wire_path(repo)}))
        return next(iter(status.get("repos") or ()), None)

    def _tell(self, repo: str, state: dict[str, Any] | None, *, is_over: bool) -> None:
        if self._asker.settings.presents:
            text = "" if is_over or state is None else to_line(describe_progress(state))
            self._server.protocol.notify(STATUS, {"repo": to_path(repo), "complete": is_over, "text": text})


class _Progress:
    """A progress bar of the editor, if it has them; it begins with the first report."""

    _count = 0

    def __init__(self, server: Server, title: str) -> None:
        window = server.client_capabilities.window
        self._server = server
        self._title = title
        self._is_able = bool(window and window.work_done_progress)
        _Progress._count += 1
        self._token = f"ail-{_Progress._count}"
        self._has_begun = False

    @property
    def is_cancelled(self) -> bool:
        """Whether the user does not want to see it any more."""
        future = self._server.work_done_progress.tokens.get(self._token)
        return bool(future and future.cancelled())

    async def show(self, state: dict[str, Any], *, is_over: bool) -> None:
        """Report *state*; what is over at once needs no bar."""
        if not self._is_able or (is_over and not self._has_begun):
            return
        share = _get_percentage(state)
        if not self._has_begun:
            await self._server.work_done_progress.create_async(self._token)
            self._has_begun = True
            begin = types.WorkDoneProgressBegin(title=self._title, cancellable=True, percentage=share, message="")
            self._server.work_done_progress.begin(self._token, begin)
        report = types.WorkDoneProgressReport(message=to_line(describe_progress(state)), percentage=share)
        self._server.work_done_progress.report(self._token, report)

    def end(self) -> None:
        """Take the bar away."""
        if self._has_begun:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())


def _get_percentage(state: dict[str, Any]) -> int:
    total = state.get("of") or state.get("total") or 0
    return min(100 * int(state.get("done") or 0) // total, 100) if total else 0


def _has_given_up(state: dict[str, Any]) -> bool:
    return bool(state.get("notice")) and state.get("phase") == "idle"
