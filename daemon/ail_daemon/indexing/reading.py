"""Reads one repository, in the calling process. Knows no encoder.

The worker does so for bulk work, in a process that may die; the daemon for a handful of commits at a time, where
starting a process (200 ms) would cost more than the work. The results are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import RepoUnreadableError

from ..history.limits import USUAL, HistoryLimits
from ..history.opening import open_history
from ..model import Commit, Tips
from ..text.passages import CommitChanges
from ..text.redaction import without_secrets

BATCH = 512
"""Commits in a batch. Larger ones are no faster and leave more in the daemon's memory (2,048: 9 MB)."""

_BATCH_CHARS = 8 << 20  # 512 hostile commits of the largest size fit into no memory

CHANGES_BATCH = 64
"""Commits in a batch of changed lines; each may have 64 KiB."""


class Reader(Protocol):
    """What an update asks of a repository. Every method raises RepoUnreadableError once the repository is gone."""

    @property
    def limits(self) -> HistoryLimits:
        """How much of a repository is read."""

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
        """Return how many commits other than *known* are reachable so, and batches of them, newest first.

        With more than *most*, that number is *most* + 1, and nothing is read. Raises RepoUnreadableError past the limit.
        """

    def read_newest(self, include: list[str], most: int) -> Iterator[list[Commit]]:
        """Yield batches of up to *most* commits reachable from *include*, the newest: at once, where counting all takes long."""

    def iter_changes(self, shas: list[str]) -> Iterator[list[CommitChanges]]:
        """Yield batches of changes, without anything that looks like a key or a token."""

    def take_skipped(self) -> list[str]:
        """Return, and clear, the shas whose commits, paths or changed lines could not be read."""


class LocalReader:
    """Reads *place* here. git that takes longer than *limit_s*, or prints commits of more than *limit_bytes*, is killed."""

    def __init__(
        self,
        place: RepoPlace,
        ref_kinds: Iterable[str],
        limits: HistoryLimits = USUAL,
        **patience: Any,
    ) -> None:
        self.limits = limits
        self._history = open_history(place, limits=limits, **patience)
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
        skip, room = set(known), self.limits.commits + 1
        fresh = (sha for sha in self._history.iter_shas(include, exclude) if sha not in skip)
        shas = list(islice(fresh, room if most is None else min(most + 1, room)))
        check_commits(len(shas), self.limits.commits)
        is_too_many = most is not None and len(shas) > most
        return len(shas), iter_commit_batches([] if is_too_many else self._history.iter_commits(shas))

    def read_newest(self, include: list[str], most: int) -> Iterator[list[Commit]]:
        """See Reader."""
        shas = list(islice(self._history.iter_shas(include), most))
        return iter_commit_batches(self._history.iter_commits(shas))

    def iter_changes(self, shas: list[str]) -> Iterator[list[CommitChanges]]:
        """See Reader."""
        clean = (one._replace(text=without_secrets(one.text)) for one in self._history.iter_changes(shas))
        return iter_batches(clean, CHANGES_BATCH)

    def take_skipped(self) -> list[str]:
        """See Reader."""
        lists = (self._history.skipped, self._history.pathless)
        skipped = list(dict.fromkeys(sha for one in lists for sha in one))
        for one in lists:
            one.clear()
        return skipped


def check_commits(count: int, most: int) -> None:
    """Raise RepoUnreadableError where *count* commits are more than *most*."""
    if count > most:
        raise RepoUnreadableError(
            f"the repository has more than {most:,} commits, and what is new is not read",
            "let fewer refs count with AIL_REFS, or allow more with AIL_MAX_COMMITS",
        )


def iter_commit_batches(commits: Iterable[Commit]) -> Iterator[list[Commit]]:
    """Yield lists of BATCH commits, shorter ones where they hold more than 8 MiB of text."""
    batch: list[Commit] = []
    size = 0
    for commit in commits:
        batch.append(commit)
        size += len(commit.message) + sum(map(len, commit.paths))
        if len(batch) == BATCH or size > _BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def iter_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of *size* items, the last one with the rest."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
