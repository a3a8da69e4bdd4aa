"""What goes over the pipe between daemon and worker: length-prefixed MessagePack, and commits as plain lists. No I/O policy.

Not the socket's framing: its header walk is for untrusted peers and costs Python time per value, and a history has millions.
The length prefix bounds a frame instead; msgpack itself refuses nesting past 511 levels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any

from ail_rpc.errors import ProtocolError
from ail_rpc.framing import pack, unpack

from ..model import Commit, Tips
from ..text.passages import Passage

MAX_FRAME_BYTES = 1 << 30
"""Most bytes of a frame; a batch of 512 commits with 10,000 paths each is smaller."""


def write_frame(stream: IO[bytes], value: Any) -> None:
    """Write *value* and flush."""
    packed = pack(value)
    stream.write(len(packed).to_bytes(4, "big") + packed)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Return the next value. Raises EOFError where the stream ends, ProtocolError where it makes no sense."""
    size = int.from_bytes(_read_exactly(stream, 4), "big")
    if size > MAX_FRAME_BYTES:
        raise ProtocolError("the worker sent a frame of impossible size")
    return unpack(_read_exactly(stream, size))


def read_frames(stream: IO[bytes]) -> Iterator[Any]:
    """Yield values until the stream ends."""
    while True:
        try:
            yield read_frame(stream)
        except EOFError:
            return


def commit_to_wire(commit: Commit) -> list[Any]:
    """Return *commit* as a list; `commit_from_wire` reverses it."""
    return [
        commit.sha, commit.parents, commit.author, commit.email, commit.author_time, commit.author_offset_min,
        commit.commit_time, commit.message, commit.paths, commit.renames, commit.is_cut,
    ]  # fmt: skip


def commit_from_wire(row: list[Any]) -> Commit:
    """Return the commit that `commit_to_wire` made *row* of."""
    sha, parents, author, email, author_time, offset, commit_time, message, paths, renames, is_cut = row
    pairs = tuple((old, new) for old, new in renames)
    return Commit(
        sha,
        tuple(parents),
        author,
        email,
        author_time,
        offset,
        commit_time,
        message,
        tuple(paths),
        pairs,
        is_cut=is_cut,
    )


def passage_to_wire(passage: Passage) -> list[Any]:
    """Return *passage* as a list, of which `Passage(*row)` makes it again."""
    return list(passage)


def tips_to_wire(tips: Tips) -> list[Any]:
    """Return *tips* as a list; ref names of odd bytes travel as those bytes."""
    return [tips.head, tips.refs, sorted(tips.boundary), tips.damaged]


def tips_from_wire(row: list[Any]) -> Tips:
    """Return the tips that `tips_to_wire` made *row* of."""
    head, refs, boundary, damaged = row
    return Tips(head, refs, frozenset(boundary), damaged)


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise EOFError(os.strerror(32))
        data += more
    return data
