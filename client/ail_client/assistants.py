"""`mcp-config`: the configuration that makes an assistant start `ail-mcp`. No daemon."""

from __future__ import annotations

import os
import shutil
import sys

from .output import write_json, write_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from .session import Reach

_PLACES = {
    "claude": "~/.claude.json, or .mcp.json in a project",
    "cursor": "~/.cursor/mcp.json, or .cursor/mcp.json in a project",
    "vscode": ".vscode/mcp.json, or `MCP: Open User Configuration`",
}


def run_mcp_config(options: Namespace, _reach: Reach) -> int:
    """Print the configuration of one host; where it belongs goes to stderr."""
    write_json(make_config(options.host, _find_program()))
    write_note(f"add this to {_PLACES[options.host]}")
    return 0


def make_config(host: str, program: str) -> dict[str, Any]:
    """Return the snippet for *host*. Claude Code has the project in the environment, editors fill in a variable."""
    if host == "claude":
        return {"mcpServers": {"ail": {"type": "stdio", "command": program, "args": []}}}
    server = {"type": "stdio", "command": program, "args": ["--project", "${workspaceFolder}"]}
    return {"servers" if host == "vscode" else "mcpServers": {"ail": server}}


def _find_program() -> str:
    """Return `ail-mcp` beside this interpreter, else the one on PATH: an assistant's PATH need not be the shell's."""
    beside = os.path.join(os.path.dirname(sys.executable), "ail-mcp")
    return beside if os.access(beside, os.X_OK) else shutil.which("ail-mcp") or "ail-mcp"
