"""Time a round trip through the real server, in a process of its own, with a handler that does nothing.

    PYTHONPATH=client:hooks:daemon python bench/echo.py [COUNT]

Prints p50 and p95 in microseconds: of `health` over one open connection, of connecting, asking and closing, and
of a bare echo of the same bytes between two processes, below which no server can get.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from ail_rpc.framing import REPLY_LIMITS, FrameReader
from ail_rpc.messages import encode_request


def measure(count: int, once: Callable[[], None]) -> str:
    """Call *once* *count* times after some that do not count."""
    times_us = []
    for number in range(count + count // 10):
        started = time.perf_counter()
        once()
        if number >= count // 10:
            times_us.append((time.perf_counter() - started) * 1e6)
    cuts = statistics.quantiles(times_us, n=20)
    return f"p50 {cuts[9]:6.0f} us   p95 {cuts[18]:6.0f} us"


def ask(connected: socket.socket) -> None:
    """Send one request, read its whole reply."""
    reader = FrameReader(REPLY_LIMITS)
    connected.sendall(encode_request(1, "health", {}))
    while not list(reader.feed(connected.recv(65536))):
        pass


def ask_anew(path: str) -> None:
    """Ask over a connection of its own."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(path)
        ask(connected)


def start_bare_echo() -> socket.socket:
    """Start a child that sends back what it gets; return our end."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        while data := theirs.recv(65536):
            theirs.sendall(data)
        os._exit(0)
    theirs.close()
    return ours


def bounce(echo: socket.socket) -> None:
    """Send one request's bytes there and back."""
    echo.sendall(encode_request(1, "health", {}))
    echo.recv(65536)


def main() -> None:
    """Start a daemon in a directory of its own, measure, stop it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory(prefix="ail") as home:
        env = {**os.environ, "XDG_RUNTIME_DIR": home, "XDG_STATE_HOME": home + "/state", "XDG_CONFIG_HOME": home}
        env["AIL_MODEL"] = "no-such-model"  # the default one would be prepared beside what is measured
        reading, writing = os.pipe()
        command = [sys.executable, "-m", "ail_daemon.cli", "run", "--ready-fd", str(writing)]
        with subprocess.Popen(command, env=env, pass_fds=[writing], stderr=subprocess.DEVNULL) as daemon:
            os.close(writing)
            assert os.read(reading, 65536).startswith(b'{"socket"')
            path = os.path.join(home, "ail", "ail.sock")
            with socket.socket(socket.AF_UNIX) as connected, start_bare_echo() as echo:
                connected.connect(path)
                print("bare echo        ", measure(count, lambda: bounce(echo)))
                print("one connection   ", measure(count, lambda: ask(connected)))
                print("a connection each", measure(count, lambda: ask_anew(path)))
            daemon.terminate()


if __name__ == "__main__":
    main()
