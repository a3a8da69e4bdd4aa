"""`ail-daemon`: its command line, and the one place where the daemon's errors become text and an exit status.

Nothing heavy is imported before this process holds the locks: thirty started at once then cost little more than one.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from ail_rpc import VERSION
from ail_rpc.errors import AilError, InternalError, NotInstalledError, UnavailableError
from ail_rpc.paths import get_socket_path, get_state_dir

from .process import activation, isolation, locks
from .process.ready import ReadyPipe

_NEEDED = (
    "numpy",
    "onnxruntime",
    "structlog",
    "tantivy",
    "tokenizers",
    "watchdog",
)
_INTERRUPTED = 130
_OF_CLIENT = ("add", "ask", "cache", "check", "flags", "health", "remove", "status", "stop")
"""What is asked of a running daemon, by `ail-client`; many try it here first."""

_EXAMPLES = {
    "run": ("ail-daemon run", "ail-daemon run --detach"),
    "build": ("ail-daemon build ~/src/project ~/src/other",),
    "reset": ("ail-daemon reset", "ail-daemon reset --yes --models   without asking, and the models too"),
    "uninstall": ("ail-daemon uninstall", "ail-daemon uninstall --yes   without asking"),
    "install-service": ("ail-daemon install-service", "ail-daemon install-service --hardened"),
    "uninstall-service": ("ail-daemon uninstall-service",),
    "doctor": ("ail-daemon doctor", "ail-daemon doctor --json"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (None: this process's) and return its exit status."""
    try:
        return _run_command(_parse(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except AilError as err:
        return _report(err)
    except Exception as err:  # noqa: BLE001 - the last resort of `main`
        return _report(_as_bug(err))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ail-daemon", description="AIL's per-user daemon and its administration.")
    parser.add_argument("--version", action="version", version=f"ail-daemon {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve this user until told to stop")
    run.add_argument("--detach", action="store_true", help="go on in the background, in a session of its own")
    build = commands.add_parser("build", help="index repositories while no daemon runs")
    build.add_argument("directories", nargs="+", metavar="DIR", help="a directory of each repository")
    reset = commands.add_parser("reset", help="remove every index, after asking")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.add_argument("--models", action="store_true", help="remove the prepared models as well")
    run.add_argument("--ready-fd", type=int, metavar="N", help="descriptor that gets one JSON line when it answers")
    uninstall = commands.add_parser("uninstall", help="take away service, hooks, indexes and models, after asking")
    uninstall.add_argument("--yes", action="store_true", help="do not ask")
    install = commands.add_parser("install-service", help="have systemd or launchd start the daemon at login")
    install.add_argument(
        "--hardened", action="store_true", help="shut in; needs user namespaces, which doctor looks for"
    )
    commands.add_parser("uninstall-service", help="take that back")
    doctor = commands.add_parser("doctor", help="look for what keeps AIL from working well here, without a daemon")
    doctor.add_argument("--json", action="store_true")
    for name, examples in _EXAMPLES.items():
        commands.choices[name].formatter_class = argparse.RawDescriptionHelpFormatter
        commands.choices[name].epilog = "\n  ".join(("examples:", *examples))
    if argv and argv[0] == "model":
        _require_extra()
        from .encoding.commands import add_parser  # onnxruntime and numpy, which `run` imports only later

        add_parser(commands)
    else:
        commands.add_parser("model", help="prepare and inspect embedding models")
    if argv and argv[0] == "bundle":
        _require_extra()
        from .administration import bundling  # numpy, as above

        bundling.add_parser(commands)
    else:
        commands.add_parser("bundle", help="publish embeddings, so that others need not encode the same commits")
    if argv and argv[0] in _OF_CLIENT:
        parser.error(f"`{argv[0]}` is asked of a running daemon: ail-client {argv[0]}")
    return parser.parse_args(argv)


def _run_command(args: argparse.Namespace) -> int:
    if args.command == "run":
        return _run_daemon(args)
    if args.command in ("install-service", "uninstall-service"):
        from .administration.units.commands import run as run_service

        return run_service(args)
    if args.command == "doctor":
        _require_extra()
        os.umask(0o077)
        from .administration.doctor.commands import run as run_doctor

        return run_doctor(args)
    if args.command == "build":
        return _build(args)
    if args.command == "bundle":
        from .administration import bundling

        return bundling.run(args)
    if args.command == "reset":
        return _reset(args)
    if args.command == "uninstall":
        return _uninstall(args)
    os.umask(0o077)  # this may create the state directory, which must not be open to others
    from .encoding.commands import run

    return int(run(args))


def _run_daemon(args: argparse.Namespace) -> int:
    isolation.isolate()
    with ReadyPipe(args.ready_fd) as ready:
        _require_extra()
        passed = activation.take_listening_socket()
        socket_path, state_dir = passed.getsockname() if passed else get_socket_path(), get_state_dir()
        if args.detach:
            isolation.detach(state_dir, keep=_find_kept(args.ready_fd, passed))
        held = locks.acquire(socket_path, state_dir)
        if isinstance(held, str):
            ready.announce(held)  # the other daemon's socket: one daemon is enough
        else:
            with held:
                _serve(held, passed, ready)
    return 0


def _build(args: argparse.Namespace) -> int:
    isolation.isolate()
    _require_extra()
    with _hold_locks("`ail-client add DIR --wait` has it index a repository"):
        from .administration.building import build
        from .flags import Flags
        from .process.logs import start_logging
        from .settings import read_settings

        flags = Flags(read_settings())
        start_logging("ERROR", flags.current.log_file or os.devnull)  # errors are printed
        return build(flags, args.directories)


def _reset(args: argparse.Namespace) -> int:
    from .administration.resetting import confirm, reset

    os.umask(0o077)
    state_dir = get_state_dir()
    with _hold_locks("stop it first: `ail-client stop`"):
        if not args.yes and not confirm(state_dir, with_models=args.models):
            print("nothing was removed", file=sys.stderr)  # noqa: T201 - as in `_report`
            return 1
        removed = reset(state_dir, with_models=args.models)
        print(f"removed from {state_dir}: {', '.join(removed) or 'nothing was there'}", file=sys.stderr)  # noqa: T201
    return 0


def _uninstall(args: argparse.Namespace) -> int:
    from .administration.uninstalling import confirm, remove_outside, remove_state
    from .administration.units.handover import stop_running

    os.umask(0o077)
    state_dir = get_state_dir()
    if not args.yes and not confirm(state_dir):
        print("nothing was removed", file=sys.stderr)  # noqa: T201 - as in `_report`
        return 1
    lines = remove_outside(state_dir)
    stop_running(get_socket_path())
    with _hold_locks("stop it first: `ail-client stop`"):
        lines += remove_state(state_dir)
    print(*lines, sep="\n", file=sys.stderr)  # noqa: T201
    return 0


def _hold_locks(hint: str) -> locks.DaemonLocks:
    """Acquire the daemon's locks and return them. Raises UnavailableError if a daemon runs."""
    held = locks.acquire(get_socket_path(), get_state_dir())
    if isinstance(held, str):
        raise UnavailableError(f"a daemon runs, at {held}", hint)
    return held


def _find_kept(ready_fd: int | None, passed: socket.socket | None) -> list[int]:
    return ([] if ready_fd is None else [ready_fd]) + ([passed.fileno()] if passed else [])


def _serve(held: locks.DaemonLocks, passed: socket.socket | None, ready: ReadyPipe) -> None:
    for unused in ("ssl", "rich"):
        sys.modules[unused] = None  # type: ignore[assignment]
    import asyncio  # these four take 300 ms, which a process that lost the race for the locks never spends

    from .app import run
    from .flags import Flags
    from .settings import read_settings

    asyncio.run(run(Flags(read_settings()), held, passed, ready))


def _require_extra() -> None:
    """Raise NotInstalledError if a library of the extra is missing; imports none."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise NotInstalledError(
            f"the daemon's libraries are not installed: {', '.join(missing)}",
            "pip install 'archaeological-intelligence[daemon]'",
        )


def _as_bug(err: Exception) -> InternalError:
    from .process.logs import log

    log("crashed", level="error", error=err)
    return InternalError(f"ail-daemon failed: a bug ({type(err).__name__})", "its log says where")


def _report(err: AilError) -> int:
    lines = [f"ail-daemon: {err.message}", *([f"hint: {err.hint}"] if err.hint else [])]
    print(*lines, sep="\n", file=sys.stderr)  # noqa: T201 - this is where errors become words
    return err.exit_status


if __name__ == "__main__":
    sys.exit(main())
