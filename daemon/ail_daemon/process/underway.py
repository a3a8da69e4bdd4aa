"""The request under way: its id and its repository, which every log line written meanwhile carries.

Kept in the context of the request's task; `pool` and `asyncio.to_thread` pass it to their threads.
"""

from __future__ import annotations

from collections.abc import Sized
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
    """Make a new request the one under way and return it."""
    request = Request(request_id)
    _current.set(request)
    return request


def get_request() -> Request | None:
    """Return the request under way, None outside of one."""
    return _current.get()


def note_repo(repo_id: str) -> None:
    """Say which repository the request under way is about."""
    if request := _current.get():
        request.repo_id = repo_id


class ReplySummary(NamedTuple):
    """What is logged and counted of a reply to a question; all None for any other reply.

    mode: which side. tier: "exact", "similar" (from a cache) or "none". citations: how many. degraded: why it lacks something.
    """

    mode: str | None = None
    tier: str | None = None
    citations: int | None = None
    degraded: str | None = None


def summarise_reply(reply: object) -> ReplySummary:
    """Return the summary of a method's *reply*, read from the keys that the wire has too."""
    if not isinstance(reply, dict) or not isinstance(cited := reply.get("citations"), Sized):
        return ReplySummary()
    mode: Any = reply.get("mode")
    tier = (reply.get("cached") or "none") if "cached" in reply else None
    return ReplySummary(mode, tier, len(cited), reply.get("degraded"))
