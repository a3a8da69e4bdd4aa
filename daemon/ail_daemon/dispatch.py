"""From a call to the bytes of its reply: finds the handler, turns what it raises into the wire's errors. No I/O."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from typing import Any

from ail_rpc.errors import AilError, InternalError, UnavailableError, UsageError
from ail_rpc.messages import Call, encode_reply

from .logs import log
from .params import Handler, suggest


class Dispatcher:
    """Answers calls with *handlers*, a mapping of method names that may grow while it is in use."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._numbers = itertools.count(random.randrange(1 << 24))  # noqa: S311 - tells lines of a log apart, no secret

    async def answer(self, call: Call) -> bytes | None:
        """Return the reply's bytes, None for a notification. Raises nothing: a request's failure is its own alone.

        Cancelled, it answers that the daemon is stopping, for nothing else cancels it.
        """
        started = time.monotonic()
        try:
            reply = _encode(call, None, await self._find(call.method)(call.params))
        except asyncio.CancelledError:
            return self._fail(call, UnavailableError("the daemon is stopping", "ask again in a moment"), started)
        except AilError as err:
            return self._fail(call, err, started)
        except Exception as err:  # noqa: BLE001 - a bug in one request ends that request alone
            return self._fail(call, err, started)
        log("request", level="debug", method=call.method, outcome="done", duration_ms=_since(started))
        return reply

    def _find(self, method: str) -> Handler:
        if handler := self._handlers.get(method):
            return handler
        raise UsageError(f"there is no method {method:.80}", suggest(method, self._handlers))

    def _fail(self, call: Call, err: BaseException, started: float) -> bytes | None:
        """Log why *call* failed and return the reply that says so; a bug's reply says only where to look."""
        request = f"{next(self._numbers) & 0xFFFFFF:06x}"
        error = err if isinstance(err, AilError) else _as_bug(request)
        log(
            "request",
            level="info" if error is err else "error",
            request_id=request,
            method=call.method if call.method in self._handlers else "unknown",
            outcome="failed",
            duration_ms=_since(started),
            code=error.code,
            error=None if error is err else err,
        )
        return _encode(call, error.to_wire(), None)


def _as_bug(request: str) -> InternalError:
    return InternalError("the daemon failed at this request: a bug", f"the log has request {request}")


def _encode(call: Call, error: list[Any] | None, result: object) -> bytes | None:
    return None if call.request_id is None else encode_reply(call.request_id, error, result)


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
