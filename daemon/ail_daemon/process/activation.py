"""The service manager's two protocols: sd_notify(3) and sd_listen_fds(3).

Written by hand: both are a line of text each, and the libraries for them are unmaintained or need a C compiler.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping

from ail_rpc.errors import UnavailableError

_FIRST_FD = 3  # SD_LISTEN_FDS_START


def notify(state: str) -> None:
    """Tell the service manager *state* ("READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"); without one, do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), socket.MSG_DONTWAIT, address)
        except OSError:
            return  # a manager that does not listen is no reason to stop serving


def get_watchdog_s(env: Mapping[str, str] = os.environ) -> float | None:
    """Return the seconds within which the manager expects the next "WATCHDOG=1"; None where it expects none."""
    given, for_pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", str(os.getpid()))
    return int(given) / 1e6 if given.isdigit() and int(given) and for_pid == str(os.getpid()) else None


def take_listening_socket(env: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """Return the socket the service manager listens on for us; None where it does not.

    The variables are removed, so that no child uses them. Raises UnavailableError if what was passed is not one
    listening Unix stream socket with a path.
    """
    for_pid, count = env.pop("LISTEN_PID", ""), env.pop("LISTEN_FDS", "0")
    env.pop("LISTEN_FDNAMES", None)
    if for_pid != str(os.getpid()) or count == "0":
        return None
    os.set_inheritable(_FIRST_FD, False)
    passed = socket.socket(fileno=_FIRST_FD)
    if count != "1" or not _is_listening_at_path(passed):
        raise UnavailableError(
            "the service manager passed something else than one listening Unix stream socket with a path",
            "use one ListenStream=/path line in the socket unit",
        )
    return passed


def _is_listening_at_path(passed: socket.socket) -> bool:
    if passed.family != socket.AF_UNIX or passed.type != socket.SOCK_STREAM:
        return False
    path = passed.getsockname()
    return (
        isinstance(path, str)
        and path.startswith("/")
        and bool(passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )
