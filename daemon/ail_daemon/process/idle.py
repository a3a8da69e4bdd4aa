"""The end of a daemon that nobody uses, where the service manager listens for the next client. Knows no method, no domain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

_LOOKS = 4  # while the limit passes: so exact is it
_LOOK_S = 5.0  # at the most between two, so that a limit that is set while the daemon runs is soon seen


class Used(Protocol):
    """What may be in use (see server.Server)."""

    @property
    def accepted(self) -> int:
        """How many clients have come so far."""

    @property
    def is_in_use(self) -> bool:
        """Whether one is there now."""

    async def retire(self) -> bool:
        """Close the door if nobody is inside."""


async def wait_until_idle(
    server: Used, get_limit_s: Callable[[], float | None], is_at_rest: Callable[[], bool]
) -> None:
    """Return when nobody has been connected and nothing was to do for the limit, and the door is closed.

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
    """Return seconds that go on while the machine is suspended, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
