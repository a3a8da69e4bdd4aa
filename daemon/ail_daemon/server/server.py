"""The daemon's socket: accepts, looks after its own file, stops cleanly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ail_rpc.errors import AilError
from ail_rpc.messages import encode_request

from ..process.activation import notify
from ..process.direvents import DirectoryEvents
from ..process.logs import log
from .admission import Connections
from .connection import Answerer, Connection
from .limits import ServingLimits
from .listening import Listener

_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 64  # a whole backlog at once counted a thousand clients that had long gone, and refused the next
_ROUNDS = 5  # of the loop, in which whatever has arrived is accepted, looked at and read


class Server:
    """Serves *answerer* at a socket from `start` to `stop`.

    renew: called before each check of the socket's file; the app renews its locks there. It may raise.
    note_error: called with what is refused before it becomes a request.
    beat: called a few times a second while clients connect or send, to show that the loop runs.
    beside: directories, besides the socket's, in which a change makes it check.
    """

    def __init__(
        self,
        listener: Listener,
        answerer: Answerer,
        limits: ServingLimits = ServingLimits(),  # noqa: B008 - frozen
        renew: Callable[[], None] = lambda: None,
        note_error: Callable[[AilError], None] = lambda _: None,
        beat: Callable[[], None] = lambda: None,
        beside: Sequence[str] = (),
    ) -> None:
        self._listener = listener
        self._answerer = answerer
        self._limits = limits
        self._renew = renew
        self._connections: Connections[Connection] = Connections(limits, note_error, beat)
        self._acceptor: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._directories = (os.path.dirname(listener.path), *beside)
        self._accepted = 0  # the server's own checks of itself do not count

    @property
    def accepted(self) -> int:
        """How many clients have come so far."""
        return self._accepted

    @property
    def is_in_use(self) -> bool:
        """Whether a client is connected, or a request runs whose client has gone."""
        return bool(self._connections.open or self._connections.active)

    def admit(self, active: int) -> None:
        """Set how many connections may have a request running."""
        self._connections.limits = replace(self._connections.limits, active=active)

    def count_connections(self) -> dict[str, int]:
        """Return how many connections there are, by state."""
        return self._connections.count()

    async def start(self) -> None:
        """Begin to answer clients that connect to the path."""
        self._acceptor = await self._listen(self._listener)
        self._watch = asyncio.create_task(self._watch_itself())

    async def stop(self) -> None:
        """Remove the file if ours, accept no more, answer what runs (`stop_s` seconds at most), close everything."""
        await self._stop_watching()
        self._listener.withdraw()  # first, so that a client that comes now finds no daemon instead of one that ends
        await _let_arrive()
        if self._acceptor:
            self._acceptor.close()
        await self._finish_requests()
        await self._close_connections()

    async def retire(self) -> bool:
        """Accept no more; False, and all as before, if a client came meanwhile, or no service manager holds this socket.

        Clients that connect from then on wait in the service manager's queue for the next daemon.
        """
        if not self._listener.is_borrowed:
            return False
        kept = Listener.adopt(self._listener.sock.dup())
        if self._acceptor:
            self._acceptor.close()
        await _let_arrive()
        if not self.is_in_use:
            kept.sock.close()
            return True
        self._listener, self._acceptor = kept, await self._listen(kept)
        return False

    def _connect(self) -> Connection:
        self._accepted += 1
        return Connection(self._answerer, self._connections)

    async def _listen(self, listener: Listener) -> asyncio.Server:
        acceptor = await asyncio.get_running_loop().create_unix_server(
            self._connect, sock=listener.sock, backlog=_ACCEPTED_AT_ONCE
        )
        listener.sock.listen(_BACKLOG)  # asyncio has one number for both
        listener.publish()
        return acceptor

    async def _finish_requests(self) -> None:
        running = [task for connection in self._find_all() for task in connection.finish()]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self._limits.stop_s)
        for task in late:
            task.cancel()  # it is answered all the same: "the daemon is stopping"
        if late:
            await asyncio.wait(late, timeout=self._limits.stop_s)

    async def _close_connections(self) -> None:
        await _let_arrive()
        for _ in range(_ROUNDS):
            if not self._connections.open:
                return
            await asyncio.sleep(self._limits.stop_s / 50)  # replies that a client is still reading
        for connection in self._find_all():
            connection.abort()
        await asyncio.sleep(0)

    def _find_all(self) -> list[Connection]:
        return list(self._connections.open | self._connections.active)

    # The server's look at itself -----------------------------------------------------------------------------------

    async def _watch_itself(self) -> None:
        """Check that the socket's file is ours, every minute that a request to it is answered; else bind anew.

        At every change in the directories, and every half minute; every second where the kernel tells of no change. A client
        that finds no socket starts a daemon, which finds the lock held and waits for this check.
        """
        changed = asyncio.Event()
        events = DirectoryEvents(changed.set)
        next_answer = asyncio.get_running_loop().time() + self._limits.answer_check_s
        try:
            while True:
                has_events = events.watch(self._directories)
                next_answer = await self._look(next_answer)
                with suppress(TimeoutError):
                    wait_s = self._limits.quiet_check_s if has_events else self._limits.path_check_s
                    await asyncio.wait_for(changed.wait(), wait_s)
                changed.clear()
        finally:
            events.close()

    async def _look(self, next_answer: float) -> float:
        """Check once; return when the next request to ourselves is due, on the loop's clock. Raises nothing."""
        now = asyncio.get_running_loop().time()
        is_due = now >= next_answer
        try:
            if not self._is_in_place() or (is_due and not await self._is_answering()):
                await self._bind_anew()
            notify("WATCHDOG=1")
        except Exception as err:  # noqa: BLE001 - one failed look must not end the looking
            log("self_check_failed", level="error", error=err)
        return now + self._limits.answer_check_s if is_due else next_answer

    def _is_in_place(self) -> bool:
        self._renew()
        return self._listener.is_in_place()

    async def _is_answering(self) -> bool:
        """Whether a request to our own path gets any answer in time, "busy" included."""
        self._accepted -= 1
        try:
            async with asyncio.timeout(self._limits.answer_s):
                reader, writer = await asyncio.open_unix_connection(self._listener.path)
                try:
                    writer.write(encode_request(0, "health", {"kind": "live"}))
                    return bool(await reader.read(1))
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def _bind_anew(self) -> None:
        log("socket_bound_anew", level="warning")
        listener = Listener.bind(self._listener.path)
        acceptor = await self._listen(listener)
        if self._acceptor:
            self._acceptor.close()
        self._listener, self._acceptor = listener, acceptor

    async def _stop_watching(self) -> None:
        if self._watch:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch


async def _let_arrive() -> None:
    """Let the loop accept waiting connections and read waiting bytes before the socket closes."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
