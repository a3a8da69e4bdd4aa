"""What the editor sends, read in a thread of its own that hands over whole messages.

pygls asks a thread for each line of a header and for the body, three times a message: a sixth of a hover's processor time here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

MESSAGE_MAX_BYTES = 64 << 20
_HEADER_MAX_BYTES = 1024
_CHUNK_BYTES = 1 << 20
_AHEAD_MAX = 16
"""How many messages are read that were not handled yet."""

_LENGTH = re.compile(rb"content-length:\s*(\d{1,18})\s*", re.IGNORECASE)


async def take_messages(source: BinaryIO, handle: Callable[[bytes], None]) -> None:
    """Call *handle* with each message's body, in the event loop, until *source* ends."""
    loop, is_over, room = asyncio.get_running_loop(), asyncio.Event(), threading.Semaphore(_AHEAD_MAX)

    def take(body: bytes) -> None:
        room.release()
        handle(body)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: the editor left
            for body in read_messages(source):
                room.acquire()
                loop.call_soon_threadsafe(take, body)
            loop.call_soon_threadsafe(is_over.set)

    threading.Thread(target=read, daemon=True, name="ail-read").start()  # daemonic: it cannot be interrupted
    await is_over.wait()


def read_messages(source: BinaryIO) -> Iterator[bytes]:
    """Yield the bodies of messages until *source* ends; one of more than MESSAGE_MAX_BYTES is skipped."""
    size_bytes = 0
    while line := source.readline(_HEADER_MAX_BYTES):
        if not size_bytes and (length := _LENGTH.fullmatch(line)):
            size_bytes = int(length[1])
        elif size_bytes and not line.strip():
            if size_bytes > MESSAGE_MAX_BYTES:
                _skip(source, size_bytes)
            elif len(body := source.read(size_bytes)) == size_bytes:
                yield body
            size_bytes = 0


def _skip(source: BinaryIO, size_bytes: int) -> None:
    while size_bytes > 0 and (chunk := source.read(min(size_bytes, _CHUNK_BYTES))):
        size_bytes -= len(chunk)
