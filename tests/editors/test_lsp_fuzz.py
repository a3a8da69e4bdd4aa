"""`ail-lsp` under a thousand messages that no editor would send: it answers every request, and lives."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.lsp import Editor, at, span, start
from tests.integration.conftest import Repository, repo
from tests.outside import home, scripted
from tests.running import Home

__all__ = ["home", "repo", "scripted"]

MESSAGES = 1_000
METHODS = (
    "textDocument/hover", "textDocument/codeAction", "textDocument/codeLens", "codeLens/resolve", "textDocument/inlayHint",
    "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "textDocument/didSave",
    "workspace/executeCommand", "workspace/didChangeConfiguration", "workspace/didChangeWorkspaceFolders",
    "workspace/textDocumentContent", "$/cancelRequest", "$/setTrace", "$/progress", "ail/cursor", "initialized", "none/such",
    "window/workDoneProgress/cancel", "notebookDocument/didOpen", "textDocument/completion", "",
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 1.5, float("1e300"), "", "x", "\0", "\ud800", "ail://commit/--help?repo=/", [], {},
    [[[]]], {"jsonrpc": "2.0", "id": 1}, "file:///%00", "file:///etc/passwd", "untitled:1",
)  # fmt: skip
TEXTS = ("", "\r", "\n\U0001f600")
COMMANDS = ("ail.why", "ail.related", "ail.ask", "ail.showCommit", "ail.add", "no.such", "")


def make_value(dice: random.Random, uri: str, depth: int = 0) -> Any:
    """Return a value as LSP has them, here and there replaced by junk."""
    if depth > 3 or dice.random() < 0.2:
        return dice.choice(JUNK)
    makers: tuple[Callable[[], Any], ...] = (
        lambda: uri,
        lambda: at(dice.randint(0, 9), dice.randint(-1, 99)),
        lambda: span((dice.randint(0, 9), dice.randint(0, 9)), (dice.randint(0, 9), dice.randint(0, 9))),
        lambda: {"uri": dice.choice((uri, "file:///none", 3)), "version": dice.choice((1, 2, None, "x"))},
        lambda: [make_value(dice, uri, depth + 1) for _ in range(dice.randint(0, 3))],
        lambda: {dice.choice(("uri", "text", "line", "range")): make_value(dice, uri, depth + 1) for _ in range(2)},
    )
    return dice.choice(makers)()


def make_params(dice: random.Random, uri: str) -> Any:
    """Return params with the names that requests have, most of their values fitting."""
    fitting: dict[str, Callable[[], Any]] = {
        "textDocument": lambda: {"uri": uri, "version": dice.randint(1, 99), "languageId": "python", "text": "a\nb\r\n"},
        "position": lambda: at(dice.randint(1, 5), dice.randint(0, 30)),
        "range": lambda: span((1, 0), (dice.randint(1, 9), 0)),
        "context": lambda: {"diagnostics": [], "triggerKind": dice.choice((1, 2, 3))},
        "contentChanges": lambda: [
            {"range": span((dice.randint(1, 5), dice.randint(0, 5)), (dice.randint(1, 5), 0)), "text": dice.choice(TEXTS)},
            {"text": "x\n\ny"},
        ],
        "command": lambda: dice.choice(COMMANDS),
        "arguments": lambda: [make_value(dice, uri) for _ in range(dice.randint(0, 4))],
        "settings": lambda: {"ail": {dice.choice(("hover", "limit", "codeLens", "inlayHint", "socket")): dice.choice(JUNK)}},
        "event": lambda: {"added": [], "removed": []},
        "data": lambda: {"uri": uri, "lines": [1, 2]},
        "uri": lambda: "ail://commit/4f1c2d9e?repo=%2F",
        "id": lambda: dice.randint(1, MESSAGES),
        "value": lambda: "off",
        "token": lambda: "ail-1",
    }  # fmt: skip
    return {name: make_value(dice, uri) if dice.random() < 0.15 else make() for name, make in fitting.items()}


def make_body(dice: random.Random, uri: str, number: int) -> bytes:
    """Return a message's body; one in ten is no message at all."""
    if dice.random() < 0.1:
        return dice.choice((b"", b"{", b"null", b"[]", b"\xff\xfe", b'"x"', b"[" * 5_000, b'{"id": {}}', b"1" * 400))
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": dice.choice(METHODS), "params": make_params(dice, uri)}
    if dice.random() < 0.6:
        message["id"] = number
    if dice.random() < 0.1:
        message[dice.choice(("id", "method", "params", "jsonrpc", "result", "error"))] = make_value(dice, uri)
    if dice.random() < 0.05:
        del message[dice.choice(list(message))]
    return json.dumps(message).encode()


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_a_thousand_odd_messages_crash_nothing(
    home: Home, scripted: ScriptedDaemon, repo: Repository, seed: int
) -> None:
    dice = random.Random(seed)
    scripted.script |= {"ask": ScriptedDaemon.make_reply(), "status": {"repos": []}, "repo.add": {}}
    with start(home, repo.path, startDaemon=False, offerToAdd=False, socket=str(home.socket)) as editor:
        uri = editor.open(repo.path / "upload.py")
        for number in range(MESSAGES):
            editor.send_bytes(make_body(dice, uri, 10_000 + number))
        check_is_well(editor, repo)


def test_a_body_that_is_too_large_and_a_header_that_is_none_are_skipped(home: Home, repo: Repository) -> None:
    with start(home, repo.path, startDaemon=False) as editor:
        assert editor.process.stdin is not None
        editor.process.stdin.write(b"x" * 5_000 + b"\r\nContent-Length: " + b"9" * 900 + b"x\r\nContent-Length: -1\r\n")
        editor.process.stdin.write(b"Content-Length: 70000000\r\n\r\n" + b"y" * 70_000_000)
        check_is_well(editor, repo)


def check_is_well(editor: Editor, repo: Repository) -> None:
    """Whatever came before, settings are taken, documents are opened and questions answered."""
    editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": {"hover": "auto", "socket": None}}})
    uri = editor.open(repo.path / "db.py")
    actions = editor.request(
        "textDocument/codeAction",
        {"textDocument": {"uri": uri}, "range": span((1, 0), (1, 0)), "context": {"diagnostics": []}},
    )
    assert [action["title"] for action in actions] == ["Why is this so?", "What bears on this change?"]
    assert editor.process.poll() is None
    assert "Traceback" not in editor.stderr
    assert editor.leave() == 0
