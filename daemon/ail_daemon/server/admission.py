"""Which connections are open, which are being served, and which wait for their turn."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ail_rpc.errors import AilError

from .limits import ServingLimits

C = TypeVar("C")

_BEAT_S = 0.25
_LARGE_BYTES = 1 << 16
SMALL_BYTES = 1 << 12
"""Bytes read from one client before the next one's turn, unless a larger frame has begun. With asyncio's 256 KiB, fifty clients
that sent as many requests as fit kept all others waiting for four seconds."""


class Connections(Generic[C]):
    """All of a server's connections, and which are being served. note_error: called with what a connection itself refuses."""

    def __init__(
        self,
        limits: ServingLimits,
        note_error: Callable[[AilError], None] = lambda _: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits
        self.note_error = note_error
        self._buffer = memoryview(bytearray(_LARGE_BYTES))  # of whichever is being read: the loop reads one at a time
        self._beat = beat
        self._next_beat = 0.0
        self.open: set[C] = set()
        self.active: set[C] = set()
        self.refused: set[C] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def count(self) -> dict[str, int]:
        """Return how many there are: open (all), active (being served), refused (answered "busy")."""
        return {"open": len(self.open), "active": len(self.active), "refused": len(self.refused)}

    def get_buffer(self, pending_bytes: int) -> memoryview:
        """Return the buffer for a connection's next bytes; *pending_bytes*: how much of its frame has arrived."""
        return self._buffer if pending_bytes >= SMALL_BYTES else self._buffer[:SMALL_BYTES]

    def take(self, size_bytes: int) -> bytes:
        """Return a copy of the first *size_bytes* of the buffer."""
        return bytes(self._buffer[:size_bytes])

    def note_activity(self) -> None:
        """Call `beat`, at most four times a second: it shows that the loop serves clients."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_S
            self._beat()

    def is_full(self) -> bool:
        """Whether there are as many idle connections as allowed."""
        return len(self.open) - len(self.active) - len(self.refused) >= self.limits.idle

    def can_serve(self, connection: C) -> bool:
        """Whether *connection* is being served, or may be now."""
        return connection in self.active or len(self.active) < self.limits.active

    async def wait_for_turn(self, connection: C) -> bool:
        """Wait, first come first served, until *connection* may be served; False where that takes too long.

        So a thousand clients at once wait a moment instead of being refused.
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
        """End *connection*'s turn and wake the next that waits."""
        self.active.discard(connection)
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
