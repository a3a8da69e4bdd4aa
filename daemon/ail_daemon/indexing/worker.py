"""The child process that reads git and encodes in bulk: `python -m ail_daemon.indexing.worker`.

It may die: a hostile repository may exhaust its memory, and a system short of memory may kill it. It holds nothing that
is not in its parent's store or in the repository, runs niced, and frees all its memory by ending.
Requests come on stdin, replies go to stdout: length-prefixed MessagePack, see `pipes`. It ends with its stdin.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, InternalError

from ..encoding import open_encoder
from ..history.limits import HistoryLimits
from ..model import Encoder
from .pipes import commit_to_wire, passage_to_wire, read_frames, tips_to_wire, write_frame
from .reading import BATCH, LocalReader, iter_batches


class Worker:
    """Answers its parent's requests; each method yields the parts of one reply."""

    def __init__(self) -> None:
        self._reader: LocalReader | None = None
        self._bulk: dict[str, Any] = {}
        self._encoder: Encoder | None = None

    def open(
        self, place: list[Any], ref_kinds: list[str], bulk: dict[str, Any], limits: dict[str, Any]
    ) -> Iterator[Any]:
        """Open a repository, which later requests are about; *bulk*: how to encode, see `encoders.Bulk`. Yield its tips.

        limits: see `HistoryLimits`.
        """
        self._bulk = bulk
        self._reader = LocalReader(RepoPlace(*place), ref_kinds, HistoryLimits(**limits))
        yield tips_to_wire(self._reader.tips)

    def has_all(self, shas: list[str]) -> Iterator[Any]:
        """Yield whether every one of *shas* is still in the repository."""
        yield self._opened.has_all(shas)

    def shas(self, include: list[str], exclude: list[str]) -> Iterator[Any]:
        """Yield batches of the shas reachable from *include* and not from *exclude*, newest first."""
        yield from iter_batches(self._opened.iter_shas(include, exclude), 8 * BATCH)

    def commits(self, include: list[str], exclude: list[str], known: list[str]) -> Iterator[Any]:
        """Yield how many commits are reachable so, but for the *known* shas; then batches of them, newest first."""
        count, batches = self._opened.read_commits(include, exclude, known)
        yield count
        for batch in batches:
            yield [commit_to_wire(commit) for commit in batch]

    def newest(self, include: list[str], most: int) -> Iterator[Any]:
        """Yield batches of up to *most* commits reachable from *include*, the newest."""
        for batch in self._opened.read_newest(include, most):
            yield [commit_to_wire(commit) for commit in batch]

    def changes(self, shas: list[str]) -> Iterator[Any]:
        """Yield batches of changes."""
        for batch in self._opened.iter_changes(shas):
            yield [[*one[:2], [passage_to_wire(passage) for passage in one.passages]] for one in batch]

    def take_skipped(self) -> Iterator[Any]:
        """Yield the shas of what could not be read since this was last asked."""
        yield self._opened.take_skipped()

    def encode(self, texts: list[str]) -> Iterator[Any]:
        """Yield the texts' embeddings as float32 bytes, row after row.

        Loads the encoder at the first text: an update that has none to encode never needs it.
        """
        bulk = self._bulk
        self._encoder = self._encoder or open_encoder(
            bulk["model"], bulk["kind"], Path(bulk["models_dir"]), bulk["threads"], bulk["batch"]
        )
        yield self._encoder.encode(texts).tobytes()

    @property
    def _opened(self) -> LocalReader:
        if self._reader is None:
            raise InternalError("the worker was asked about a repository before it opened one")
        return self._reader


def main() -> None:
    """Serve requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the daemon's to handle
    os.nice(10)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not damage the stream
    worker = Worker()
    operations: dict[str, Callable[..., Iterator[Any]]] = {
        "open": worker.open, "has_all": worker.has_all, "shas": worker.shas, "commits": worker.commits,
        "newest": worker.newest, "changes": worker.changes, "take_skipped": worker.take_skipped, "encode": worker.encode,
    }  # fmt: skip
    for name, arguments in read_frames(sys.stdin.buffer):
        try:
            for part in operations[name](**arguments):
                write_frame(replies, ["part", part])
            write_frame(replies, ["end", None])
        except AilError as err:
            write_frame(replies, ["error", err.to_wire()])


if __name__ == "__main__":
    main()
