"""One client's connection: bytes in, replies out, within limits.

Whatever a peer does wrong ends this connection and no other. A failed request is answered under its own id if one can
be read, even if the rest of its frame breaks the limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from ail_rpc.errors import AilError, BusyError, ProtocolError
from ail_rpc.framing import REQUEST_LIMITS, FrameReader, pack
from ail_rpc.messages import Call, encode_reply, parse_call

from ..process.logs import log
from ..process.peers import is_same_user
from .admission import Connections

pack(None)  # msgpack is imported now, and not by the first client's request

_BUSY = BusyError("the daemon serves as many clients as it can", "try again after a second")


class Answerer(Protocol):
    """What turns calls into replies (see dispatch.Dispatcher)."""

    async def answer(self, call: Call) -> bytes | None:
        """Return the reply's bytes, None for a notification; never raise."""


class Connection(asyncio.BufferedProtocol):
    """A connection's state: its reader, its requests in flight, its timers. Made per client by the server."""

    def __init__(self, answerer: Answerer, connections: Connections[Connection]) -> None:
        self._answerer = answerer
        self._all = connections
        self._limits = connections.limits
        self._reader = FrameReader(REQUEST_LIMITS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._frame_timer: asyncio.TimerHandle | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._transport: asyncio.Transport | None = None

    # What asyncio calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Check the peer's user before a byte is read: asyncio starts reading only after this."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy: a stream socket's always is
        if not is_same_user(transport.get_extra_info("socket")):
            log("stranger_refused", level="warning")
            transport.abort()
            return
        self._all.note_activity()
        self._transport = transport
        transport.set_write_buffer_limits(high=self._limits.unread_bytes)
        if self._all.is_full():
            self._refuse(transport)
        self._all.open.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        del sizehint
        return self._all.get_buffer(self._reader.pending_bytes)

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that came, and start every request that is complete."""
        self._all.note_activity()
        data = self._all.take(nbytes)
        try:
            for frame in self._reader.feed(data):
                self._watch_frame(is_mid_frame=False)
                if not self._accept(frame):
                    return
        except ProtocolError as err:
            self._give_up(err, None)
        else:
            self._watch_frame(self._reader.is_mid_frame)

    def eof_received(self) -> bool:
        """Answer what is running, if the client closed only its sending side, then end."""
        self._end()
        return bool(self._tasks)

    def pause_writing(self) -> None:
        """Take no more requests from a client that does not read its replies, and start its time limit."""
        if self._transport:
            self._transport.pause_reading()
        self._watch_frame(is_mid_frame=False)  # we stopped reading: the rest cannot come
        self._watch_drain()

    def resume_writing(self) -> None:
        """Read again from a client that has caught up."""
        if self._is_ending:
            return  # the timer runs until the last byte is read
        if self._drain_timer:
            self._drain_timer.cancel()
            self._drain_timer = None
        self._watch_frame(self._reader.is_mid_frame)
        if self._transport:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client. Its requests continue: a hook sends its notification and ends."""
        del exc
        self._transport = None
        self._all.open.discard(self)
        self._all.refused.discard(self)
        for timer in (self._frame_timer, self._drain_timer):
            if timer:
                timer.cancel()

    # What the server asks for ------------------------------------------------------------------------------------

    def finish(self) -> Iterable[asyncio.Task[None]]:
        """Take no more requests, close when the running ones are answered; return their tasks."""
        self._end()
        return tuple(self._tasks)

    def abort(self) -> None:
        """Close now, whatever is left."""
        if self._transport:
            self._transport.abort()

    # ---------------------------------------------------------------------------------------------------------------

    def _refuse(self, transport: asyncio.Transport) -> None:
        """Keep the client until its first request can be answered "busy" under its id; drop it if there are too many such."""
        if len(self._all.refused) >= self._limits.refused:
            transport.abort()
            return
        self._all.refused.add(self)
        self._frame_timer = self._later(self._limits.frame_s, "refused_client_dropped")

    def _accept(self, frame: object) -> bool:
        """Start what *frame* asks for; whether the connection may go on."""
        try:
            self._take(parse_call(frame))
        except ProtocolError as err:
            match frame:
                case [0, int(request_id), *_] if request_id is not True and request_id is not False:
                    self._give_up(err, request_id)
                case _:
                    self._give_up(err, None)
        return not self._is_ending

    def _take(self, call: Call) -> None:
        if error := self._find_refusal():
            self._reply(call.request_id, error)
            if self in self._all.refused:
                self._end()
            return
        task = asyncio.get_running_loop().create_task(self._serve(call))
        self._tasks.add(task)

    def _find_refusal(self) -> BusyError | None:
        limits = self._limits
        if len(self._tasks) >= limits.in_flight:
            return BusyError(
                f"this connection has {limits.in_flight} requests running", "wait for some of their replies"
            )
        return _BUSY if self in self._all.refused else None

    async def _serve(self, call: Call) -> None:
        try:
            if not self._all.can_serve(self) and not await self._all.wait_for_turn(self):
                self._reply(call.request_id, _BUSY)
                return
            self._all.active.add(self)
            reply = await self._answerer.answer(call)
            if reply and self._transport:
                self._transport.write(reply)
        finally:
            self._forget(
                asyncio.current_task()
            )  # not by the task's callback, which would cost another turn of the loop

    def _forget(self, task: asyncio.Task[None] | None) -> None:
        self._tasks.discard(task)
        if self._tasks:
            return
        self._all.release(self)
        if self._is_ending:
            self._close()

    def _watch_frame(self, is_mid_frame: bool) -> None:
        if not is_mid_frame and self._frame_timer:
            self._frame_timer.cancel()
            self._frame_timer = None
        elif is_mid_frame and not self._frame_timer:
            self._frame_timer = self._later(self._limits.frame_s, "slow_frame_dropped")

    def _give_up(self, error: ProtocolError, request_id: int | None) -> None:
        log("protocol_error", code=error.code)
        self._reply(request_id, error)
        self._end()

    def _reply(self, request_id: int | None, error: AilError) -> None:
        self._all.note_error(error)
        if request_id is not None and self._transport:
            self._transport.write(encode_reply(request_id, error.to_wire(), None))

    def _end(self) -> None:
        self._is_ending = True
        if self._transport:
            self._transport.pause_reading()
        if not self._tasks:
            self._close()

    def _close(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.close()
            self._watch_drain()

    def _watch_drain(self) -> None:
        self._drain_timer = self._drain_timer or self._later(self._limits.drain_s, "slow_reader_dropped")

    def _later(self, delay_s: float, event: str) -> asyncio.TimerHandle:
        """Drop the connection after *delay_s*, unless cancelled."""
        return asyncio.get_running_loop().call_later(delay_s, self._drop, event)

    def _drop(self, event: str) -> None:
        log(event)
        self.abort()
