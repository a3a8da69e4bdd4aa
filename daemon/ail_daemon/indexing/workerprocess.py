"""The daemon's end of a worker: starts it, sends requests, notices its death, kills it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import numpy as np

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, from_wire

from ..encoding.encoders import Bulk
from ..history.limits import USUAL, HistoryLimits
from ..model import Commit, Embeddings, Tips
from ..settings import get_child_environment
from ..text.passages import CommitChanges, Passage
from .pipes import commit_from_wire, read_frame, tips_from_wire, write_frame


class WorkerDiedError(AilError):
    """The worker ended before its reply did: killed by a signal, or out of memory. Its work can be requested again."""


class WorkerEndedError(WorkerDiedError):
    """The worker was killed on purpose: its work is not needed any more."""


class WorkerProcess:
    """A `Reader` in a process of its own; a context manager. Only `kill` may be called from another thread."""

    def __init__(self, place: RepoPlace, ref_kinds: Iterable[str], bulk: Bulk, limits: HistoryLimits = USUAL) -> None:
        self.place = place
        self.limits = limits
        self._asked = {"ref_kinds": list(ref_kinds), "bulk": asdict(bulk), "limits": asdict(limits)}
        self.tips = Tips(None)
        self._is_killed = False

    def __enter__(self) -> Self:
        self._start()
        return self

    def _start(self) -> None:
        # A pipe for a whole batch: the next one is read while the daemon indexes this.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ail_daemon.indexing.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True, bufsize=1 << 16,
            pipesize=1 << 20, env=get_child_environment(),
        )  # fmt: skip
        place = self.place
        where = [place.root, place.git_dir, place.common_dir, place.is_bare]
        self.tips = tips_from_wire(self._ask("open", place=where, **self._asked))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """Kill the process at once; a thread that waits for its reply gets WorkerDiedError. Nothing is lost."""
        self._is_killed = True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def has_all(self, shas: list[str]) -> bool:
        """See Reader."""
        return bool(self._ask("has_all", shas=shas))

    def iter_shas(self, include: list[str], exclude: list[str]) -> Iterator[str]:
        """See Reader."""
        for part in self._stream("shas", include=include, exclude=exclude):
            yield from part

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str], most: int | None = None
    ) -> tuple[int, Iterator[list[Commit]]]:
        """See Reader; here *most* is ignored."""
        del most
        parts = self._stream("commits", include=include, exclude=exclude, known=known)
        return int(next(parts)), ([commit_from_wire(row) for row in part] for part in parts)

    def read_newest(self, include: list[str], most: int) -> Iterator[list[Commit]]:
        """See Reader."""
        for part in self._stream("newest", include=include, most=most):
            yield [commit_from_wire(row) for row in part]

    def iter_changes(self, shas: list[str]) -> Iterator[list[CommitChanges]]:
        """See Reader."""
        for part in self._stream("changes", shas=shas):
            yield [CommitChanges(sha, text, tuple(Passage(*row) for row in rows)) for sha, text, rows in part]

    def take_skipped(self) -> list[str]:
        """See Reader."""
        return list(self._ask("take_skipped"))

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings, as `Encode` says.

        Raises WorkerDiedError where one of *texts* killed the worker; a new one can encode the rest.
        """
        try:
            flat = np.frombuffer(self._ask("encode", texts=texts), np.float32)
        except WorkerDiedError as err:
            if self._is_killed:
                raise WorkerEndedError(err.message) from err
            self._start()
            raise
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
            raise WorkerDiedError(f"the reader of {self.place.root} ended: {self._cause()}") from err
        if reply[0] == "error":
            raise from_wire(reply[1])

    def _cause(self) -> str:
        status = self._process.wait()
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
