"""The client on a terminal of a size of our choosing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from typing import NamedTuple

from tests.client.conftest import Runner

ESCAPES = re.compile("\x1b\\[[0-9;]*m|\x1b\\]8;;[^\x1b]*\x1b\\\\")
"""What the client may send to a terminal: colours and links."""


class Seen(NamedTuple):
    """What came to the terminal (with \\n as it was written) and to stderr."""

    status: int
    screen: str
    notes: str

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.screen)


class Terminal:
    """Runs the client with stdout on a terminal of *columns* by *lines*."""

    def __init__(self, client: Runner, columns: int = 80, lines: int = 1000) -> None:
        self._client = client
        self._size = struct.pack("HHHH", lines, columns, 0, 0)

    def run(self, *arguments: str, entry: str = "main", room: str = "ail_client.cli", **env: str) -> Seen:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, self._size)
        code = f"import sys; from {room} import {entry}; sys.exit({entry}())"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=self._client.cwd, stdin=subprocess.DEVNULL, stdout=theirs,
            stderr=subprocess.PIPE, env=self._client.env | {"TERM": "xterm-256color", **env}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        shown: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(ours, shown))
        reader.start()
        _, notes = process.communicate(timeout=60)
        reader.join()
        return Seen(process.returncode, b"".join(shown).decode().replace("\r\n", "\n"), notes.decode())


def run_on_terminal(
    client: Runner, *arguments: str, typed: bytes = b"", columns: int = 0, **env: str
) -> tuple[int, str]:
    """Return the exit status and what the terminal, which is stdin, stdout and stderr, shows; columns 0: as it is made."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 1000 if columns else 0, columns, 0, 0))
    code = "import sys; from ail_client.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=client.cwd, stdin=theirs, stdout=theirs, stderr=theirs,
        env=client.env | {"TERM": "xterm", **env}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed)
    shown: list[bytes] = []
    _drain(ours, shown)
    process.wait(60)
    return process.returncode, b"".join(shown).decode("utf-8", "replace").replace("\r\n", "\n")


def _drain(terminal: int, into: list[bytes]) -> None:
    """Read until the other end is closed: Linux ends a terminal with EIO."""
    with os.fdopen(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while chunk := file.read(65536):
            into.append(chunk)
