"""`hello`: whether the daemon is alive, and compatible with this client. Neither starts nor stops one."""

from __future__ import annotations

from ail_rpc import PROTOCOL, VERSION
from ail_rpc.errors import ProtocolError, UnavailableError, UsageError, VersionError
from ail_rpc.paths import get_lock_path

from .connection import SilentError
from .deadline import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ail_rpc.framing import Value

    from .connection import Connection

HELLO_LIMIT_S = 1.5
"""A living daemon answers `hello` at once, unless starved or very busy; a stopped one must be recognised within 2 s."""

_PROMPT_S = 0.3  # a later one is watched from then on


class OlderDaemonError(VersionError):
    """The daemon is older than this client, and should be replaced."""


def post_hello(connection: Connection) -> int:
    """Queue `hello`, return its id."""
    return connection.post("hello", {"protocol": PROTOCOL, "version": VERSION})


def check_hello(connection: Connection, hello: int, limit: Deadline) -> None:
    """Wait for the reply to *hello*.

    Raises OlderDaemonError, VersionError for a newer daemon of another protocol, SilentError when *limit* has passed,
    UnavailableError for a daemon that accepted the connection and is stuck.
    """
    try:
        said = _wait(connection, hello, limit)
    except UsageError as err:  # it rejects our `hello`: older or newer, it cannot be asked anything else
        raise VersionError(
            f"the daemon does not understand this client: {err.message}", "`ail-client stop` ends it"
        ) from err
    match said:
        case {"protocol": int(protocol), "version": str(version)}:
            _check_versions(protocol, version)
        case _:
            raise ProtocolError("what answers at the socket is no daemon of AIL", "see AIL_SOCKET")


def _wait(connection: Connection, hello: int, limit: Deadline) -> Value:
    try:
        return connection.receive(hello, Deadline(limit.remaining_s(_PROMPT_S)))
    except SilentError:
        if limit.has_passed:
            raise
    return _wait_on(connection, hello, limit)


def _wait_on(connection: Connection, hello: int, limit: Deadline) -> Value:
    """Wait for a late daemon while it is at work."""
    from .liveness import Lateness  # rare: only for a late daemon

    late = Lateness(connection.peer_pid, get_lock_path(connection.path))
    while True:
        try:
            return connection.receive(hello, Deadline(limit.remaining_s(HELLO_LIMIT_S - _PROMPT_S)))
        except SilentError as err:
            if limit.has_passed:
                raise
            if not late.is_at_work():
                who = f"the daemon (pid {connection.peer_pid})"
                raise UnavailableError(
                    f"{who} took the connection and said nothing for {HELLO_LIMIT_S:g} s",
                    "it may be stopped (SIGSTOP) or stuck: let it continue, or end it and ask again",
                ) from err


def _check_versions(protocol: int, version: str) -> None:
    if protocol < PROTOCOL or (protocol == PROTOCOL and _release(version) < _release(VERSION)):
        raise OlderDaemonError(
            f"the daemon is of version {version}, this client of {VERSION}",
            "`ail-client stop` ends it; the next question starts the newer one, if that is installed",
        )
    if protocol != PROTOCOL:
        raise VersionError(f"the daemon speaks protocol {protocol}, this client {PROTOCOL}", "update the client")


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (0, 1, 0) of "0.1.0rc1"."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits[:9]))
    return tuple(numbers)
