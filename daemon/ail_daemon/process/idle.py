"""Ends an unused daemon while the service manager keeps its socket for the next client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

_LOOKS = 4  # within the limit
_LOOK_S = 5.0  # at most between two looks, so that a limit that is set while the daemon runs is soon noticed


class Used(Protocol):
    """What may be in use (`server.Server`)."""

    @property
    def accepted(self) -> int:
        """How many clients have come so far."""

    @property
    def is_in_use(self) -> bool:
        """Whether a client is connected now."""

    async def retire(self) -> bool:
        """Stop accepting, unless a client is connected; whether that was done."""


async def wait_until_idle(
    server: Used, get_limit_s: Callable[[], float | None], is_at_rest: Callable[[], bool]
) -> None:
    """Return when for the whole limit no client was connected and nothing was to do, and the server has stopped accepting.

    get_limit_s: AIL_IDLE_EXIT_S as it stands now; None: never.
    """
    seen, used_at = server.accepted, _now()
    while True:
        limit_s = get_limit_s()
        await asyncio.sleep(_LOOK_S if limit_s is None else min(limit_s / _LOOKS, _LOOK_S))
        if server.is_in_use or server.accepted != seen or not is_at_rest():
            seen, used_at = server.accepted, _now()
        elif limit_s is not None and _now() - used_at >= limit_s and await server.retire():
            return


def _now() -> float:
    """Return monotonic seconds, counting time in suspend where the system does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
