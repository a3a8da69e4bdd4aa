"""Who is connected, who is served, who waits for a turn. Knows connections as things to be counted, nothing of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ail_rpc.errors import AilError

from .limits import ServingLimits

C = TypeVar("C")


class Connections(Generic[C]):
    """All of a server's connections, and which of them are being served. note_error: told what a connection itself refuses."""

    def __init__(self, limits: ServingLimits, note_error: Callable[[AilError], None] = lambda _: None) -> None:
        self.limits = limits
        self.note_error = note_error
        self.open: set[C] = set()
        self.active: set[C] = set()
        self.refused: set[C] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def count(self) -> dict[str, int]:
        """Return how many there are: open (all), active (being served), refused (told "busy")."""
        return {"open": len(self.open), "active": len(self.active), "refused": len(self.refused)}

    def is_full(self) -> bool:
        """Whether a newcomer finds as many idle connections as there may be."""
        return len(self.open) - len(self.active) - len(self.refused) >= self.limits.idle

    def can_serve(self, connection: C) -> bool:
        """Whether *connection* is being served, or may be now."""
        return connection in self.active or len(self.active) < self.limits.active

    async def wait_for_turn(self, connection: C) -> bool:
        """Wait, first come first served, until *connection* may be served; False where that takes too long.

        A thousand clients at once then find a daemon that is slow for a moment, not one that turns them away.
        """
        try:
            async with asyncio.timeout(self.limits.queue_s):
                while not self.can_serve(connection):
                    turn = asyncio.get_running_loop().create_future()
                    self._waiting.append(turn)
                    await turn
        except TimeoutError:
            return False
        return True

    def release(self, connection: C) -> None:
        """Let the next one have *connection*'s turn."""
        self.active.discard(connection)
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
