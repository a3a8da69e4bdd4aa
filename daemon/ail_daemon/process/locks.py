"""One daemon per user: two flocks held for life, taken before the socket is touched.

`<socket>.lock` keeps a second daemon off the socket, `daemon.lock` in the state directory keeps one with another socket
off the data. Both are tried without waiting, the socket's first. A lock that is held proves nothing yet: a client may
probe it for microseconds, and a daemon that exits holds it a moment longer than its socket. So `acquire` tries again
until it has both locks or a daemon answers.

The files are never unlinked: a lock on a file that another process can no longer open guards nothing. They must not
pass through a fork without exec, which would keep the lock when the daemon is gone. No pid read from a file is ever
signalled.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ail_rpc.errors import UnavailableError

from .files import replace_file
from .peers import is_same_user

_POLL_S = 0.02
_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Lock:
    """One lock file, held from construction until `release`. Raises BlockingIOError if another process holds it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = _open_in_private_dir(path)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise

    def renew(self) -> None:
        """Lock the file at the path again if somebody removed or replaced it.

        Raises UnavailableError or BlockingIOError where that cannot be; the old lock is kept then.
        """
        if _is_same_file(self._fd, self.path):
            return
        fresh = Lock(self.path)
        self._fd, fresh._fd = fresh._fd, self._fd
        fresh.release()

    def touch(self) -> None:
        """Set the file's times to now."""
        with suppress(OSError):
            os.utime(self._fd)

    def release(self) -> None:
        """Release the lock."""
        os.close(self._fd)


class DaemonLocks:
    """Both locks, and `daemon.json` beside the second, which names the socket of the daemon that holds them."""

    def __init__(self, socket_path: str, state_dir: str) -> None:
        self.socket_path = socket_path
        self._note = _note_path(state_dir)
        self._by_socket = Lock(socket_path + ".lock")
        try:
            self._by_state = Lock(os.path.join(state_dir, "daemon.lock"))
        except BaseException:
            self._by_socket.release()
            raise

    @property
    def files(self) -> tuple[str, str]:
        """The paths of both locks."""
        return self._by_socket.path, self._by_state.path

    def announce(self, version: str) -> None:
        """Write this daemon's socket path. On a full disk it is missing, and only a daemon with another socket needs it."""
        note = {"socket": self.socket_path, "pid": os.getpid(), "version": version}
        with suppress(OSError):
            replace_file(Path(self._note), json.dumps(note).encode())

    def beat(self) -> None:
        """Touch the socket's lock: a client that waits looks there whether this daemon is at work."""
        self._by_socket.touch()

    def renew(self) -> None:
        """Renew both locks (see `Lock.renew`)."""
        self._by_socket.renew()
        self._by_state.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._by_state.release()
        self._by_socket.release()


def acquire(socket_path: str, state_dir: str, wait_s: float = 15.0) -> DaemonLocks | str:
    """Return the locks, now held, or the path of the socket at which the daemon that holds them answers.

    Raises UnavailableError if neither happens within *wait_s* seconds, or if a directory is not private to the user.
    """
    deadline = time.monotonic() + wait_s
    while True:
        with suppress(BlockingIOError):
            return DaemonLocks(socket_path, state_dir)
        for path in (socket_path, _read_note(state_dir)):
            if path and _is_answering(path):
                return path
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"another daemon holds the lock of {socket_path} and does not answer",
                "look for a stopped `ail-daemon` process and end it",
            )
        time.sleep(_POLL_S)


def open_private_dir(path: str) -> int:
    """Return a descriptor of the directory *path*, made where it is missing, 0700.

    Raises UnavailableError if it is a link, belongs to another user, can be entered by others, or cannot be made.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as err:
        raise UnavailableError(f"{path} cannot be used: {err.strerror}", "it must be a writable directory") from err
    found = os.fstat(directory)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return directory
    os.close(directory)
    raise UnavailableError(
        f"{path} is not yours alone", f"it must belong to you and be closed to others: chmod 700 {path}"
    )


def _open_in_private_dir(path: str) -> int:
    directory = open_private_dir(os.path.dirname(path))
    try:
        fd = os.open(os.path.basename(path), _FILE_FLAGS, 0o600, dir_fd=directory)
    except OSError as err:
        raise UnavailableError(
            f"{path} cannot be opened: {err.strerror}", "move it away, and make room for it"
        ) from err
    finally:
        os.close(directory)
    if stat.S_ISREG(os.fstat(fd).st_mode) and os.fstat(fd).st_uid == os.geteuid():
        return fd
    os.close(fd)
    raise UnavailableError(f"{path} is no file of yours", "move it away")


def _is_same_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


def _note_path(state_dir: str) -> str:
    return os.path.join(state_dir, "daemon.json")


def _read_note(state_dir: str) -> str | None:
    """Return the socket that `daemon.json` names, perhaps that of an earlier daemon; None where it names none."""
    try:
        with open(_note_path(state_dir), encoding="utf-8") as file:
            match json.load(file):
                case {"socket": str(path)}:
                    return path
    except (OSError, ValueError):
        return None
    return None


def _is_answering(socket_path: str) -> bool:
    """Whether a daemon of this user accepts connections there. A full backlog (EAGAIN) is a daemon, and busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(socket_path)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return is_same_user(probe)
