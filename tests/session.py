"""A systemd of one's own: the user manager, run for a home of a test, without a login and without systemd as process 1."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.running import BIN, Home
from tests.tools import require

_MANAGERS = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
_PATIENCE_S = 30.0
_SLOW_S = 9.0  # less than our own ping of the manager waits
# It refuses where the system was not booted with systemd, which it knows by a directory that it alone sees here; the others
# are what process 1 makes for what a service shall not see.
_BOOTED = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/systemd/inaccessible/dir && : >/run/systemd/inaccessible/reg
exec "$0" --user
"""


class Session:
    """A home with a user manager; what it runs is ended with it."""

    def __init__(self, home: Home, runtime: str) -> None:
        self.home = home
        self.runtime = runtime
        self.manager_pid = 0
        self.socket = os.path.join(runtime, "ail", "ail.sock")
        self.log = home.directory / "systemd.log"

    @property
    def env(self) -> dict[str, str]:
        """The environment of what runs in a terminal of this session."""
        env = {name: value for name, value in self.home.env.items() if name != "AIL_SOCKET"}
        return env | {"XDG_RUNTIME_DIR": self.runtime}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this session; its output is captured. Skips where systemd itself has ended, or answers no ping."""
        began = time.monotonic()
        try:
            return self._run(*command, timeout=180)
        finally:
            if time.monotonic() - began > _SLOW_S:
                self._skip_if_hung()
            self._skip_if_ended()

    def _run(self, *command: str, timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=timeout)

    def _skip_if_hung(self) -> None:
        """Seen once in some hundred runs: the manager answered nobody and heeded no SIGTERM, whatever was asked of it."""
        try:
            self._run("systemctl", "--user", "show-environment", timeout=30)
        except subprocess.TimeoutExpired:
            pytest.skip(f"this machine's systemd has hung: {_describe_tree(self.manager_pid)} {self._read_log()}")

    def _skip_if_ended(self) -> None:
        if not psutil.pid_exists(self.manager_pid) or psutil.Process(self.manager_pid).status() == psutil.STATUS_ZOMBIE:
            pytest.skip(f"this machine's systemd has ended by itself: {self._read_log()}")

    def _read_log(self) -> str:
        return self.log.read_text(errors="replace")[-500:]

    def systemctl(self, *words: str) -> str:
        """Return what `systemctl --user` prints."""
        return self.run("systemctl", "--user", *words).stdout.strip()

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.systemctl("show", "--value", "-p", name, unit)


@contextlib.contextmanager
def started_session(home: Home) -> Iterator[Session]:
    """Run a user manager for *home*. Skips, or fails as `require` does, where this machine cannot."""
    require("systemd-analyze")
    require("unshare")
    manager = next(filter(os.path.exists, _MANAGERS), None)
    runtime = home.directory / "run"
    runtime.mkdir(mode=0o700)
    told = str(runtime / "notify")
    session = Session(home, str(runtime))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news, session.log.open("wb") as log:
        news.bind(told)
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
        process = subprocess.Popen(
            [*unshare, "sh", "-c", _BOOTED, str(manager)],
            env=session.env | {"NOTIFY_SOCKET": told, "SYSTEMD_LOG_TARGET": "console"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        try:
            session.manager_pid = process.pid
            if not _is_ready(news, process):
                pytest.skip("this machine lets no user manager of systemd run: it needs cgroups that can be written to")
            news.close()  # ten letters that nobody reads would stop the manager at the eleventh
            yield session
        finally:
            _end(session, process)


def _end(session: Session, process: subprocess.Popen[bytes]) -> None:
    has_ended = process.poll() is not None
    stop = (
        [str(BIN / "ail-client"), "stop"] if has_ended else ["systemctl", "--user", "stop", "ail.service", "ail.socket"]
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        session._run(*stop, timeout=60)
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:  # what it ran must not outlive the test
        manager = psutil.Process(process.pid)
        for own in [*manager.children(recursive=True), manager]:
            own.kill()
        process.wait()


def _describe_tree(pid: int) -> list[str]:
    """Return what a manager and its children wait for, as the kernel tells it."""
    try:
        manager = psutil.Process(pid)
        tree = [manager, *manager.children(recursive=True)]
        return [f"{each.name()} {each.status()} {Path(f'/proc/{each.pid}/wchan').read_text()}" for each in tree]
    except (psutil.Error, OSError) as err:
        return [str(err)]


def _is_ready(news: socket.socket, process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None and select.select([news], [], [], _PATIENCE_S)[0]:
        if b"READY=1" in news.recv(4096).split(b"\n"):
            return True
    return False
