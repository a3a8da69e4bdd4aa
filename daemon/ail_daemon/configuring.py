"""`flags` and `reload`: what is set, setting it, reading it again. A reply comes once what changed is in force."""

from __future__ import annotations

from typing import Any

from .administration.configuring import Applying
from .asking.pool import QuestionPool
from .flags import Flag, Flags

_LIMIT_S = 3.0
"""Of waiting for what was asked before a change, and then for what a change began. The client waits for 5 s."""


class Configuring:
    """Shows and changes settings while the daemon runs."""

    def __init__(self, flags: Flags, pool: QuestionPool, applying: Applying) -> None:
        self._flags = flags
        self._pool = pool
        self._applying = applying

    async def flags(self, params: dict[str, Any]) -> dict[str, Any]:
        """Take what `set` assigns, all of it or (UsageError) nothing; return every setting, and what `reload` does."""
        changed = self._flags.set(params["set"]) if params["set"] else []
        told = await self._settle(changed)
        return {"flags": [flag.describe() for flag in self._flags.get()], **told}

    async def reload(self, params: dict[str, Any]) -> dict[str, Any]:
        """Read file and environment again; return the settings that changed, and the names of those not in force yet.

        No question that was asked before is answered after this returns as it would have been before.
        """
        del params
        return await self._settle(self._flags.reload())

    async def _settle(self, changed: list[Flag]) -> dict[str, Any]:
        if changed:
            await self._pool.drain(_LIMIT_S / 2)
        applying = await self._applying.wait(_LIMIT_S / 2)
        return {"changed": [flag.describe() for flag in changed], "applying": applying}
