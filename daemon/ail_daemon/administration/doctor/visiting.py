"""The method `doctor`: examines the daemon from inside, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ail_daemon.asking.pool import QuestionPool
from ail_daemon.encoding.encoders import ServingEncoder
from ail_daemon.flags import Flags
from ail_daemon.repos.repos import Repos

_LIMIT_S = 60.0


class Doctor:
    """Examines the daemon it is part of."""

    def __init__(
        self,
        flags: Flags,
        encoder: ServingEncoder,
        repos: Repos,
        pool: QuestionPool,
        models_dir: Path,
        describe_github: Callable[[], dict[str, Any]],
    ) -> None:
        self._flags = flags
        self._encoder = encoder
        self._repos = repos
        self._pool = pool
        self._models_dir = models_dir
        self._describe_github = describe_github

    async def examine(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return whether all is well, and what was found, of every repository or of `repo` alone."""
        start = params["repo"]
        chosen = list(self._repos) if start is None else [self._repos.find_even_gone(start)]

        github = self._describe_github()

        def look() -> dict[str, Any]:
            from .examination import examine  # 5 MB that stay, once somebody has asked
            from .finding import is_well

            found = examine(self._flags.current, self._encoder, chosen, self._models_dir, github)
            return {"ok": is_well(found), "checks": [one.describe() for one in found]}

        return await self._pool.run(_LIMIT_S, look)
