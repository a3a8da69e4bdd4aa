"""MessagePack in Python alone: what a client sends and gets, without importing msgpack.

That import takes 6 ms, a quarter of a client's whole process (for datetime, collections and a library of 1.6 MB); this takes
half a millisecond for a reply with five citations. A server, which packs and unpacks all day, uses `framing`.
"""

from __future__ import annotations

import struct

from . import framing
from .errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .framing import Value

_LARGE_BYTES = 1 << 16
"""From here on msgpack is faster, its import included."""

_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
"""Tag -> bytes of the length behind it: of text, of an array, of a map."""

_UNSIGNED = ((0xFF, ">BB", 0xCC), (0xFFFF, ">BH", 0xCD), (0xFFFF_FFFF, ">BI", 0xCE), ((1 << 64) - 1, ">BQ", 0xCF))
_SIGNED = ((-(1 << 7), ">Bb", 0xD0), (-(1 << 15), ">Bh", 0xD1), (-(1 << 31), ">Bi", 0xD2), (-(1 << 63), ">Bq", 0xD3))


def pack(value: Value) -> bytes:
    """Return *value* as `framing.pack` does, byte for byte; raises as it does."""
    parts: list[bytes] = []
    _put(value, parts.append)
    return b"".join(parts)


def unpack(frame: bytes) -> Value:
    """Return the value of a complete *frame*, whose headers `FrameReader` has checked, as `framing.unpack` does.

    Raises ProtocolError where a map's key is no text.
    """
    return framing.unpack(frame) if len(frame) >= _LARGE_BYTES else _take(frame, 0)[0]


def _put(value: Value, put: Callable[[bytes], None]) -> None:
    kind = type(value)
    if kind is str:
        text = value.encode("utf-8", "surrogateescape")
        put(_head(len(text), 0xA0, 32, 0xD9) + text)
    elif kind is int:
        put(_pack_int(value))
    elif value is None or kind is bool:
        put(b"\xc0" if value is None else b"\xc3" if value else b"\xc2")
    elif kind is float:
        put(struct.pack(">Bd", 0xCB, value))
    elif kind in (list, tuple, dict):
        _put_container(value, put)
    else:
        put(framing.pack(value))  # of a derived class, or refused


def _put_container(value: Value, put: Callable[[bytes], None]) -> None:
    is_map = type(value) is dict
    put(_head(len(value), 0x80, 16, 0xDE) if is_map else _head(len(value), 0x90, 16, 0xDC))
    for one in value:
        _put(one, put)
        if is_map:
            _put(value[one], put)


def _head(length: int, short: int, below: int, tag: int) -> bytes:
    """Return the header of a text, an array or a map: in one byte *below* a length, else under *tag* or one of the next."""
    if length < below:
        return bytes((short | length,))
    if tag == 0xD9 and length < 1 << 8:
        return bytes((tag, length))
    tag += tag == 0xD9
    return struct.pack(">BH", tag, length) if length < 1 << 16 else struct.pack(">BI", tag + 1, length)


def _pack_int(value: int) -> bytes:
    if -32 <= value < 128:
        return bytes((value & 0xFF,))
    for limit, form, tag in _UNSIGNED if value > 0 else _SIGNED:
        if abs(value) <= abs(limit):
            return struct.pack(form, tag, value)
    return framing.pack(value)  # refused


def _take(data: bytes, at: int) -> tuple[Value, int]:
    """Return the value that begins at *at*, and where the next one does."""
    tag = data[at]
    at += 1
    if tag < 0x80:
        return tag, at
    if tag < 0x90:
        return _take_map(data, at, tag & 0x0F)
    if tag < 0xA0:
        return _take_array(data, at, tag & 0x0F)
    if tag < 0xC0:
        return _take_text(data, at, tag & 0x1F)
    if tag >= 0xE0:
        return tag - 0x100, at
    if tag in _LENGTHS:
        end = at + _LENGTHS[tag]
        take = _take_text if tag < 0xDC else _take_array if tag < 0xDE else _take_map
        return take(data, end, int.from_bytes(data[at:end], "big"))
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    (number,) = struct.unpack_from(_NUMBERS[tag], data, at)
    return number, at + struct.calcsize(_NUMBERS[tag])


def _take_text(data: bytes, at: int, length: int) -> tuple[str, int]:
    return data[at : at + length].decode("utf-8", "surrogateescape"), at + length


def _take_array(data: bytes, at: int, length: int) -> tuple[list[Value], int]:
    values = []
    for _ in range(length):
        value, at = _take(data, at)
        values.append(value)
    return values, at


def _take_map(data: bytes, at: int, length: int) -> tuple[dict[str, Value], int]:
    values = {}
    for _ in range(length):
        name, at = _take(data, at)
        if type(name) is not str:
            raise ProtocolError(f"a frame could not be decoded: {type(name).__name__} is not allowed for map key")
        values[name], at = _take(data, at)
    return values, at
