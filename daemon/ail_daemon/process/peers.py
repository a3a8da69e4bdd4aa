"""Which user is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Protocol

_LOCAL_PEERCRED = 1  # <sys/un.h> on macOS, at level 0; Python has no name for it
_XUCRED = struct.Struct("=IIh")  # version, uid, number of groups; the groups follow


class Connected(Protocol):
    """A connected Unix socket: `socket.socket`, or what asyncio shows of one."""

    def getsockopt(self, level: int, option: int, size_bytes: int, /) -> bytes:
        """As socket.getsockopt."""


def get_peer_uid(connected: Connected) -> int:
    """Return the uid the peer had when it connected. Raises OSError where the kernel does not say."""
    if sys.platform == "darwin":
        credentials = connected.getsockopt(0, _LOCAL_PEERCRED, 76)
        return int(_XUCRED.unpack_from(credentials)[1])
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("iIi", credentials)[1])  # pid, uid, gid


def is_same_user(connected: Connected) -> bool:
    """Whether the peer runs as this process's user; False if the kernel does not say."""
    try:
        return get_peer_uid(connected) == os.geteuid()
    except OSError:
        return False
