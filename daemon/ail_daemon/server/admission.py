"""Who is connected, who is served, who waits for a turn. Knows connections as things to be counted, nothing of them."""

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
"""So much of one client is read before it is another's turn, but for the rest of a frame that is larger: with asyncio's 256 KiB,
fifty clients that sent as many requests as fit kept every other waiting for four seconds."""


class Connections(Generic[C]):
    """All of a server's connections, and which of them are being served. note_error: told what a connection itself refuses."""

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
        """Return how many there are: open (all), active (being served), refused (told "busy")."""
        return {"open": len(self.open), "active": len(self.active), "refused": len(self.refused)}

    def get_buffer(self, pending_bytes: int) -> memoryview:
        """Return where a connection's next bytes go, *pending_bytes* of a frame having come; to be emptied at once."""
        return self._buffer if pending_bytes >= SMALL_BYTES else self._buffer[:SMALL_BYTES]

    def take(self, size_bytes: int) -> bytes:
        """Return what came."""
        return bytes(self._buffer[:size_bytes])

    def note_activity(self) -> None:
        """Let others see that clients are listened to, a few times a second at the most."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_S
            self._beat()

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
