"""The composition root: what runs, and in which order it starts and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import replace

from ail_rpc import VERSION
from ail_rpc.errors import AilError, StorageError, UsageError

from .daemon import Daemon, Offer
from .flags import Flags
from .measuring import Measuring
from .metrics.figures import Figures
from .metrics.port import MetricsPort
from .process import isolation
from .process.activation import get_watchdog_s, notify
from .process.ending import end_within
from .process.idle import wait_until_idle
from .process.locks import DaemonLocks
from .process.logs import log, start_logging
from .process.ready import ReadyPipe
from .server.dispatch import Dispatcher
from .server.limits import ServingLimits
from .server.listening import Listener
from .server.server import Server
from .services import archaeology
from .settings import Settings

Service = Callable[[Flags], AbstractAsyncContextManager[Offer]]
"""A service, as a context manager: entering starts it, leaving stops it; it yields what it offers."""

SERVICES: tuple[Service, ...] = (archaeology,)

STOP_S = 1.25
"""From SIGTERM or `stop` to this process's end at the latest. With the client's own time `ail-client stop` takes 2 s at most."""


async def run(
    flags: Flags,
    locks: DaemonLocks,
    listen: socket.socket | None,
    ready: ReadyPipe,
    services: Sequence[Service] = SERVICES,
    limits: ServingLimits | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or the method `stop`; from then on the process ends within STOP_S, whatever hangs.

    listen: the service manager's socket, None to bind one at the locks' path. ready: notified once clients are answered.
    limits: None for the usual ones. Raises AilError if starting fails; what had started is then stopped.
    """
    _start_logging(flags.current)
    stopping = _Stopping()
    _listen_to_signals(stopping, flags)
    flags.check_with(_check_log)
    flags.subscribe(_restart_logging)
    async with AsyncExitStack() as running:
        offers = [await running.enter_async_context(service(flags)) for service in services]
        daemon, figures = Daemon(locks.socket_path, offers, stopping.set), Figures()
        methods = daemon.get_methods()
        listener = Listener.adopt(listen) if listen else Listener.bind(locks.socket_path)
        server = Server(
            listener,
            Dispatcher(methods, figures),
            _fit_watchdog(limits or ServingLimits(active=flags.current.max_clients)),
            lambda: _look_after_files(locks),
            figures.record_error,
            locks.beat,
            [os.path.dirname(path) for path in locks.files],
        )
        measuring = Measuring(figures, daemon, offers, server.count_connections)
        methods |= measuring.methods
        await server.start()
        running.push_async_callback(server.stop)
        running.callback(flags.subscribe(lambda _, now: server.admit(now.max_clients)))
        port = MetricsPort(measuring.resources)
        offers.append(Offer(get_status=port.get_status))
        running.push_async_callback(port.stop)
        await port.move(flags.current.metrics_port)
        running.callback(flags.subscribe(lambda _, now: port.follow(now.metrics_port)))

        if listen:
            running.enter_context(_stopping_when_idle(stopping, server, flags, offers))
        locks.announce(VERSION)
        ready.announce(locks.socket_path)
        notify("READY=1\nSTATUS=serving")
        log("started")
        await stopping.wait()
        notify("STOPPING=1\nSTATUS=stopping")
        log("stopping")
    log("stopped")


class _Stopping(asyncio.Event):
    """Set when the daemon is to stop; the first time limits how long that may take."""

    def set(self) -> None:
        if not self.is_set():
            end_within(STOP_S)
        super().set()


@contextmanager
def _stopping_when_idle(
    stopping: asyncio.Event, server: Server, flags: Flags, offers: Sequence[Offer]
) -> Iterator[None]:
    """Stop an idle daemon after AIL_IDLE_EXIT_S, if the service manager holds its socket and so can start it again."""

    async def wait() -> None:
        await wait_until_idle(
            server, lambda: flags.current.idle_exit_s, lambda: all(offer.is_at_rest() for offer in offers)
        )
        log("idle")
        stopping.set()

    waiting = asyncio.create_task(wait())
    try:
        yield
    finally:
        waiting.cancel()


def _fit_watchdog(limits: ServingLimits) -> ServingLimits:
    """Return *limits* with self-checks at least twice in the service manager's watchdog interval."""
    watchdog_s = get_watchdog_s()
    most_s = watchdog_s / 2 if watchdog_s else limits.quiet_check_s
    return replace(
        limits, path_check_s=min(limits.path_check_s, most_s), quiet_check_s=min(limits.quiet_check_s, most_s)
    )


def _look_after_files(locks: DaemonLocks) -> None:
    isolation.keep_log_short()
    locks.renew()


def _start_logging(settings: Settings) -> None:
    try:
        start_logging(settings.log_level, settings.log_file)
    except OSError as err:
        raise StorageError(f"the log {settings.log_file} cannot be opened: {err.strerror}", "set AIL_LOG_FILE") from err


def _check_log(before: Settings, after: Settings) -> None:
    if after.log_file not in (None, before.log_file):
        try:
            os.close(os.open(after.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600))
        except OSError as err:
            wrong = f"AIL_LOG_FILE must be a file that can be written; {after.log_file}: {err.strerror}"
            raise UsageError(wrong, "nothing was changed") from err


def _restart_logging(before: Settings, after: Settings) -> None:
    if (before.log_level, before.log_file) != (after.log_level, after.log_file):
        _start_logging(after)


def _reload(flags: Flags) -> None:
    """Read the settings again, as the method `reload` does; if that fails, `status` says why."""
    try:
        changed = flags.reload()
    except AilError as err:
        log("reload_refused", level="error", code=err.code)
    else:
        log("reloaded", count=len(changed))


def _listen_to_signals(stopping: asyncio.Event, flags: Flags) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, flags)
