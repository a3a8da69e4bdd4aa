"""The directory of this process's own files: pages that the editor opens, texts that git compares.

It lies in the user's runtime directory and goes with the process. A process that was killed leaves it behind: the next one to
start finds it by its lock, which the system has released, and removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import threading

from ail_rpc.errors import UnavailableError
from ail_rpc.paths import get_runtime_dir

_LOCK = ".lock"


class Scratch:
    """A directory of mode 0700, made when it is first needed. Threads may share it."""

    def __init__(self) -> None:
        self._base = os.path.join(get_runtime_dir(), "lsp")
        self._directory: str | None = None
        self._lock = -1
        self._making = threading.Lock()

    def get_directory(self) -> str:
        """Return the directory, made if it must be. Raises UnavailableError where it cannot be."""
        with self._making:
            if self._directory is None:
                try:
                    self._directory = self._make()
                except OSError as err:
                    raise UnavailableError(
                        f"no directory can be made in {self._base}: {err.strerror}", "make room there, or mend its mode"
                    ) from err
            return self._directory

    def close(self) -> None:
        """Remove the directory with all that lies in it."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            _unlink(self._directory + _LOCK)
            self._directory = None

    def sweep(self) -> None:
        """Remove what processes left that ended without closing theirs; nothing of one that runs."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._base):
                if name.endswith(_LOCK):
                    _remove_if_dead(os.path.join(self._base, name))

    def _make(self) -> str:
        os.makedirs(self._base, mode=0o700, exist_ok=True)
        while True:
            directory = os.path.join(self._base, f"{os.getpid()}-{secrets.token_hex(4)}")
            if (lock := _try_lock(directory + _LOCK, os.O_CREAT | os.O_EXCL)) >= 0:
                os.mkdir(directory, 0o700)
                self._lock = lock  # held until the process ends, however it does
                return directory


def _remove_if_dead(path: str) -> None:
    """Remove a directory with its lock, unless a process holds the lock."""
    if (lock := _try_lock(path)) >= 0:
        shutil.rmtree(path.removesuffix(_LOCK), ignore_errors=True)
        _unlink(path)
        os.close(lock)


def _try_lock(path: str, how: int = 0) -> int:
    """Return a descriptor that holds the lock of the file *path*, -1 where another process has it or removed the file."""
    lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return -1


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
