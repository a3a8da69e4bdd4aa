"""Real daemons in processes of their own, and a client of a few lines to ask them."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgpack

from ail_rpc.framing import REPLY_LIMITS, FrameReader
from ail_rpc.messages import encode_request, parse_reply

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = [os.path.join(os.path.dirname(os.path.dirname(HERE)), room) for room in ("client", "hooks", "daemon")]
DAEMON = (sys.executable, "-m", "ail_daemon.cli", "run")
SCRIPTED = (sys.executable, os.path.join(HERE, "scripted_daemon.py"))
PATIENCE_S = 60.0


class Started:
    """A process that was told to tell on a pipe when it is ready."""

    def __init__(self, process: subprocess.Popen[bytes], ready_fd: int) -> None:
        self.process = process
        self.ready_fd = ready_fd

    def read_ready(self) -> dict[str, Any]:
        """The one line of the ready pipe, up to its end."""
        line = b""
        while select.select([self.ready_fd], [], [], PATIENCE_S)[0] and (more := os.read(self.ready_fd, 65536)):
            line += more
        os.close(self.ready_fd)
        found: dict[str, Any] = json.loads(line)
        return found


class User:
    """One user: a home, an environment, the processes started in it."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.state_dir = os.path.join(home, "state", "ail")
        self.socket_path = os.path.join(home, "ail", "ail.sock")
        self.env = {
            "HOME": home,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(PACKAGES),
            "XDG_RUNTIME_DIR": home,
            "XDG_STATE_HOME": os.path.join(home, "state"),
            "XDG_CONFIG_HOME": os.path.join(home, "config"),
            "AIL_LOG_FILE": os.path.join(home, "log"),
            "AIL_MODEL": "no-such-model",  # the default one would be prepared, 8 s of torch for each daemon
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        *args: str,
        program: Sequence[str] = DAEMON,
        env: Mapping[str, str] | None = None,
        **popen: Any,
    ) -> Started:
        """Start *program* with a ready pipe; *env* adds to the user's environment."""
        reading, low = os.pipe()
        writing = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 20)  # clear of 3, where a service manager's socket stands
        os.close(low)
        process = subprocess.Popen(
            [*program, "--ready-fd", str(writing), *args],
            env={**self.env, **(env or {})},
            pass_fds=[writing, *popen.pop("pass_fds", ())],
            stdin=subprocess.DEVNULL,
            stdout=popen.pop("stdout", subprocess.DEVNULL),
            stderr=popen.pop("stderr", subprocess.DEVNULL),
            **popen,
        )
        os.close(writing)
        self._processes.append(process)
        return Started(process, reading)

    def start_ready(self, *args: str, program: Sequence[str] = DAEMON, **more: Any) -> Started:
        """Start *program* and wait until it says that it answers at this user's socket."""
        return self.start_ready_at(self.socket_path, *args, program=program, **more)

    def start_ready_at(self, socket_path: str, *args: str, program: Sequence[str] = DAEMON, **more: Any) -> Started:
        """Start *program* and wait until it says that it answers at *socket_path*."""
        started = self.start(*args, program=program, **more)
        assert started.read_ready() == {"socket": socket_path}
        return started

    def read_log(self) -> str:
        """What the daemons wrote to their log."""
        with open(self.env["AIL_LOG_FILE"], encoding="utf-8") as file:
            return file.read()

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._processes:
            process.kill()
            process.wait()


def connect(socket_path: str) -> socket.socket:
    """A connection that fails rather than waits for ever; as every client, it backs off while the backlog is full."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(PATIENCE_S)
        try:
            connected.connect(socket_path)
        except BlockingIOError:
            connected.close()
            assert time.monotonic() < deadline, "the backlog stays full"
            select.select([], [], [], 0.01)
        else:
            return connected


def read_replies(connected: socket.socket, count: int) -> list[tuple[int, Any, Any]]:
    """The next *count* replies as (id, error, result); fewer where the connection ends before."""
    reader = FrameReader(REPLY_LIMITS)
    replies: list[tuple[int, Any, Any]] = []
    while len(replies) < count and (data := connected.recv(1 << 16)):
        replies += [parse_reply(frame) for frame in reader.feed(data)]
    return replies


def read_to_end(connected: socket.socket) -> bytes:
    received = b""
    try:
        while more := connected.recv(1 << 16):
            received += more
    except ConnectionResetError:
        pass  # closed with bytes of ours unread
    return received


def find_error(received: bytes) -> tuple[int, int]:
    """The id and the code of the one error reply that *received* is."""
    [kind, request_id, [code, message, more], result] = msgpack.unpackb(received)
    assert (kind, result) == (1, None)
    assert message
    assert set(more) == {"hint"}
    return request_id, code


def ask(socket_path: str, method: str, **params: Any) -> Any:
    """The result of one request, the assertion that it did not fail included."""
    with connect(socket_path) as connected:
        connected.sendall(encode_request(7, method, params))
        [(request_id, error, result)] = read_replies(connected, 1)
    assert (request_id, error) == (7, None)
    return result


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until *holds*; fail where it does not come about."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        select.select([], [], [], 0.005)


def is_answering(socket_path: str) -> bool:
    """Whether somebody accepts connections there."""
    try:
        connect(socket_path).close()
    except OSError:
        return False
    return True
