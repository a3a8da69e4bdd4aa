"""The extension in VS Code itself: code-server and Chromium, driven as a person would, in a dark and a light theme.

Needs what `make vscode` and `sh editors/vscode/smoke/install.sh DIR` make, DIR: $AIL_TEST_CODE_SERVER or `.bench/code-server`.
With $AIL_TEST_PICTURES the pictures are kept in that directory: docs/pictures has them from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.editors.conftest import ROOT
from tests.integration.conftest import Repository, home, models
from tests.running import BIN, Home
from tests.tools import require

__all__ = ["home", "models"]

VSIX = ROOT / "editors" / "vscode" / "dist" / "ail.vsix"
PATIENCE_S = 60.0
THEMES = {"dark": "Default Dark Modern", "light": "Default Light Modern"}
SETTINGS: dict[str, Any] = {
    "workbench.startupEditor": "none", "security.workspace.trust.enabled": False, "telemetry.telemetryLevel": "off",
    "window.menuBarVisibility": "compact", "editor.minimap.enabled": False, "workbench.tips.enabled": False,
    "chat.commandCenter.enabled": False, "editor.fontSize": 13, "git.autofetch": False,
    "extensions.autoCheckUpdates": False, "update.mode": "none", "window.commandCenter": False,
}  # fmt: skip
FILE = '''"""Uploads files, a chunk at a time."""

CHUNK_BYTES = 1 << 20


def upload(connection, file):
    """Send a file; return how many chunks it took."""
    chunks = 0
    while chunk := file.read(CHUNK_BYTES):
        send(connection, chunk)
        chunks += 1
    return chunks


def send(connection, chunk):
    """Send one chunk."""
    connection.put(chunk)
'''
RETRIED = FILE.replace(
    "    connection.put(chunk)\n",
    "    try:\n        connection.put(chunk)\n    except ConnectionReset:\n        connection.reopen().put(chunk)\n",
)
RETRY = """Retry a chunk once, on a fresh connection

Proxies drop connections that were idle for a minute, so that the first chunk
after a pause failed with a reset and users saw a broken upload. One retry is
enough because the second attempt opens a connection of its own.
"""
CHUNKS = """Send chunks of one MiB

