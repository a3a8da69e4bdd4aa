"""The ready pipe: tells the process that started the daemon, once, that it answers or why not."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ail_rpc.errors import AilError, InternalError, UsageError


class ReadyPipe:
    """One JSON line on a descriptor, then its end: `{"socket": path}` or `{"error": [code, message, {"hint": …}]}`.

    *fd* None: nobody waits, and all methods do nothing. As a context manager it reports the error that leaves the block.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        if fd is not None:
            try:
                os.set_inheritable(fd, False)
            except OSError as err:
                raise UsageError(f"--ready-fd {fd} is no open descriptor", "name the writing end of a pipe") from err

    def announce(self, socket_path: str) -> None:
        """Say that a daemon answers at *socket_path*."""
        self._say({"socket": socket_path})

    def fail(self, error: AilError) -> None:
        """Report why none does."""
        self._say({"error": error.to_wire()})

    def close(self) -> None:
        """End the pipe; more than once does no harm."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _say(self, what: dict[str, Any]) -> None:
        if self._fd is not None:
            with suppress(OSError):  # EPIPE: the process that waited has ended
                os.write(self._fd, json.dumps(what).encode() + b"\n")
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(err, AilError):
            self.fail(err)
        elif isinstance(err, Exception):
            self.fail(InternalError("the daemon failed while starting: a bug", "its log says where"))
        self.close()
