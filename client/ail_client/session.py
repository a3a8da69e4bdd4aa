"""From a request to its answer: finding, starting, replacing the daemon, and retrying where that is safe.

What may be retried: anything before `hello` was answered, "busy" (nothing was begun), and reads whenever the
daemon went away. A daemon that accepts a connection and stays silent is stuck: an error, never a second daemon.
"""

from __future__ import annotations

import os

from ail_rpc.errors import BusyError, OutOfTimeError, VersionError
from ail_rpc.paths import get_socket_path

from .connection import Connection, HungUpError, NobodyListensError, SilentError, connect
from .deadline import Deadline
from .handshake import OlderDaemonError, check_hello, post_hello
from .locks import STEP_S, check_directory, try_spawn_lock, wait_until_released

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ail_rpc.framing import Value

    T = TypeVar("T")

REPLY_GRACE_S = 0.2
"""How much longer than the daemon the client waits, so that the daemon's own error about the limit arrives."""

_READS = frozenset(
    {"ask", "ask.all", "log", "related", "show", "status", "health", "metrics", "repo.list", "cache.stats"}
)
_QUESTIONS = frozenset({"ask", "ask.all", "log", "related"})  # the only methods whose time the daemon limits
_MAX_TRIES = 2


class Reach:
    """How to reach the daemon: its socket, the limit of one answer in seconds, whether it may be started.

    is_limit_told: whether the limit is sent to the daemon; else its own setting applies.
    """

    __slots__ = ("is_limit_told", "limit_s", "may_start", "socket_path")

    def __init__(self, socket: str | None, limit_s: float, may_start: bool, is_limit_told: bool = True) -> None:
        self.socket_path = get_socket_path({**os.environ, "AIL_SOCKET": socket} if socket else None)
        self.limit_s = limit_s
        self.may_start = may_start
        self.is_limit_told = is_limit_told


def ask_daemon(reach: Reach, method: str, params: dict[str, Any]) -> Value:
    """Return the result of one request, the daemon started or replaced first if necessary.

    Raises every error of `ail_rpc.errors` that the daemon or the way to it can bring about.
    """
    if method in _READS:
        return _retried(reach, lambda limit: _read(reach, method, params, limit), lambda: True)
    return with_daemon(reach, lambda connection, limit: call(connection, method, params, limit))


def with_daemon(reach: Reach, use: Callable[[Connection, Deadline], T]) -> T:
    """Return what *use* makes of a connection to a daemon of a fitting version; *use* begins at most once."""
    began = False

    def attempt(limit: Deadline) -> T:
        nonlocal began
        with _greet(reach, limit) as connection:
            began = True
            return use(connection, limit)

    return _retried(reach, attempt, lambda: not began)


def call(connection: Connection, method: str, params: dict[str, Any], limit: Deadline) -> Value:
    """Return the result of one request on a connection after `hello`."""
    return connection.call(method, _limited(method, params, limit), _patient(limit))


def stop_daemon(reach: Reach) -> bool:
    """Stop the daemon, return when it released its lock; False if none runs. Raises OutOfTimeError."""
    limit = Deadline(reach.limit_s)
    directory = os.path.dirname(reach.socket_path)
    if not check_directory(directory):
        return False
    lock = _take_spawn_lock(directory, limit)
    try:
        return _stop(reach, limit)
    finally:
        os.close(lock)


def _read(reach: Reach, method: str, params: dict[str, Any], limit: Deadline) -> Value:
    """`hello` and the request in one write: one round trip. An incompatible daemon's reply to the request is never read."""
    with _connect(reach, limit) as connection:
        hello = post_hello(connection)
        request = connection.post(method, _limited(method, params, limit) if reach.is_limit_told else params)
        connection.flush(limit)
        check_hello(connection, hello, limit)
        return connection.receive(request, _patient(limit))


