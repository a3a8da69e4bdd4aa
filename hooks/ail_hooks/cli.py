"""`ail-hook`: parse, dispatch, and the one place that turns errors into text and exit statuses.

`run` does without argparse: git waits for it, and it must exit 0 and print nothing whatever happens.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

    from ail_rpc.errors import AilError

_ASKING = (["pre-commit"], ["prepare-commit-msg"])  # `related` has them too; importing it costs every other hook
_EXIT_BUG = 70
_EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ail-hook`; return its exit status, for `run` always 0: a hook must never stop git."""
    words = sys.argv[1:] if argv is None else argv
    return run_hook(words[1:]) if words[:1] == ["run"] else _guarded(words)


def run_hook(words: Sequence[str]) -> int:
    """Run the hook that *words* names (event, then git's own arguments); return 0 and print nothing."""
    try:
        if words[:1] in _ASKING:
            from .related import main as ask

            return ask(words)
        from .running import run

        run(words)
    except (Exception, KeyboardInterrupt):  # noqa: BLE001  # git shows what we say, and stops at what we return
        return 0
    return 0


def _guarded(words: Sequence[str]) -> int:
    from ail_client.output import abandon_stdout, flush
    from ail_rpc.errors import AilError

    try:
        status = _main(words)
        flush()
    except AilError as err:
        return _complain(err)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        abandon_stdout()
        return 0
    except Exception as err:  # noqa: BLE001  # the one place where a bug becomes a sentence
        return _confess(err)
    return status


def _complain(err: AilError) -> int:
    from ail_client.output import write_note

    hint = f"\nhint: {err.hint}" if err.hint else ""
    write_note(f"ail-hook: {err.message}{hint}")
    return err.exit_status


def _confess(err: Exception) -> int:
    from ail_client.output import write_note

    if os.environ.get("AIL_DEBUG"):
        import traceback

        traceback.print_exc()
    write_note(
        f"ail-hook: this is a bug of ours ({type(err).__name__})\nhint: AIL_DEBUG=1 shows where; please report it"
    )
    return _EXIT_BUG


def _main(words: Sequence[str]) -> int:
    options = _make_parser().parse_args(words)
    run: Callable[[Namespace], int] = options.run
    return run(options)


def _make_parser() -> ArgumentParser:
    from .commands import make_parser

    return make_parser()
