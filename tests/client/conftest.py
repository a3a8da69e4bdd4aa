"""A scripted daemon on a real Unix socket, and `ail-client` run as a process that knows nothing of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ail_rpc import PROTOCOL, VERSION
from ail_rpc.errors import AilError, ProtocolError, UsageError
from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import Call, encode_reply, parse_call

ROOT = Path(__file__).resolve().parents[2]
HELLO = {"protocol": PROTOCOL, "version": VERSION, "schema": 1, "model": "fake", "pid": 1}
Script = Callable[[dict[str, Any]], Any]


class ScriptedDaemon:
    """Answers each method with what *script* holds for it: a value, an error to raise, or a function of the params."""

    HELLO = HELLO

    def __init__(self, path: str, script: dict[str, Any]) -> None:
        self.path = path
        self.script: dict[str, Any] = {"hello": HELLO, **script}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def get_params(self, method: str) -> dict[str, Any]:
        """The params of the last call of *method*."""
        return next(params for name, params in reversed(self.calls) if name == method)

    @staticmethod
    def make_reply(**changes: object) -> dict[str, Any]:
        """A reply of `ask` as the contract has it, with *changes*."""
        reply: dict[str, Any] = {
            "schema_version": 1, "repo": "/r", "question": "why the retry?", "file": "src/http.py", "lines": None,
            "outcome": "answered", "answer": "Proxies drop idle connections (4f1c2d9e).", "confidence": 0.83,
            "citations": [ScriptedDaemon.make_citation()], "mode": "semantic", "cached": None, "degraded": None,
            "index": {"head": "4" * 40, "commits": 10, "pending": 0, "complete": True}, "query_time_ms": 7.4,
        }  # fmt: skip
        return reply | changes

    @staticmethod
    def make_citation(**changes: object) -> dict[str, Any]:
        citation: dict[str, Any] = {
            "sha": "4f1c2d9e" * 5, "subject": "Retry once on idle connections", "author": "Jane Doe",
            "author_time": "2026-05-04T09:12:33+02:00", "score": 0.91,
            "excerpt": "Proxies drop idle connections. Nobody tells us.", "path": "src/http.py", "line": 121,
            "reasons": ["meaning", "touches_lines"], "reverted_by": None, "replaced_by": None, "pull_request": None,
        }  # fmt: skip
        return citation | changes

    def stop_listening(self) -> None:
        """Leave the socket, as a daemon does that is told to stop."""
        Path(self.path).unlink()
        self._listener.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._thread.is_alive():
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            Path(self.path).unlink(missing_ok=True)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = FrameReader(REQUEST_LIMITS)
        with connection:
            try:
                while data := connection.recv(65536):
                    for frame in reader.feed(data):
                        connection.sendall(self._answer(parse_call(frame)))
            except (OSError, ProtocolError, EOFError):
                return  # EOFError: the script hangs up

    def _answer(self, call: Call) -> bytes:
        assert call.request_id is not None
        self.calls.append((call.method, call.params))
        try:
            if call.method not in self.script:
                raise UsageError(f"unknown method: {call.method}")
            value = self.script[call.method]
            result = value(call.params) if callable(value) else value
            if isinstance(result, bytes):
                return result
            if isinstance(result, AilError):
                raise result
        except AilError as err:
            return encode_reply(call.request_id, err.to_wire(), None)
        return encode_reply(call.request_id, None, result)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose name leaves room for a socket, mode 0700."""
    with tempfile.TemporaryDirectory(prefix="ail") as name:
        yield Path(name).resolve()


@pytest.fixture
def socket_path(short_dir: Path) -> str:
    (short_dir / "run").mkdir(mode=0o700)
    return str(short_dir / "run" / "ail.sock")


@pytest.fixture
def daemon(socket_path: str) -> Iterator[ScriptedDaemon]:
    served = ScriptedDaemon(socket_path, {})
    yield served
    served.close()


class Runner:
    """Runs programs in a sealed environment: own HOME, no configuration of git, no daemon but the test's."""

    def __init__(self, home: Path, socket_path: str) -> None:
        self.cwd = home
        self.stdin = subprocess.DEVNULL
        self.env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(str(ROOT / room) for room in ("client", "hooks", "daemon")),
            "AIL_SOCKET": socket_path,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_AUTHOR_DATE": "2026-05-04T09:12:33+02:00",
            "GIT_COMMITTER_DATE": "2026-05-04T09:12:33+02:00",
        }

    def start(self, *args: str | bytes, entry: str = "main", room: str = "ail_client.cli") -> subprocess.Popen[str]:
        alone = str(self.cwd / "python")  # an interpreter with no `ail-daemon` beside it: the one on PATH is the test's
        code = f"import sys; sys.executable = {alone!r}; from {room} import {entry}; sys.exit({entry}())"
        return subprocess.Popen(
            [sys.executable, "-c", code, *args],
            cwd=self.cwd, env=self.env, text=True, encoding="utf-8", errors="surrogateescape",
            stdin=self.stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(
        self, *args: str | bytes, entry: str = "main", room: str = "ail_client.cli"
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*args, entry=entry, room=room) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def git(self, *args: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.cwd, env=self.env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@pytest.fixture
def client(short_dir: Path, socket_path: str) -> Runner:
    (short_dir / "home").mkdir()
    return Runner(short_dir / "home", socket_path)


@pytest.fixture
def repo(client: Runner) -> Path:
    """A repository with src/http.py and sub/http.py; the client's current directory."""
    root = client.cwd / "project"
    for name in ("src/http.py", "sub/http.py", "top.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    client.git("init", "-q", "-b", "main", cwd=root)
    client.git("add", ".", cwd=root)
    client.git("commit", "-q", "-m", "Begin", cwd=root)
    client.cwd = root
    return root
