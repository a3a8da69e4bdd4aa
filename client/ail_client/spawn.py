"""Starting a daemon: once among many clients, inheriting nothing of this process. Imported only when none listens.

The daemon reports on a pipe when its socket answers; "connect fails, so unlink and bind" had 6 of 40 races end with
several daemons. The environment is an allow-list: a daemon started from a git hook would inherit GIT_DIR, which
redirects every later git call, and its open stdout would make `git commit | cat` wait for it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys

from ail_rpc.errors import NotInstalledError, OutOfTimeError, UnavailableError, from_wire
from ail_rpc.paths import get_state_dir

from .connection import NobodyListensError, connect
from .deadline import Deadline
from .locks import STEP_S, make_directory, try_spawn_lock
from .output import is_terminal, write_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

START_LIMIT_S = 20.0
"""Loading indexes and a model takes seconds on a slow disk; a question's limit does not include it."""

_READY_MAX_BYTES = 1 << 16
_EXIT_NOT_INSTALLED = 69
_KEPT = ("HOME", "PATH", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("LC_", "XDG_", "AIL_", "FAISS_", "GITHUB_", "HF_")


def start_daemon(socket_path: str) -> str:
    """Return the socket at which a daemon answers, started by this process or by a faster one.

    That is *socket_path*, or another one if this user's daemon already answers there.
    Raises NotInstalledError, OutOfTimeError after 20 s, UnavailableError, or the error that the daemon reports.
    """
    deadline = Deadline(START_LIMIT_S)
    directory = os.path.dirname(socket_path)
    make_directory(directory)
    while not _listens(socket_path, deadline):
        lock = try_spawn_lock(directory)
        if lock is not None:
            try:
                return socket_path if _listens(socket_path, deadline) else _launch(socket_path, deadline)
            finally:
                os.close(lock)
        if not deadline.pause(STEP_S):
            raise OutOfTimeError("another client has been starting the daemon for too long", _see_log())
    return socket_path


def _launch(socket_path: str, deadline: Deadline) -> str:
    """Start the first installed daemon, wait until it is ready, return where it answers."""
    if is_terminal(sys.stderr):
        write_note("starting the daemon ...")
    for program in find_programs():
        if answering := _run(program, socket_path, deadline):
            return answering
    raise NotInstalledError("the daemon is not installed", "pip install 'archaeological-intelligence[daemon]'")


def _listens(socket_path: str, deadline: Deadline) -> bool:
    try:
        with connect(socket_path, deadline):
            return True
    except NobodyListensError:
        return False


def find_programs() -> Iterator[str]:
    """Yield the `ail-daemon` beside this interpreter, then the one on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), "ail-daemon")
    if os.access(beside, os.X_OK):
        yield beside
    on_path = shutil.which("ail-daemon")
    if on_path and os.path.realpath(on_path) != os.path.realpath(beside):
        yield os.path.abspath(on_path)


def _run(program: str, socket_path: str, deadline: Deadline) -> str | None:
    """Return where *program* answers once it is ready; None if it exits 69, not being installed."""
    reading, writing = os.pipe()
    try:
        process = _popen(program, socket_path, writing)
    finally:
        os.close(writing)  # else the daemon's death would not end the pipe
    try:
        line = _read_line(reading, deadline)
    finally:
        os.close(reading)
    if line:
        return _parse_ready(line)
    _check_missing(process)
    return None


def _popen(program: str, socket_path: str, ready: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [program, "run", "--detach", "--ready-fd", str(ready)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=make_environment(os.environ, socket_path),
            pass_fds=(ready,),
            start_new_session=True,
        )
    except OSError as err:
        raise UnavailableError(f"{program} cannot be run: {err.strerror}", "install AIL again") from err


def make_environment(env: Mapping[str, str], socket_path: str) -> dict[str, str]:
    """Return the part of *env* that the daemon may have, with this client's socket."""
    kept = {name: value for name, value in env.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    return kept | {"AIL_SOCKET": socket_path}


def _read_line(reading: int, deadline: Deadline) -> bytes:
    """Return the one line the daemon writes, b"" if it ends without one. Raises OutOfTimeError."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _READY_MAX_BYTES:
        if not select.select([reading], [], [], deadline.remaining_s())[0]:
            raise OutOfTimeError(f"the daemon was not ready within {START_LIMIT_S:g} s", _see_log())
        chunk = os.read(reading, 4096)
        if not chunk:
            return b""
        line += chunk
    return line


def _check_missing(process: subprocess.Popen[bytes]) -> None:
    """Return if *process* ended with status 69. Raises UnavailableError for any other silent exit."""
    try:
        status = process.wait(2)
    except subprocess.TimeoutExpired:
        status = None
    if status == _EXIT_NOT_INSTALLED:
        return
    ended = "" if status in (None, 0) else f" (exit status {status})"
    raise UnavailableError(f"the daemon ended before it was ready{ended}", _see_log())


def _parse_ready(line: bytes) -> str:
    """Return the socket that the daemon's line names. Raises the error that it names."""
    try:
        said = json.loads(line)
    except ValueError as err:
        raise UnavailableError("the daemon said something unknown when it started", _see_log()) from err
    match said:
        case {"error": error}:
            raise from_wire(error)
        case {"socket": str(path)}:
            return path
    raise UnavailableError("the daemon said something unknown when it started", _see_log())


def _see_log() -> str:
    return f"see {os.path.join(get_state_dir(), 'daemon.log')}"
