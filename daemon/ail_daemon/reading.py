"""Reads one repository and encodes texts, in the process that asks.

The worker does so for bulk work, in a process that may die; the daemon for the handful of commits that come one after the
other all day, where starting a process (200 ms) would cost more than the work. What comes out is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import InternalError

from .history.opening import open_history
from .model import Commit, Embeddings, Tips
from .redaction import without_secrets

BATCH = 512
"""Commits a part. Larger ones are no faster and leave more behind in the daemon's memory (2,048: 9 MB)."""

CHANGES_BATCH = 64
"""Commits a part with their changed lines, of which each may have 64 KiB."""


class Reader(Protocol):
    """What an update asks of a repository. Every method raises RepoUnreadableError once the repository is gone."""

    @property
    def tips(self) -> Tips:
        """Where the refs pointed when the reader was made."""

    def has_all(self, shas: list[str]) -> bool:
        """Return whether every one of *shas* is still in the repository."""

    def iter_shas(self, include: list[str], exclude: list[str]) -> Iterator[str]:
        """Yield the shas of the commits reachable from *include* and not from *exclude*, newest first."""

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str], most: int | None = None
    ) -> tuple[int, Iterator[list[Commit]]]:
        """Return how many commits are reachable so, but for the *known* shas, and batches of them, newest first.

        With more than *most*, that number is *most* + 1, and nothing is read.
        """

    def iter_changes(self, shas: list[str]) -> Iterator[list[tuple[str, str]]]:
        """Yield batches of (sha, changed lines), without what looks like a key or a token."""

    def take_skipped(self) -> list[str]:
        """Return the shas of what could not be read since this was last asked: commits, their paths or changed lines."""

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings. Raises ModelError, or WorkerDiedError, where one of them cannot be encoded."""


class LocalReader:
    """Reads *place* here. git that takes longer than *limit_s*, or prints commits of more than *limit_bytes*, is ended."""

    def __init__(
        self,
        place: RepoPlace,
        ref_kinds: Iterable[str],
        encode: Callable[[list[str]], Embeddings] | None = None,
        **limits: Any,
    ) -> None:
        self._history = open_history(place, **limits)
        self._encode = encode
        self.tips = self._history.read_tips(ref_kinds)

    def has_all(self, shas: list[str]) -> bool:
        """See Reader."""
        return self._history.has_all(shas)

    def iter_shas(self, include: list[str], exclude: list[str]) -> Iterator[str]:
        """See Reader."""
        return self._history.iter_shas(include, exclude)

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str], most: int | None = None
    ) -> tuple[int, Iterator[list[Commit]]]:
        """See Reader."""
        skip = set(known)
        fresh = (sha for sha in self._history.iter_shas(include, exclude) if sha not in skip)
        shas = list(fresh if most is None else islice(fresh, most + 1))
        is_too_many = most is not None and len(shas) > most
        return len(shas), iter_batches([] if is_too_many else self._history.iter_commits(shas), BATCH)

    def iter_changes(self, shas: list[str]) -> Iterator[list[tuple[str, str]]]:
        """See Reader."""
        clean = ((sha, without_secrets(text)) for sha, text in self._history.iter_changes(shas))
        return iter_batches(clean, CHANGES_BATCH)

    def take_skipped(self) -> list[str]:
        """See Reader."""
        lists = (self._history.skipped, self._history.pathless)
        skipped = list(dict.fromkeys(sha for one in lists for sha in one))
        for one in lists:
            one.clear()
        return skipped

    def encode(self, texts: list[str]) -> Embeddings:
        """See Reader."""
        if self._encode is None:
            raise InternalError("a reader without an encoder was asked to encode")
        return self._encode(texts)


def iter_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of *size* items, the last one of what is left."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
