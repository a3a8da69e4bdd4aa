"""The child process that reads git and encodes in bulk: `python -m ail_daemon.worker`.

It can die: a hostile repository may exhaust its memory, and whoever runs short of memory may kill it. It holds
nothing that is not in its parent's store or in the repository, runs niced, and leaves its memory behind when it ends.
Requests come on stdin, replies go to stdout: length-prefixed MessagePack, see `pipes`. It ends with its stdin.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, InternalError

from . import terms
from .encoding import open_encoder
from .history.opening import open_history
from .history.protocol import History
from .model import Encoder
from .pipes import commit_to_wire, read_frames, tips_to_wire, write_frame

BATCH = 512
"""Commits a reply. Larger ones are no faster and leave more behind in the daemon's memory (2,048: 9 MB)."""

CHANGES_BATCH = 64
"""Commits a reply with their changed lines, of which each may have 64 KiB."""


class Worker:
    """Answers its parent's requests; each method yields the parts of one reply."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._encoder: Encoder | None = None

    def open(self, root: str, git_dir: str, common_dir: str, is_bare: bool) -> Iterator[Any]:
        """Open a repository; later requests are about it."""
        self._history = open_history(RepoPlace(root, git_dir, common_dir, is_bare))
        yield tips_to_wire(self._history.read_tips())

    def has_all(self, shas: list[str]) -> Iterator[Any]:
        """Yield whether every one of *shas* is still in the repository."""
        yield all(self._opened.has(sha) for sha in shas)

    def shas(self, include: list[str], exclude: list[str]) -> Iterator[Any]:
        """Yield the shas of the commits reachable from *include* and not from *exclude*, newest first."""
        yield from _batches(self._opened.iter_shas(include, exclude), 8 * BATCH)

    def commits(self, include: list[str], exclude: list[str], known: list[str]) -> Iterator[Any]:
        """Yield how many commits are reachable so, but for the *known* shas; then those commits, newest first."""
        skip = set(known)
        fresh = [sha for sha in self._opened.iter_shas(include, exclude) if sha not in skip]
        yield len(fresh)
        for part in _batches(self._opened.iter_commits(fresh), BATCH):
            yield [commit_to_wire(commit) for commit in part]

    def changes(self, shas: list[str]) -> Iterator[Any]:
        """Yield (sha, changed lines) of *shas*, without what looks like a key or a token."""
        yield from _batches(self._iter_clean_changes(shas), CHANGES_BATCH)

    def _iter_clean_changes(self, shas: list[str]) -> Iterator[tuple[str, str]]:
        return ((sha, terms.without_secrets(text)) for sha, text in self._opened.iter_changes(shas))

    def encode(self, texts: list[str], model: str, kind: str, models_dir: str, threads: int) -> Iterator[Any]:
        """Yield the texts' embeddings as float32 bytes, row after row."""
        self._encoder = self._encoder or open_encoder(model, kind, Path(models_dir), threads)
        yield self._encoder.encode(texts).tobytes()

    @property
    def _opened(self) -> History:
        if self._history is None:
            raise InternalError("the worker was asked about a repository before it opened one")
        return self._history


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def main() -> None:
    """Serve requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the daemon's to handle
    os.nice(10)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not damage the stream
    worker = Worker()
    operations: dict[str, Callable[..., Iterator[Any]]] = {
        "open": worker.open, "has_all": worker.has_all, "shas": worker.shas, "commits": worker.commits,
        "changes": worker.changes, "encode": worker.encode,
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
