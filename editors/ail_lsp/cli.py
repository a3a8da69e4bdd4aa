"""`ail-lsp`: its command line, and the error if the extra is missing. The protocol's library is imported last."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from ail_rpc import VERSION
from ail_rpc.errors import AilError, NotInstalledError, UsageError

_EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Serve an editor on stdin and stdout until it leaves; return the exit status."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    try:
        _require_extra()
        _require_editor()
        from .loading import load_types

        load_types()
        from .serving import serve

        return serve(is_verbose=options.verbose)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except AilError as err:
        sys.stderr.write(f"ail-lsp: {err.message}\nhint: {err.hint}\n")
        return err.exit_status


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ail-lsp",
        description="History's answers over the Language Server Protocol, on stdio: an editor starts this program itself.",
        epilog="docs/editors.md says what to write into the editor's configuration.",
    )
    parser.add_argument("--version", action="version", version=f"ail-lsp {VERSION}")
    parser.add_argument("--stdio", action="store_true", help="accepted because editors pass it; there is no other way")
    parser.add_argument("--verbose", action="store_true", help="log every message to stderr")
    return parser.parse_args(list(argv))


def _require_extra() -> None:
    if find_spec("pygls") is None:
        raise NotInstalledError(
            "the language server's library is not installed", "pip install 'archaeological-intelligence[lsp]'"
        )


def _require_editor() -> None:
    if sys.stdin is None or sys.stdout is None:  # as Python has it where a descriptor is closed
        raise UsageError("stdin or stdout is closed", "an editor starts this program itself: docs/editors.md says how")
