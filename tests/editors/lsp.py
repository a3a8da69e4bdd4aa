"""An editor's end of the Language Server Protocol: starts `ail-lsp`, sends what a test says, keeps all that comes back."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.running import BIN, Home

PATIENCE_S = 30.0
CAPABILITIES: dict[str, Any] = {
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {"inlayHint": {"refreshSupport": True}, "codeLens": {"refreshSupport": True}},
    "textDocument": {"hover": {"contentFormat": ["markdown", "plaintext"]}},
}


class RefusedError(Exception):
    """The server answered a request with an error: `code` and its words."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]


class Editor:
    """A running server.

    notes: (method, params) of its notifications and requests; answers: what its requests get, null otherwise.
    """

    def __init__(self, env: dict[str, str], *, command: tuple[str, ...] = ()) -> None:
        program = command or (str(BIN / "ail-lsp"),)
        self.process = subprocess.Popen(
            program, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.notes: list[tuple[str, Any]] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self._open: set[str] = set()
        self._ids = itertools.count(1)
        self._replies: dict[Any, queue.Queue[dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._errors: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    @property
    def stderr(self) -> str:
        """What the server has written there."""
        return b"".join(self._errors).decode(errors="replace")

    def initialize(
        self, *folders: Path, capabilities: dict[str, Any] | None = None, process: int | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Do the handshake; return the server's capabilities. process: the editor's, as the server is told."""
        params = {
            "processId": process, "rootUri": None, "capabilities": CAPABILITIES if capabilities is None else capabilities,
            "workspaceFolders": [{"uri": one.as_uri(), "name": one.name} for one in folders],
            "initializationOptions": settings,
        }  # fmt: skip
        result = self.request("initialize", params)
        self.notify("initialized", {})
        return dict(result["capabilities"])

    def open(self, path: Path, text: str | None = None, language: str = "python") -> str:
        """Open a document; *text* None: as it is on the disk. Return its URI."""
        shown = path.read_bytes().decode("utf-8", "replace") if text is None else text
        item = {"uri": path.as_uri(), "languageId": language, "version": 1, "text": shown}
        self.notify("textDocument/didOpen", {"textDocument": item})
        self._open.add(path.as_uri())
        return path.as_uri()

    def forget(self) -> None:
        """Close every document and forget what came: for the next test that uses this editor."""
        for uri in self._open:
            self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self._open.clear()
        self.notes.clear()
        self.answers.clear()

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        """Send changes: {"range": …, "text": …}, or {"text": …} for all of it."""
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def hover(self, uri: str, line: int, character: int = 0) -> str | None:
        """Return the text of the hover at *line*, counted from 1; None for none."""
        found = self.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": at(line, character)})
        return found["contents"]["value"] if found else None

    def execute(self, command: str, *arguments: Any) -> Any:
        """Return the result of a command."""
        return self.request("workspace/executeCommand", {"command": command, "arguments": list(arguments)})

    def request(self, method: str, params: Any) -> Any:
        """Return the result of a request. Raises RefusedError."""
        return self.wait(self.post(method, params))

    def post(self, method: str, params: Any) -> int:
        """Send a request, return its id."""
        number = next(self._ids)
        self._replies[number] = queue.Queue()
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def wait(self, number: int) -> Any:
        """Return the result of the request *number*. Raises RefusedError."""
        try:
            reply = self._replies[number].get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"no reply to request {number}: {self.stderr}") from None
        if "error" in reply:
            raise RefusedError(reply["error"])
        return reply.get("result")

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: Any) -> None:
        """Send any value as a message."""
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body: bytes) -> None:
        """Send a message's body as it is."""
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.process.stdin.flush()

    def wait_for(self, method: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the params of the first notification or request of *method* that fits, waiting for it."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self._find(method, fits)), PATIENCE_S), (self.notes, self.stderr)
            return self._find(method, fits)[0]

    def leave(self) -> int:
        """Shut the server down as the protocol has it; return its exit status."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(PATIENCE_S)

    def _find(self, method: str, fits: Callable[[Any], bool]) -> list[Any]:
        return [params for name, params in self.notes if name == method and fits(params)]

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            size_bytes = 0
            while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    size_bytes = int(line.split(b":")[1])
            if not line:
                return
            self._take(json.loads(self.process.stdout.read(size_bytes)))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            number = message["id"]  # as the request had it, be it what it may
            if isinstance(number, int) and (waiting := self._replies.get(number)) is not None:
                waiting.put(message)
            return
        if "id" in message:
            answer = self.answers.get(message["method"])
            result = answer(message.get("params")) if answer else None
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        with self._changed:
            self.notes.append((message["method"], message.get("params")))
            self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)


def start(home: Home, *folders: Path, capabilities: dict[str, Any] | None = None, **settings: Any) -> Editor:
    """Return an editor whose server has been initialized."""
    editor = Editor(home.env)
    editor.initialize(*folders, capabilities=capabilities, **settings)
    return editor


def at(line: int, character: int = 0) -> dict[str, int]:
    """Return a position; *line* counts from 1."""
    return {"line": line - 1, "character": character}


def span(first: tuple[int, int], last: tuple[int, int]) -> dict[str, Any]:
    """Return a range of two (line from 1, character)."""
    return {"start": at(*first), "end": at(*last)}
