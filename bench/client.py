"""Whole `ail-client ask` processes on an answered question against `python -c pass`, in alternating pairs.

    python bench/client.py [--pairs N] [--socket PATH --repo DIR --question TEXT]

Without --socket it talks to a server of its own that answers at once, so that the figure is the client's alone.
Bytecode is compiled first, as an installed package has it. The budget: a ratio of at most 3.
"""

from __future__ import annotations

import argparse
import compileall
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "client"))

from ail_rpc import PROTOCOL, VERSION  # noqa: E402  # found through the line above
from ail_rpc.framing import REQUEST_LIMITS, FrameReader  # noqa: E402
from ail_rpc.messages import encode_reply, parse_call  # noqa: E402

CITATION = {
    "sha": "4f1c2d9e" * 5, "subject": "Retry once on idle connections", "author": "Jane Doe",
    "author_time": "2026-05-04T09:12:33+02:00", "score": 0.91, "excerpt": "Proxies drop idle connections.",
    "path": "src/http.py", "line": 121, "reasons": ["meaning", "words"],
}  # fmt: skip
RESULTS: dict[str, Any] = {
    "hello": {"protocol": PROTOCOL, "version": VERSION, "schema": 1, "model": None, "pid": os.getpid()},
    "ask": {
        "outcome": "answered", "answer": "Proxies drop idle connections.", "confidence": 0.83,
        "citations": [CITATION] * 5, "degraded": None, "index": {"complete": True},
    },
}  # fmt: skip


def serve(path: str) -> None:
    """Answer `hello` and `ask` at *path*, in a thread of this process."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=accept, args=(listener,), daemon=True).start()


def accept(listener: socket.socket) -> None:
    """Serve one connection after the other, for ever."""
    while True:
        connection, _ = listener.accept()
        reader = FrameReader(REQUEST_LIMITS)
        with connection:
            while data := connection.recv(65536):
                for call in map(parse_call, reader.feed(data)):
                    connection.sendall(encode_reply(call.request_id or 0, None, RESULTS[call.method]))


def measure_ms(command: list[str], env: dict[str, str]) -> float:
    """Return the milliseconds of one whole process."""
    begin = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--socket")
    parser.add_argument("--repo", default=str(ROOT))
    parser.add_argument("--question", default="why the retry?")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ail") as directory:
        if not options.socket:
            options.socket = os.path.join(directory, "ail.sock")
            serve(options.socket)
        report(options)


def report(options: argparse.Namespace) -> None:
    """Run the pairs, print medians and the ratio."""
    compileall.compile_dir(ROOT / "client", quiet=1)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "client")}
    start = "import sys; from ail_client.cli import main; sys.exit(main())"
    ask = [sys.executable, "-c", start, "ask", options.question, "--socket", options.socket, "--repo", options.repo]
    nothing = [sys.executable, "-c", "pass"]
    times = [(measure_ms(nothing, env), measure_ms(ask, env)) for _ in range(options.pairs)]
    bare, whole = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in times)
    print(f"python -c pass {bare:.1f} ms, ail-client ask {whole:.1f} ms, ratio {ratio:.2f} ({options.pairs} pairs)")


if __name__ == "__main__":
    main()
