"""The socket's file: bound under another name, moved into place, checked, removed. The caller holds the locks."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from ail_rpc.errors import UnavailableError

from ..process.locks import open_private_dir


class Listener:
    """A listening socket and the file it answers at.

    is_borrowed: the service manager made it; its file is not ours to remove.
    """

    def __init__(self, sock: socket.socket, path: str, file: str, is_borrowed: bool) -> None:
        self.sock = sock
        self.path = path
        self.is_borrowed = is_borrowed
        self._file = file
        self._identity = _identify(file)
        sock.setblocking(False)

    @classmethod
    def bind(cls, path: str) -> Listener:
        """Bind a new socket under a temporary name beside *path*, 0600; clients find it after `publish`.

        Raises UnavailableError if the directory is not private to the user or nothing can be bound there.
        """
        os.close(open_private_dir(os.path.dirname(path)))
        aside = path[:-1] + "~"  # as long as the path itself, which may have the last of the 107 bytes
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with suppress(OSError):
            # Linux takes the file's mode from the socket, less the umask: never wider than 0600, and no umask changed
            # under running threads. macOS refuses (EINVAL); there the process's umask of 077 stands.
            os.fchmod(sock.fileno(), 0o600)
        try:
            with suppress(FileNotFoundError):
                os.unlink(aside)  # left by a daemon that was killed
            sock.bind(aside)
            os.chmod(aside, 0o600)
        except OSError as err:
            sock.close()
            raise UnavailableError(f"no socket can be made at {path}: {err.strerror}", "set AIL_SOCKET") from err
        return cls(sock, path, aside, is_borrowed=False)

    @classmethod
    def adopt(cls, sock: socket.socket) -> Listener:
        """Use *sock*, on which the service manager listens already."""
        return cls(sock, sock.getsockname(), sock.getsockname(), is_borrowed=True)

    def publish(self) -> None:
        """Move the file into place, over whatever is there, in one step: no client finds the path empty."""
        if not self.is_borrowed:
            os.replace(self._file, self.path)
            self._file = self.path

    def is_in_place(self) -> bool:
        """Whether the file at the path is still this socket's."""
        return self._identity is not None and _identify(self.path) == self._identity

    def withdraw(self) -> None:
        """Remove the file, if it is still ours."""
        if not self.is_borrowed and self.is_in_place():
            with suppress(FileNotFoundError):
                os.unlink(self.path)


def _identify(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file, None if there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
