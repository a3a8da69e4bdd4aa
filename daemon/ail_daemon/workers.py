"""The daemon's end of a worker: starts one, asks it, notices its death, ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, from_wire

from .model import Commit, Embeddings, Tips
from .pipes import commit_from_wire, read_frame, tips_from_wire, write_frame


class WorkerDiedError(AilError):
    """The worker ended before its reply did: killed by a signal, or out of memory. Its work is to be asked for again."""


class WorkerProcess:
    """One worker about one repository; a context manager. Not to be used by two threads at once, but for `kill`."""

    def __init__(self, place: RepoPlace) -> None:
        self._place = place
        self.tips = Tips(None)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ail_daemon.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True, bufsize=1 << 16,
        )  # fmt: skip
        place = self._place
        self.tips = tips_from_wire(
            self._ask(
                "open", root=place.root, git_dir=place.git_dir, common_dir=place.common_dir, is_bare=place.is_bare
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process at once; whoever waits for its reply gets WorkerDiedError. It holds nothing that would be lost."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def has_all(self, shas: list[str]) -> bool:
        """Return whether every one of *shas* is still in the repository."""
        return bool(self._ask("has_all", shas=shas))

    def iter_shas(self, include: list[str], exclude: list[str]) -> Iterator[str]:
        """Yield the shas of the commits reachable from *include* and not from *exclude*, newest first."""
        for part in self._stream("shas", include=include, exclude=exclude):
            yield from part

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str]
    ) -> tuple[int, Iterator[list[Commit]]]:
        """Return how many commits are reachable so, but for the *known* shas, and batches of them, newest first."""
        parts = self._stream("commits", include=include, exclude=exclude, known=known)
        return int(next(parts)), ([commit_from_wire(row) for row in part] for part in parts)

    def iter_changes(self, shas: list[str]) -> Iterator[list[tuple[str, str]]]:
        """Yield batches of (sha, changed lines)."""
        yield from self._stream("changes", shas=shas)

    def encode(self, texts: list[str], **encoder: Any) -> Embeddings:
        """Return the texts' embeddings; *encoder* says which model, and how, see `Worker.encode`."""
        flat = np.frombuffer(self._ask("encode", texts=texts, **encoder), np.float32)
        return flat.reshape(len(texts), -1)

    def _ask(self, operation: str, **arguments: Any) -> Any:
        (part,) = self._stream(operation, **arguments)
        return part

    def _stream(self, operation: str, **arguments: Any) -> Iterator[Any]:
        assert self._process.stdin  # noqa: S101 - Popen was given pipes
        assert self._process.stdout  # noqa: S101
        try:
            write_frame(self._process.stdin, [operation, arguments])
            while (reply := read_frame(self._process.stdout))[0] == "part":
                yield reply[1]
        except (EOFError, BrokenPipeError) as err:
            raise WorkerDiedError(f"the reader of {self._place.root} ended: {self._cause()}") from err
        if reply[0] == "error":
            raise from_wire(reply[1])

    def _cause(self) -> str:
        status = self._process.wait()
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
