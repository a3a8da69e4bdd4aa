"""The request under way: its number, and which repository it is about. What is logged meanwhile carries both.

Lives in the context of the request's task; `pool` and `asyncio.to_thread` hand it on to their threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(slots=True)
class Request:
    """A request: its id, 6 hex digits, and the key of the repository it is about, None until one is found."""

    request_id: str
    repo_id: str | None = None


_current: ContextVar[Request | None] = ContextVar("request", default=None)


def begin(request_id: str) -> Request:
    """Return a request that is from here on the one under way."""
    request = Request(request_id)
    _current.set(request)
    return request


def get_request() -> Request | None:
    """Return the request under way, None where this is no request's work."""
    return _current.get()


def note_repo(repo_id: str) -> None:
    """Say which repository the request under way is about."""
    if request := _current.get():
        request.repo_id = repo_id


class ReplySummary(NamedTuple):
    """What a reply tells of how it came about; None where it does not. tier: of the cache, "none" for an answer made anew.

    citations: how many. degraded: why it is less than was asked for.
    """

    mode: str | None = None
    tier: str | None = None
    citations: int | None = None
    degraded: str | None = None


def summarise_reply(reply: object) -> ReplySummary:
    """Read what a method's *reply* tells. It is the contract's, so that nothing need be handed through the use cases."""
    if not isinstance(reply, dict) or not isinstance(cited := reply.get("citations"), Iterable):
        return ReplySummary()
    mode: Any = reply.get("mode")
    tier = (reply.get("cached") or "none") if "cached" in reply else None
    return ReplySummary(mode, tier, len(list(cited)), reply.get("degraded"))
