"""Stops a daemon that a client started, before the service takes its place: asks it through its socket, waits for its lock."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from ail_daemon.process.locks import Lock
from ail_daemon.process.peers import is_same_user
from ail_rpc.errors import UnavailableError
from ail_rpc.messages import encode_request

_LIMIT_S = 15.0  # it answers what runs, 5 s at the most
_POLL_S = 0.02


def stop_running(socket_path: str) -> bool:
    """End the daemon at *socket_path*; False if there is none. Raises UnavailableError if it does not end."""
    if not _ask_to_stop(socket_path):
        return False
    end = time.monotonic() + _LIMIT_S
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            Lock(socket_path + ".lock").release()
            return True
        time.sleep(_POLL_S)
    raise UnavailableError("the daemon that runs does not stop", "end its process, and try again")


def _ask_to_stop(socket_path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_LIMIT_S)
        try:
            asking.connect(socket_path)
            if not is_same_user(asking):
                return False
            asking.sendall(encode_request(0, "stop", {}))
            return bool(asking.recv(1))
        except OSError:
            return False
