"""`ail-client` and `git why`: parse, dispatch, and the one place that turns errors into messages and exit statuses."""

from __future__ import annotations

import _signal  # what `signal` wraps: that would cost 2 ms for its enumerations
import gc
import os
import sys


def _die_quietly(kind: type[BaseException], err: BaseException, at: TracebackType | None) -> None:
    """Print nothing at a Ctrl-C before or after `main`: Python ends by the signal, shells show 130."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, err, at)


sys.excepthook = _die_quietly  # before the imports, which take a quarter of the client's time

from ail_rpc.errors import AilError, StorageError  # noqa: E402

from .output import abandon_stdout, choose_colour, flush, write_note  # noqa: E402
from .quick import parse_plain  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import NoReturn

    from .session import Reach

_EXIT_BUG = 70
_EXIT_INTERRUPTED = 130


def run() -> NoReturn:
    """Be the program `ail-client`."""
    _hear_interrupts()
    _leave(main())


def run_why() -> NoReturn:
    """Be the program `git-why`."""
    _hear_interrupts()
    _leave(main_why())


def _hear_interrupts() -> None:
    """Have Ctrl-C raise KeyboardInterrupt again, where the program's script had it end the process while it imported."""
    if _signal.getsignal(_signal.SIGINT) == _signal.SIG_DFL:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _leave(status: int) -> NoReturn:
    """End the process without the interpreter's clean-up, a tenth of the client's time: what is open, the kernel closes."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # its reader is gone, or it is closed: `main` has said what there is to say
            continue
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ail-client`; return its exit status."""
    return _guarded("ail-client", lambda: _main(sys.argv[1:] if argv is None else argv))


def main_why(argv: Sequence[str] | None = None) -> int:
    """Run `git why`, which is `ail-client ask`; return its exit status."""
    return _guarded("git why", lambda: _main_why(sys.argv[1:] if argv is None else argv))


def _main(argv: Sequence[str]) -> int:
    if argv[:1] == ["ask"] and (options := parse_plain(argv[1:])):
        return _run(options)
    from .arguments import parse

    return _run(parse(argv))


def _main_why(argv: Sequence[str]) -> int:
    if options := parse_plain(argv):
        return _run(options)
    from .arguments import parse_command

    return _run(parse_command("ask", argv, "git why"))


def _run(options: Namespace) -> int:
    from .session import Reach

    choose_colour(options.color)
    reach = Reach(options.socket, options.timeout, may_start=not options.no_start, is_limit_told=options.is_limit_told)
    return _find_command(options.command)(options, reach)


def _find_command(name: str) -> Callable[[Namespace, Reach], int]:
    """Return what runs the command; only its own module is imported."""
    if name in ("ask", "related", "show"):
        from . import questions

        return {"ask": questions.run_ask, "related": questions.run_related, "show": questions.run_show}[name]
    if name == "doctor":
        from .doctor import run_doctor

        return run_doctor
    if name == "mcp-config":
        from .assistants import run_mcp_config

        return run_mcp_config
    if name in ("flags", "reload"):
        from . import configuration

        return {"flags": configuration.run_flags, "reload": configuration.run_reload}[name]
    if name == "cache":
        from .caches import run_cache

        return run_cache
    from . import administration as room

    named = {
        "add": room.run_add, "remove": room.run_remove, "repos": room.run_repos, "status": room.run_status,
        "health": room.run_health, "stop": room.run_stop, "check": room.run_check, "metrics": room.run_metrics,
        "backup": room.run_keep, "restore": room.run_keep,
    }  # fmt: skip
    return named[name]


def _guarded(program: str, run: Callable[[], int]) -> int:
    gc.disable()  # too short a process for it to pay
    try:
        return _written(run)
    except AilError as err:
        return _complain(program, err)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader closed it, as `| head` does
        abandon_stdout()
        return 0
    except Exception as err:  # noqa: BLE001  # the one place where a bug becomes a message
        return _confess(program, err)


def _written(run: Callable[[], int]) -> int:
    """Return what *run* returns, its output written. Raises StorageError where stdout takes no more."""
    try:
        status = run()
        flush()
    except BrokenPipeError:
        raise
    except OSError as err:
        if err.filename is not None:  # a file, not the stream
            raise
        abandon_stdout()
        raise StorageError(f"the answer could not be written: {err.strerror}", "") from err
    return status


def _complain(program: str, err: AilError) -> int:
    hint = f"\nhint: {err.hint}" if err.hint else ""
    write_note(f"{program}: {err.message}{hint}")
    return err.exit_status


def _confess(program: str, err: Exception) -> int:
    if os.environ.get("AIL_DEBUG"):
        import traceback

        traceback.print_exc()
    write_note(
        f"{program}: this is a bug of ours ({type(err).__name__})\nhint: AIL_DEBUG=1 shows where; please report it"
    )
    return _EXIT_BUG