Reading a whole video into memory killed the worker: 4 GB on a machine of 2.
"""


@pytest.fixture
def project(home: Home) -> Repository:
    made = Repository(home.directory / "project")
    made.git("remote", "add", "origin", "https://github.com/example/uploads.git")
    made.commit("Upload files", upload__py=FILE.replace("CHUNK_BYTES", "-1"))
    made.commit(CHUNKS, upload__py=FILE)
    made.shas["retry"] = made.commit(RETRY, upload__py=RETRIED)
    assert home.client("add", str(made.path), "--wait").returncode == 0
    return made


def find_code_server() -> Path:
    """Return the directory with code-server and playwright-core. Skips where it is not installed."""
    directory = Path(os.environ.get("AIL_TEST_CODE_SERVER") or ROOT / ".bench" / "code-server")
    if not (directory / ".ready").exists():
        pytest.skip(f"VS Code is not installed for the tests: sh editors/vscode/smoke/install.sh {directory}")
    if not VSIX.exists():
        pytest.skip("the extension is not built: make vscode")
    return directory


@contextlib.contextmanager
def serving(home: Home, modules: Path, project: Path, server: Path = BIN / "ail-lsp") -> Iterator[tuple[str, int]]:
    """Run VS Code with the extension; yield its address and its process."""
    data = home.directory / "vscode"
    (data / "User").mkdir(parents=True)
    (data / "Machine").mkdir()
    (data / "Machine" / "settings.json").write_text(json.dumps({"ail.serverPath": str(server)}))
    entry = modules / "node_modules/code-server/out/node/entry.js"
    command = [require("node"), str(entry), "--user-data-dir", str(data), "--extensions-dir", str(data / "extensions")]
    installed = home.run(*command, "--install-extension", str(VSIX))
    assert installed.returncode == 0, installed.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    quiet = ["--auth", "none", "--disable-workspace-trust", "--disable-telemetry", "--disable-update-check"]
    with open(home.directory / "code-server.log", "wb") as log:
        process = subprocess.Popen([*command, *quiet, "--bind-addr", address], env=home.env, stdout=log, stderr=log)
    try:
        wait_until_listening(address)
        yield f"http://{address}/?folder={project}", process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_until_listening(address: str) -> None:
    host, port = address.split(":")
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.2)
    raise AssertionError(f"nothing listens at {address}")


def drive(script: str, modules: Path, chromium: str, url: str, picture: Path, **more: Any) -> dict[str, Any]:
    """Ask about the retry in the browser as the *script* does; return what stands in the window."""
    options = {
        "modules": str(modules), "chromium": chromium, "url": url, "file": "upload.py", "line": 20,
        "code": "connection.reopen().put(chunk)", "subject": "Retry a chunk", "expect": "Proxies drop connections",
        "picture": str(picture), **more,
    }  # fmt: skip
    path = ROOT / "editors" / "vscode" / "smoke" / script
    done = subprocess.run(
        [require("node"), str(path), json.dumps(options)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, (done.stderr, options["picture"])
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(600)
def test_a_question_is_asked_and_answered_in_vs_code_in_dark_and_in_light(
    home: Home, project: Repository, tmp_path: Path
) -> None:
    modules, chromium = find_code_server(), require("chromium")
    pictures = Path(os.environ.get("AIL_TEST_PICTURES") or tmp_path)
    with serving(home, modules, project.path) as (url, _):
        for theme, name in THEMES.items():
            user = home.directory / "vscode" / "User" / "settings.json"
            user.write_text(json.dumps(SETTINGS | {"workbench.colorTheme": name}))
            picture, peek = pictures / f"vscode-{theme}.png", pictures / f"vscode-peek-{theme}.png"
            seen = drive("smoke.mjs", modules, chromium, url, picture, peekPicture=str(peek))
            sha = project.shas["retry"][:10]
            assert "One retry is enough because" in seen["message"]
            assert "likely: " in seen["message"]
            assert seen["nodes"][0].startswith("Retry a chunk once, on a fresh connection")
            assert sha in seen["nodes"][0]
            assert "upload.py:20" in seen["page"]
            assert "Proxies drop connections" in seen["page"]
            assert sha in seen["hover"]
            assert "+        connection.reopen().put(chunk)" in seen["peek"].replace("\xa0", " ")
            assert " AIL" in seen["status"]
            assert picture.stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_vs_code_outlives_its_language_server_says_what_happened_and_offers_a_restart(
    home: Home, project: Repository, tmp_path: Path
) -> None:
    modules, chromium = find_code_server(), require("chromium")
    server = home.directory / "ail-lsp"
    server.write_text(f'#!/bin/sh\nexec {BIN / "ail-lsp"} "$@"\n')
    server.chmod(0o755)
    with serving(home, modules, project.path, server) as (url, process):
        (home.directory / "vscode" / "User" / "settings.json").write_text(json.dumps(SETTINGS))
        picture = Path(os.environ.get("AIL_TEST_PICTURES") or tmp_path) / "vscode-server-ended.png"
        seen = drive(
            "outliving.mjs", modules, chromium, url, picture, server=str(server), descendantsOf=process
        )  # fmt: skip
        log = "".join(path.read_text() for path in home.directory.glob("vscode/**/remoteexthost.log"))
    sentence = "ail-lsp ended with status 3 (no module named pygls). It was started 5 times in a row."
    assert project.shas["retry"][:10] in seen["hover"], "the new server knows the buffer that was not saved"
    assert sentence in seen["popUp"]
    assert "Restart" in seen["popUp"]
    assert f"{sentence}\nSelect to restart it." in seen["status"]
    assert seen["view"].startswith(sentence)
    assert seen["again"].startswith("Proxies drop connections")
    assert "+        connection.reopen().put(chunk)" in seen["peek"].replace("\xa0", " ")
    assert log
    assert "rejected promise not handled" not in log
