"""Bytes to frames and back: MessagePack with limits, no I/O.

MessagePack-RPC has no length prefix: a frame ends where its outermost value ends. `FrameReader` finds that end by
walking the headers, and checks depth, counts and sizes before msgpack builds any object: without that, 5 kB of nested
arrays that announce 4,096 items each cost 66 MiB. The walk keeps its place between feeds, so single bytes cost no
more than one block. A reader that raised must not be used again: it has lost the frame's boundary.

The limits of a request: 1 MiB holds a question of 100 kB and a staged change ten times over; git's own argument limit
is 128 kB. Depth 16 and 4,096 entries are twice what any method's params need.
"""

from __future__ import annotations

from .errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Value = Any  # what a frame says: None, bool, int, float, str, lists of them, dicts of them by str


class Limits:
    """What one frame may hold: bytes, entries of one array or map (from 16 on), depth of nesting, values in all."""

    __slots__ = ("depth", "entries", "size_bytes", "values")

    def __init__(self, size_bytes: int, entries: int, depth: int, values: int) -> None:
        self.size_bytes = size_bytes
        self.entries = entries
        self.depth = depth
        self.values = values


REQUEST_LIMITS = Limits(size_bytes=1 << 20, entries=4096, depth=16, values=20_000)
"""What a daemon accepts."""

REPLY_LIMITS = Limits(size_bytes=64 << 20, entries=1 << 20, depth=16, values=4 << 20)
"""What a client accepts: its daemon is the same user, and `repos` may list many."""

_INT_SIZE = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8, 0xCA: 4, 0xCB: 8}
_STR_LENGTH_SIZE = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_CONTAINER_LENGTH_SIZE = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


def pack(value: Value) -> bytes:
    """Return *value* as MessagePack; text that was not UTF-8 (surrogate escapes) as the bytes it came in as."""
    import msgpack  # in each function: a client that needs none of them is a quarter faster (see `plain`)

    packed: bytes = msgpack.packb(value, unicode_errors="surrogateescape")
    return packed


class Packed:
    """A list of *count* items that is packed already: within a reply's map it is sent as it is (`messages.encode_reply`)."""

    __slots__ = ("bytes", "count")

    def __init__(self, items: list[Value]) -> None:
        self.bytes = pack(items)
        self.count = len(items)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Value]:
        return iter(unpack(self.bytes))


def pack_map(value: dict[str, Value]) -> bytes:
    """Return *value* as MessagePack; its own values may be `Packed`, and come last then."""
    plain = {name: one for name, one in value.items() if not isinstance(one, Packed)}
    pairs = pack(plain)[len(_map_header(len(plain))) :]
    ready = [part for name, one in value.items() if isinstance(one, Packed) for part in (pack(name), one.bytes)]
    return b"".join([_map_header(len(value)), pairs, *ready])


def _map_header(length: int) -> bytes:
    return bytes((0x80 | length,)) if length < 16 else b"\xde" + length.to_bytes(2, "big")


class FrameReader:
    """Cuts a byte stream into frames and decodes them by *decode* (None: `unpack`), within *limits*."""

    def __init__(self, limits: Limits, decode: Callable[[bytes], Value] | None = None) -> None:
        self._limits = limits
        self._decode = decode or unpack
        self._buffer = bytearray()
        self._at = 0  # where the next header stands
        self._open: list[int] = []  # values still missing in each open container
        self._values = 0

    @property
    def is_mid_frame(self) -> bool:
        """Whether the first bytes of a frame have come and the last have not."""
        return bool(self._buffer)

    @property
    def pending_bytes(self) -> int:
        """How much of an unfinished frame has come."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Value]:
        """Take *data*, yield every complete value; must be exhausted. Raises ProtocolError beyond the limits."""
        self._buffer += data
        while self._walk():
            frame = bytes(self._buffer[: self._at])
            del self._buffer[: self._at]
            self._at = self._values = 0
            yield self._decode(frame)
        if len(self._buffer) > self._limits.size_bytes:
            raise _too_large("bytes", self._limits.size_bytes)

    def _walk(self) -> bool:
        """Step over complete headers; return whether the outermost value is complete."""
        while self._at < len(self._buffer):
            header = self._header()
            if header is None:
                return False
            size, children = header
            if self._at + size > self._limits.size_bytes:
                raise _too_large("bytes", self._limits.size_bytes)
            if self._at + size > len(self._buffer):
                return False
            self._at += size
            if self._count(children):
                return True
        return False

    def _header(self) -> tuple[int, int] | None:
        """Return (bytes without children, number of children) of the value at this place; None: bytes missing."""
        tag = self._buffer[self._at]
        if tag <= 0x7F or tag >= 0xE0 or tag in (0xC0, 0xC2, 0xC3):
            return 1, 0
        if tag <= 0x8F:
            return 1, 2 * (tag & 0x0F)
        if tag <= 0x9F:
            return 1, tag & 0x0F
        if tag <= 0xBF:
            return 1 + (tag & 0x1F), 0
        if tag in _INT_SIZE:
            return 1 + _INT_SIZE[tag], 0
        return self._long_header(tag)

    def _long_header(self, tag: int) -> tuple[int, int] | None:
        width = _STR_LENGTH_SIZE.get(tag) or _CONTAINER_LENGTH_SIZE.get(tag)
        if width is None:
            raise ProtocolError(f"a frame holds a value of a type that is not allowed (0x{tag:02x})")
        if self._at + 1 + width > len(self._buffer):
            return None
        length = int.from_bytes(self._buffer[self._at + 1 : self._at + 1 + width], "big")
        if tag in _STR_LENGTH_SIZE:
            return 1 + width + length, 0
        if length > self._limits.entries:
            raise _too_large("entries in one array or map", self._limits.entries)
        return 1 + width, length * (2 if tag >= 0xDE else 1)

    def _count(self, children: int) -> bool:
        """Count one value with *children*; return whether that closed the outermost value."""
        self._values += 1
        if self._values > self._limits.values:
            raise _too_large("values", self._limits.values)
        if children:
            self._open.append(children)
            if len(self._open) > self._limits.depth:
                raise _too_large("levels", self._limits.depth)
            return False
        while self._open:
            self._open[-1] -= 1
            if self._open[-1]:
                return False
            self._open.pop()
        return True


def _too_large(what: str, limit: int) -> ProtocolError:
    return ProtocolError(f"a frame has more than {limit:,} {what}")


def unpack(frame: bytes) -> Value:
    """Decode one complete frame with an unpacker of its own: reuse after an error crashed msgpack up to 1.2.0."""
    import msgpack  # it ships no type hints (1.2)

    try:
        return msgpack.unpackb(frame, raw=False, strict_map_key=True, unicode_errors="surrogateescape")
    except ValueError as err:  # msgpack's own errors all derive from it
        raise ProtocolError(f"a frame could not be decoded: {err}") from err
