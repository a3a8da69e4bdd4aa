"""`ail-mcp`: its command line, and the error if the extra is missing. The SDK takes half a second and is imported last."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from ail_rpc import VERSION
from ail_rpc.errors import AilError, NotInstalledError

_EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Serve an assistant on stdin and stdout until it leaves; return the exit status."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    try:
        _require_extra()
        from .server import serve

        serve(options.project)
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except AilError as err:
        sys.stderr.write(f"ail-mcp: {err.message}\nhint: {err.hint}\n")
        return err.exit_status
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ail-mcp",
        description="Read-only tools for AI assistants, over stdio: an assistant starts this program itself.",
        epilog="`ail-client mcp-config claude|cursor|vscode` prints what the assistant's configuration needs.",
    )
    parser.add_argument("--version", action="version", version=f"ail-mcp {VERSION}")
    parser.add_argument("--project", metavar="DIR", help="the directory that questions are about unless they name one")
    return parser.parse_args(list(argv))


def _require_extra() -> None:
    if find_spec("mcp") is None:
        raise NotInstalledError("the MCP library is not installed", "pip install 'archaeological-intelligence[mcp]'")
