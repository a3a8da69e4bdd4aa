"""The daemon's own methods: `hello`, `health`, `status`, `stop`. The domain's are added by the services (`Offer`)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ail_rpc import PROTOCOL, VERSION
from ail_rpc.errors import AilError

from .metrics.exposition import Family
from .model import SCHEMA
from .process.machine import get_rss_bytes, get_uss_bytes
from .server.params import Handler, Method, text


@dataclass(frozen=True, slots=True)
class Offer:
    """What a service contributes to the daemon.

    methods: by wire name. get_status: its part of `status`, of one repository or (None) of all. find_fault: why it cannot
    answer now, None where it can. get_model: the id of the model it serves, None where it serves none. read_metrics: its
    figures as they stand. describe_sides: of the sides that answer (`SideFigures.describe`), {} where there are none.
    is_at_rest: whether it has no work in the background now.
    """

    methods: Mapping[str, Handler] = field(default_factory=dict)
    get_status: Callable[[str | None], Awaitable[dict[str, Any]]] | None = None
    find_fault: Callable[[], Awaitable[AilError | None]] | None = None
    get_model: Callable[[], str | None] = lambda: None
    read_metrics: Callable[[], Awaitable[list[Family]]] | None = None
    describe_sides: Callable[[], dict[str, Any]] = dict
    is_at_rest: Callable[[], bool] = lambda: True


class Daemon:
    """The methods about this process; *stop* ends it."""

    def __init__(self, socket_path: str, offers: list[Offer], stop: Callable[[], None]) -> None:
        self._socket_path = socket_path
        self._offers = offers
        self._stop = stop
        self._started = time.monotonic()

    @property
    def uptime_s(self) -> float:
        """Seconds since the daemon began."""
        return time.monotonic() - self._started

    def get_methods(self) -> dict[str, Handler]:
        """Return every method by name, those of the offers included."""
        own: dict[str, Handler] = {
            "hello": self.hello,  # unchecked: a newer client may send more, and must be answered all the same
            "health": Method(self.health, text("kind", "live", "ready", default="live")),
            "status": Method(self.status, text("repo", default=None)),
            "stop": Method(self.stop),
        }
        for offer in self._offers:
            own.update(offer.methods)
        return own

    async def hello(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return protocol, version, schema, model and pid, by which a client checks that it matches this daemon."""
        del params
        return {
            "protocol": PROTOCOL,
            "version": VERSION,
            "schema": SCHEMA,
            "model": self._get_model(),
            "pid": os.getpid(),
        }

    async def health(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return whether the check *kind* holds: `live` (it answers), `ready` (a tiny question is answered); else the reason."""
        fault = await self.find_fault() if params["kind"] == "ready" else None
        return {"kind": params["kind"], "ok": fault is None, "reason": fault.message if fault else None}

    async def status(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the process's figures and each service's part, of the repository `repo` alone where one is named.

        uss_bytes is None there: who watches one repository looks five times a second, and the kernel takes 15 ms for it.
        """
        found: dict[str, Any] = {
            "pid": os.getpid(),
            "socket": self._socket_path,
            "version": VERSION,
            "model": self._get_model(),
            "uptime_s": round(self.uptime_s, 3),
            "rss_bytes": get_rss_bytes(),
            "uss_bytes": await asyncio.to_thread(get_uss_bytes) if params["repo"] is None else None,
            "repos": [],
        }
        for offer in self._offers:
            if offer.get_status:
                found |= await offer.get_status(params["repo"])
        return found

    async def stop(self, params: dict[str, Any]) -> dict[str, Any]:
        """Stop after what is running, this reply included."""
        del params
        self._stop()
        return {"pid": os.getpid()}

    async def find_fault(self) -> AilError | None:
        """Return why no question can be answered now, None where one was."""
        for offer in self._offers:
            if offer.find_fault and (fault := await offer.find_fault()):
                return fault
        return None

    def _get_model(self) -> str | None:
        return next((model for offer in self._offers if (model := offer.get_model())), None)
