"""From a call to the bytes of its reply: finds the handler, turns what it raises into the wire's errors. No I/O."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from typing import Any, Protocol

from ail_rpc.errors import AilError, InternalError, UnavailableError, UsageError, suggest
from ail_rpc.messages import Call, encode_reply

from ..process.logs import Level, is_logged, log
from ..process.underway import Request, begin, summarise_reply
from .params import Handler

SLOW_S = 1.0
"""Answered requests that took at least this long are logged at INFO, others at DEBUG: a line for each would fill a disk."""


class Recorder(Protocol):
    """What counts requests (see `figures`)."""

    def record(self, method: str, params: Mapping[str, Any], reply: object, spent_s: float) -> None:
        """Count a request that was answered."""

    def record_error(self, error: AilError, method: str) -> None:
        """Count one that failed."""


class Dispatcher:
    """Answers calls with *handlers*, a mapping of method names that may grow while it is in use; *recorder* counts them."""

    def __init__(self, handlers: Mapping[str, Handler], recorder: Recorder | None = None) -> None:
        self._handlers = handlers
        self._recorder = recorder
        self._numbers = itertools.count(random.randrange(1 << 24))  # noqa: S311 - tells lines of a log apart, no secret

    async def answer(self, call: Call) -> bytes | None:
        """Return the reply's bytes, None for a notification. Raises nothing.

        If cancelled, it answers that the daemon is stopping: nothing else cancels it.
        """
        started, request = time.monotonic(), begin(f"{next(self._numbers) & 0xFFFFFF:06x}")
        try:
            result = await self._find(call.method)(call.params)
            reply = _encode(call, None, result)
        except asyncio.CancelledError:
            return self._fail(
                call, request, UnavailableError("the daemon is stopping", "ask again in a moment"), started
            )
        except AilError as err:
            return self._fail(call, request, err, started)
        except Exception as err:  # noqa: BLE001 - a bug in one request ends that request alone
            return self._fail(call, request, err, started)
        # in the loop's next turn: the client has its reply by then
        asyncio.get_running_loop().call_soon(self._note, call, result, time.monotonic() - started)
        return reply

    def _find(self, method: str) -> Handler:
        if handler := self._handlers.get(method):
            return handler
        raise UsageError(f"there is no method {method:.80}", suggest(method, self._handlers))

    def _note(self, call: Call, result: object, spent_s: float) -> None:
        if self._recorder:
            self._recorder.record(call.method, call.params, result, spent_s)
        level: Level = "info" if spent_s >= SLOW_S else "debug"
        if is_logged(level):
            summary = summarise_reply(result)
            log(
                "request", level=level, method=call.method, outcome="done", duration_ms=spent_s * 1000, mode=summary.mode,
                tier=summary.tier, count=summary.citations,
            )  # fmt: skip

    def _fail(self, call: Call, request: Request, err: BaseException, started: float) -> bytes | None:
        """Log why *call* failed and return the error's bytes; for a bug they name only the log and the request id."""
        error = err if isinstance(err, AilError) else _as_bug(request.request_id)
        method = call.method if call.method in self._handlers else "unknown"
        if self._recorder:
            self._recorder.record_error(error, method)
        log(
            "request",
            level="info" if error is err else "error",
            method=method,
            outcome="failed",
            duration_ms=(time.monotonic() - started) * 1000,
            code=error.code,
            error=None if error is err else err,
        )
        return _encode(call, error.to_wire(), None)


def _as_bug(request: str) -> InternalError:
    return InternalError("the daemon failed at this request: a bug", f"the log has request {request}")


def _encode(call: Call, error: list[Any] | None, result: object) -> bytes | None:
    return None if call.request_id is None else encode_reply(call.request_id, error, result)