def _greet(reach: Reach, limit: Deadline) -> Connection:
    connection = _connect(reach, limit)
    try:
        hello = post_hello(connection)
        connection.flush(limit)
        check_hello(connection, hello, limit)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(reach: Reach, limit: Deadline) -> Connection:
    check_directory(os.path.dirname(reach.socket_path))
    return connect(reach.socket_path, limit)


def _retried(reach: Reach, attempt: Callable[[Deadline], T], may_repeat: Callable[[], bool]) -> T:
    """Return what *attempt* returns, retried after a start, a replacement, "busy", or a daemon that was stopping."""
    limit = Deadline(reach.limit_s)
    starts = hang_ups = 0
    while True:
        try:
            return _admitted(attempt, limit, may_repeat)
        except HungUpError:
            hang_ups += 1
            if hang_ups > _MAX_TRIES or not may_repeat() or not limit.pause(STEP_S):
                raise
        except (NobodyListensError, OlderDaemonError) as err:
            starts += 1
            if starts > _MAX_TRIES or not reach.may_start:
                raise
            _bring_up(reach, is_old=isinstance(err, OlderDaemonError))
            limit = Deadline(reach.limit_s)  # starting has its own limit


def _admitted(attempt: Callable[[Deadline], T], limit: Deadline, may_repeat: Callable[[], bool]) -> T:
    """Return what *attempt* returns, repeated while the daemon is busy. Raises BusyError where it is so to the end."""
    refusal: BusyError | None = None
    while True:
        try:
            return attempt(limit)
        except BusyError as err:
            refusal = err
            if not may_repeat() or not limit.pause(_busy_pause_s()):
                raise
        except SilentError as err:  # a last attempt has no time for a reply: what is known is that the daemon is busy
            raise (refusal or err) from None


def _busy_pause_s() -> float:
    """Between 20 and 60 ms, differing among clients that were refused together."""
    return 0.02 + (os.getpid() % 41) / 1000


def _bring_up(reach: Reach, is_old: bool) -> None:
    from .spawn import start_daemon  # 10 ms, rarely needed

    if is_old:
        _stop_older(reach)
    reach.socket_path = start_daemon(reach.socket_path)


def _stop_older(reach: Reach) -> None:
    limit = Deadline(reach.limit_s)
    lock = _take_spawn_lock(os.path.dirname(reach.socket_path), limit)
    try:
        _greet(reach, limit).close()  # another client may have replaced it while this one waited for the lock
    except OlderDaemonError:
        _stop(reach, limit)
    except (NobodyListensError, HungUpError):
        pass
    finally:
        os.close(lock)


def _stop(reach: Reach, limit: Deadline) -> bool:
    """Ask the daemon, of any version, to stop; wait for its lock. Call this with the spawn lock held."""
    try:
        with _connect(reach, limit) as connection:
            _request_stop(connection, limit)
    except NobodyListensError:
        return False
    except HungUpError:
        pass  # it was stopping already
    if not wait_until_released(reach.socket_path, limit):
        raise OutOfTimeError("the daemon is stopping and has not finished", "ask `ail-client health live` in a moment")
    return True


def _request_stop(connection: Connection, limit: Deadline) -> None:
    hello = post_hello(connection)
    stop = connection.post("stop", {})
    connection.flush(limit)
    try:  # noqa: SIM105  # contextlib would cost every question 1 ms
        check_hello(connection, hello, limit)
    except VersionError:
        pass  # every version knows `stop`
    connection.receive(stop, limit)


def _take_spawn_lock(directory: str, limit: Deadline) -> int:
    while (lock := try_spawn_lock(directory)) is None:
        if not limit.pause(STEP_S):
            raise OutOfTimeError("another client has been starting or stopping the daemon for too long", "ask again")
    return lock


def _limited(method: str, params: dict[str, Any], limit: Deadline) -> dict[str, Any]:
    """Return *params*, with the seconds that are left if *method* is a question."""
    if method not in _QUESTIONS:
        return params
    return {**params, "timeout": round(max(limit.remaining_s(), 0.001), 3)}


def _patient(limit: Deadline) -> Deadline:
    return Deadline(limit.remaining_s() + REPLY_GRACE_S)
