"""A real daemon for tests and benchmarks: sealed from the developer's own, in short directories, ended with its user."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from tests.tools import alone

from ail_client.connection import Connection, connect
from ail_client.deadline import Deadline
from ail_daemon.encoding import DEFAULT_MODEL
from ail_daemon.encoding.prepared import NAMES_FILE, find_prepared

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
NO_WEIGHTS = "no-such-model"
"""A model whose weights are nowhere: the daemon prepares the default one by itself, in 8 s, where it is missing."""


class Home:
    """A user's home with nothing in it but, where *models* is given, prepared models; else no model can be prepared either."""

    def __init__(self, directory: Path, models: Path | None = None) -> None:
        self.directory = directory
        self.socket = directory / "ail.sock"
        self.state = directory / "state" / "ail"
        self.state.mkdir(mode=0o700, parents=True)
        self.model = DEFAULT_MODEL if models is not None else NO_WEIGHTS
        if models is not None:
            (self.state / "models").symlink_to(models)

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of what this user runs."""
        return {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory),
            "XDG_STATE_HOME": str(self.directory / "state"),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "AIL_SOCKET": str(self.socket),
            "HF_HUB_OFFLINE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **({} if self.model == DEFAULT_MODEL else {"AIL_MODEL": self.model}),
        }

    def own_models(self, models: Path, name: str = NO_WEIGHTS) -> Path:
        """Give this home a copy of *models* that may be damaged. By *name* the daemon can prepare it anew, or cannot."""
        own = self.state / "models"
        own.unlink(missing_ok=True)
        shutil.copytree(models, own)
        (model_id,) = json.loads((own / NAMES_FILE).read_text()).values()
        (own / NAMES_FILE).write_text(json.dumps({name: model_id}))
        self.model = name
        return own

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as this user; its output is captured."""
        return subprocess.run(
            command, env=self.env | options.pop("env", {}), capture_output=True, text=True, check=False, **options
        )

    def client(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `ail-client`, which starts a daemon where none runs."""
        return self.run(str(BIN / "ail-client"), *arguments, **options)

    @contextlib.contextmanager
    def daemon(self, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a daemon in the foreground for as long as the block lasts; its log goes to `daemon.err`."""
        read, write = os.pipe()
        with open(self.directory / "daemon.err", "ab") as log:
            process = subprocess.Popen(
                [BIN / "ail-daemon", "run", "--ready-fd", str(write)], env=self.env | env, stderr=log, pass_fds=[write]
            )
        os.close(write)
        try:
            with os.fdopen(read) as ready:
                said = ready.readline()
            assert '"socket"' in said, said
            yield process
        finally:
            process.terminate()
            process.wait(30)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Calling]:
        """Open one connection to the running daemon."""
        with connect(str(self.socket), Deadline(10)) as connection:
            yield Calling(connection)

    def stop(self) -> None:
        """End whatever daemon a client may have started."""
        self.client("stop", "--timeout", "20")


class Calling:
    """A connection with a shorter way to call a method."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, method: str, timeout_s: float = 60, **params: object) -> Any:
        """Return a method's result; raises what the daemon answered."""
        return self._connection.call(method, params, Deadline(timeout_s))

    def wait_complete(self, repo: str, timeout_s: float = 600) -> dict[str, Any]:
        """Return the repository's status once its index is complete."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            (told,) = [one for one in self("status")["repos"] if one["path"] == os.path.realpath(repo)]
            if told["complete"]:
                return dict(told)
            assert not told["notice"], told["notice"]
            time.sleep(0.05)
        raise AssertionError(f"not complete within {timeout_s} s: {told}")


def find_children(pid: int, word: str) -> list[psutil.Process]:
    """Return the children of a process that live and have *word* in their command line.

    A child may end while it is looked at: then psutil has no command line for it (`NoSuchProcess`, `ZombieProcess`).
    """
    found = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if word in " ".join(child.cmdline()):
                found.append(child)
    return found


@contextlib.contextmanager
def sealed_home(models: Path | None = None) -> Iterator[Home]:
    """Make a home in a directory short enough for a socket; whatever runs there is ended with it."""
    directory = Path(tempfile.mkdtemp(prefix="ail", dir="/tmp"))
    home = Home(directory, models)
    try:
        yield home
    finally:
        home.stop()
        shutil.rmtree(directory, ignore_errors=True)


def prepare_models() -> Path:
    """Return a directory with the default model, prepared there once: $AIL_TEST_MODELS, else `.bench/models`."""
    directory = Path(os.environ.get("AIL_TEST_MODELS") or ROOT / ".bench" / "models")
    with alone(directory.with_suffix(".preparing")):
        if find_prepared(directory, DEFAULT_MODEL) is None:
            from ail_daemon.encoding.preparing import prepare  # brings torch

            prepare(DEFAULT_MODEL, directory, download=False, report=lambda _: None)
    return directory
