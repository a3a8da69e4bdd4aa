"""One connection to the daemon: who the peer is, requests out, replies in. Knows nothing of what they mean.

Plain blocking sockets with deadlines: the client waits for one thing. NobodyListensError is an error of its own,
because only that may start a daemon.
"""

from __future__ import annotations

import os
import struct

try:
    import _socket as socket  # `socket` adds enums and selectors, which nobody needs here: a tenth of the client's time
except ImportError:  # another Python than CPython
    import socket  # type: ignore[no-redef]

from ail_rpc import plain
from ail_rpc.errors import BusyError, OutOfTimeError, UnavailableError, UsageError, from_wire
from ail_rpc.framing import REPLY_LIMITS, REQUEST_LIMITS, FrameReader
from ail_rpc.messages import encode_request, parse_reply

from .deadline import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from ail_rpc.framing import Value

_CHUNK_BYTES = 1 << 16
_BACKLOG_PAUSE_S = 0.02


class NobodyListensError(UnavailableError):
    """There is no socket, or nobody listens: the only error that may start a daemon."""


class HungUpError(UnavailableError):
    """The daemon closed the connection before it answered, as one that is stopping does."""


class SilentError(OutOfTimeError):
    """The daemon sent nothing within the deadline."""


class Connection:
    """A connected socket. `post` queues a request, `flush` sends what is queued, `receive` waits for one reply."""

    def __init__(self, sock: socket.socket, path: str, peer_pid: int | None) -> None:
        self.path = path
        self.peer_pid = peer_pid  # for messages: no signal is ever sent to it
        self._socket = sock
        self._reader = FrameReader(REPLY_LIMITS, plain.unpack)
        self._outbox = b""
        self._replies: dict[int, tuple[Any, Any]] = {}
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def post(self, method: str, params: dict[str, Any]) -> int:
        """Queue a request, return its id. Raises UsageError for one that the daemon would not read."""
        frame = encode_request(self._last_id + 1, method, params)
        if len(frame) > REQUEST_LIMITS.size_bytes:
            raise UsageError(
                f"the request is larger than {REQUEST_LIMITS.size_bytes >> 10:,} KiB", "ask about less at once"
            )
        self._last_id += 1
        self._outbox += frame
        return self._last_id

    def flush(self, deadline: Deadline) -> None:
        """Send everything queued in one write. Raises SilentError where the daemon reads nothing more."""
        outbox, self._outbox = self._outbox, b""
        try:
            self._socket.settimeout(max(deadline.remaining_s(), 0.001))
            self._socket.sendall(outbox)
        except TimeoutError as err:
            raise _out_of_time() from err
        except (BrokenPipeError, ConnectionResetError):
            pass  # its last reply may say why ("busy"): `receive` reads it

    def receive(self, request_id: int, deadline: Deadline) -> Value:
        """Return the result of *request_id*.

        Raises the error the daemon answered, SilentError, HungUpError, ProtocolError.
        """
        while request_id not in self._replies:
            self._read_more(deadline)
        error, result = self._replies.pop(request_id)
        if error is not None:
            raise from_wire(error)
        return result

    def call(self, method: str, params: dict[str, Any], deadline: Deadline) -> Value:
        """Return the result of one request; raises as `flush` and `receive` do."""
        request_id = self.post(method, params)
        self.flush(deadline)
        return self.receive(request_id, deadline)

    def _read_more(self, deadline: Deadline) -> None:
        for frame in self._reader.feed(self._read_chunk(deadline)):
            request_id, error, result = parse_reply(frame)
            if not 0 < request_id <= self._last_id and error is not None:
                raise from_wire(error)  # sent without a request: too many clients, a malformed frame
            self._replies[request_id] = error, result

    def _read_chunk(self, deadline: Deadline) -> bytes:
        try:
            self._socket.settimeout(max(deadline.remaining_s(), 0.001))
            chunk = self._socket.recv(_CHUNK_BYTES)
        except TimeoutError as err:
            raise _out_of_time() from err
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise HungUpError("the daemon closed the connection before it answered", "ask again; its log may say why")
        return chunk


def connect(path: str, deadline: Deadline) -> Connection:
    """Return a connection to the socket at *path*, its peer verified to be this user.

    Raises NobodyListensError, BusyError where the backlog stays full, UnavailableError where somebody else listens.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect(sock, path, deadline)
        return Connection(sock, path, _check_peer(sock, path))
    except BaseException:
        sock.close()
        raise


def _connect(sock: socket.socket, path: str, deadline: Deadline) -> None:
    while True:
        try:
            sock.settimeout(max(deadline.remaining_s(), 0.001))
            return sock.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as err:
            raise NobodyListensError(f"no daemon listens at {path}", "`ail-client status` starts one") from err
        except (BlockingIOError, TimeoutError) as err:  # the backlog is full: Linux says EAGAIN at once, even blocking
            if not deadline.pause(_BACKLOG_PAUSE_S):
                raise BusyError("the daemon takes no more connections just now", "try again in a moment") from err
        except OSError as err:
            raise UnavailableError(f"the socket {path} cannot be used: {err.strerror}", "see AIL_SOCKET") from err


def _check_peer(sock: socket.socket, path: str) -> int | None:
    """Return the pid at the other end. Raises UnavailableError if it is another user's, before a byte is sent."""
    pid, uid = _peer_credentials(sock)
    if uid != os.geteuid():
        raise UnavailableError(
            f"the socket {path} is served by another user (uid {uid})",
            "set AIL_SOCKET to a path in a directory of your own",
        )
    return pid


def _peer_credentials(sock: socket.socket) -> tuple[int | None, int]:
    """Return (pid or None, uid) of the process that listens."""
    option: int | None = getattr(socket, "SO_PEERCRED", None)
    if option is not None:  # Linux
        pid, uid, _gid = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, option, 12))
        return pid, uid
    # LOCAL_PEERCRED (macOS, FreeBSD): struct xucred begins with a version and the uid, both 32 bits
    _version, uid = struct.unpack_from("II", sock.getsockopt(0, 1, 76))
    return None, uid


def _out_of_time() -> SilentError:
    return SilentError("the daemon did not answer within the time limit", "allow more with AIL_MAX_QUERY_TIME_S")
