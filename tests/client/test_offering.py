"""A question about a repository that was never added: offered to be added where a person sits, a hint everywhere else."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_rpc.errors import NotEnrolledError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

READY = {"path": "/r", "complete": True, "phase": "idle", "notice": None}


@pytest.fixture
def unenrolled(repo: Path, daemon: ScriptedDaemon) -> ScriptedDaemon:
    """A daemon that answers once the repository was added."""

    def answer(_params: dict[str, Any]) -> dict[str, Any]:
        if "repo.add" not in [method for method, _ in daemon.calls]:
            raise NotEnrolledError(f"{repo} is not enrolled", f"ail-client add {repo}")
        return daemon.make_reply()

    daemon.script |= {"ask": answer, "repo.add": {"path": str(repo)}, "status": {"repos": [READY]}}
    return daemon


def sit_before(client: Runner, typed: bytes, *arguments: str) -> tuple[int, str]:
    """Run the client wholly on a terminal at which *typed* is typed; return its status and what is seen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ail_client", *arguments]
    process = subprocess.Popen(command, cwd=client.cwd, env=client.env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, typed)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while chunk := file.read(65536):
            seen += chunk
    return process.wait(60), seen.decode()


@pytest.mark.usefixtures("unenrolled")
@pytest.mark.parametrize("typed", [b"\n", b"y\n", b"Yes\n"])
def test_in_a_terminal_it_is_added_and_asked(client: Runner, typed: bytes) -> None:
    status, seen = sit_before(client, typed, "ask", "why?")
    assert "is not enrolled" in seen
    assert "[Y/n] " in seen
    assert "Proxies drop idle connections" in seen
    assert status == 0


@pytest.mark.parametrize("typed", [b"n\n", b"what?\n", b"\x04"])
def test_whoever_does_not_want_it_gets_the_hint(client: Runner, unenrolled: ScriptedDaemon, typed: bytes) -> None:
    status, seen = sit_before(client, typed, "ask", "why?")
    assert (status, "repo.add" in [method for method, _ in unenrolled.calls]) == (5, False)
    assert "hint: ail-client add" in seen


@pytest.mark.usefixtures("unenrolled")
@pytest.mark.parametrize("option", ["--json", "--format=grep"])
def test_a_program_is_never_asked(client: Runner, option: str) -> None:
    status, seen = sit_before(client, b"y\n", "ask", "why?", option)
    assert (status, "[Y/n]" in seen) == (5, False)
    piped = client.run("ask", "why?")
    assert (piped.returncode, piped.stdout) == (5, "")
    assert "hint: ail-client add" in piped.stderr
