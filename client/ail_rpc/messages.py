"""MessagePack-RPC messages: what a frame means (https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md).

request       [0, id, method, [params]]     params is one map
reply         [1, id, error, result]        exactly one of error and result is nil, or both
notification  [2, method, [params]]
"""

from __future__ import annotations

from . import plain
from .errors import ProtocolError
from .framing import Packed, pack, pack_map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .framing import Value

REQUEST, REPLY, NOTIFICATION = 0, 1, 2
_MAX_ID = (1 << 32) - 1  # the specification: a 32-bit unsigned integer


class Call:
    """A request (*request_id* set) or a notification (*request_id* None: no reply is wanted)."""

    __slots__ = ("method", "params", "request_id")

    def __init__(self, request_id: int | None, method: str, params: dict[str, Any]) -> None:
        self.request_id = request_id
        self.method = method
        self.params = params


def encode_request(request_id: int, method: str, params: dict[str, Any]) -> bytes:
    """Return the bytes of a request."""
    return plain.pack([REQUEST, request_id, method, [params]])


def encode_notification(method: str, params: dict[str, Any]) -> bytes:
    """Return the bytes of a notification."""
    return plain.pack([NOTIFICATION, method, [params]])


def encode_reply(request_id: int, error: list[Any] | None, result: Value) -> bytes:
    """Return the bytes of a reply; *error* is an AilError's wire form or None. A *result* that is a map may hold `Packed`."""
    if isinstance(result, dict) and any(isinstance(value, Packed) for value in result.values()):
        return pack([REPLY, request_id, error, None])[:-1] + pack_map(result)  # nil is one byte, the last
    return pack([REPLY, request_id, error, result])


def parse_call(frame: Value) -> Call:
    """Return the request or notification that *frame* is. Raises ProtocolError for anything else."""
    match frame:
        case [kind, request_id, str(method), list(params)] if _is_int(kind, REQUEST) and _is_id(request_id):
            return Call(request_id, method, _one_map(params))
        case [kind, str(method), list(params)] if _is_int(kind, NOTIFICATION):
            return Call(None, method, _one_map(params))
        case _:
            raise ProtocolError("a frame is neither a request [0, id, method, [params]] nor a notification")


def parse_reply(frame: Value) -> tuple[int, Value, Value]:
    """Return (id, error, result) of a reply. Raises ProtocolError for anything else."""
    match frame:
        case [kind, request_id, error, result] if _is_int(kind, REPLY) and _is_id(request_id):
            return request_id, error, result
        case _:
            raise ProtocolError("the daemon sent a frame that is no reply")


def _is_int(value: Value, wanted: int) -> bool:
    """Tell 0 from false and 1 from true: a pattern's literal compares with ==."""
    return type(value) is int and value == wanted


def _is_id(value: Value) -> bool:
    return type(value) is int and 0 <= value <= _MAX_ID


def _one_map(params: list[Any]) -> dict[str, Any]:
    """Params are one map; none at all is an empty one."""
    match params:
        case []:
            return {}
        case [dict(named)]:
            if all(isinstance(key, str) for key in named):
                return named
    raise ProtocolError("params must be one map with names as keys: [{…}]")
