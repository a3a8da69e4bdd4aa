"""`ail-mcp`: from its start to the first answer, and what a later call costs over the socket's own time, in pairs.

    python -m bench.mcp [--calls N]

The daemon is a server that answers at once, so that the figures are the program's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client

from ail_client.session import Reach, ask_daemon

from .client import ROOT, serve
from .figures import percentile, show

START = "import sys; from ail_mcp.cli import main; sys.exit(main())"
ARGUMENTS = {"question": "why the retry?"}


def ask_socket(socket_path: str) -> float:
    """Return the ms of the same question over the socket."""
    begin = time.perf_counter()
    ask_daemon(Reach(socket_path, 5, may_start=False), "ask", {"repo": str(ROOT), **ARGUMENTS, "limit": 5})
    return (time.perf_counter() - begin) * 1000


async def ask_tool(client: Client) -> float:
    """Return the ms of one call of the tool."""
    begin = time.perf_counter()
    result = await client.call_tool("history_ask", ARGUMENTS)
    assert not result.is_error, result
    return (time.perf_counter() - begin) * 1000


async def measure(socket_path: str, calls: int) -> tuple[float, list[tuple[float, float]]]:
    """Return the ms from the start to the first answer, and (socket, tool) of later calls."""
    env = {"AIL_SOCKET": socket_path, "PYTHONPATH": ":".join(sys.path)}
    server = StdioServerParameters(command=sys.executable, args=["-c", START], env=env, cwd=str(ROOT))
    begin = time.perf_counter()
    async with Client(stdio_client(server)) as client:
        await ask_tool(client)
        first = (time.perf_counter() - begin) * 1000
        pairs = [(await asyncio.to_thread(ask_socket, socket_path), await ask_tool(client)) for _ in range(calls)]
    return first, pairs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ail") as directory:
        path = str(Path(directory) / "ail.sock")
        serve(path)
        runs: list[Any] = [asyncio.run(measure(path, options.calls if not n else 0)) for n in range(options.starts)]
    pairs = runs[0][1]
    over = [tool - socket for socket, tool in pairs]
    show("ail-mcp: from its start to the first answer, median", statistics.median(run[0] for run in runs), "ms")
    show("the question over the socket, median", statistics.median(socket for socket, _ in pairs), "ms")
    show("a later call over the socket's own time, median of pairs", statistics.median(over), "ms", "≤ 5")
    show("… p95", percentile(over, 0.95), "ms")


if __name__ == "__main__":
    main()
