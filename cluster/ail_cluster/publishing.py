"""The driver's side: counts the pieces that come back, and publishes each repository once all of its pieces are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ail_daemon.bundles.publishing import Published, Sign, publish
from ail_rpc.errors import AilError, RepoUnreadableError

from .listing import Repository
from .output import MovedError, open_locked
from .parts import Parts, find_listed
from .steps import Job, Piece, get_problem

_TRIES = 5  # of publishing to an object store where another builder is quicker


@dataclass(slots=True)
class _Progress:
    """How far a repository is. left: pieces that have not come back, None before the first has."""

    left: int | None = None
    order: bytes = b""
    is_planned: bool = False
    encoded: int = 0
    failed: int = 0
    listed: int = 0
    problem: AilError | None = None
    is_ended: bool = False


@dataclass(slots=True)
class Totals:
    """What a build did: texts encoded, embeddings added, those the output had, repositories published, and what went wrong."""

    encoded: int = 0
    added: int = 0
    listed: int = 0
    published: int = 0
    failed: int = 0
    problems: list[tuple[str, AilError]] = field(default_factory=list)


class Publishing:
    """Takes pieces in any order. Repositories of one bundle are published in the order of the list.

    So the bytes are those of `ail-daemon bundle create`, run for one after the other. tell: called with a sentence for the user.
    """

    def __init__(
        self, job: Job, repositories: Sequence[Repository], sign: Sign | None, tell: Callable[[str], None]
    ) -> None:
        self.totals = Totals()
        self._job, self._repositories, self._sign, self._tell = job, repositories, sign, tell
        self._progress = [_Progress() for _ in repositories]
        self._waiting: dict[str, list[int]] = {}
        for number, repository in enumerate(repositories):
            self._waiting.setdefault(repository.out, []).append(number)

    def take(self, piece: Piece) -> None:
        """Take a piece that came back. Raises the error of one that would meet all others too; what was written is kept."""
        progress = self._progress[piece["number"]]
        problem = get_problem(piece)
        if problem and piece["is_fatal"]:
            raise problem
        progress.problem = progress.problem or problem
        progress.left = (piece["pieces"] if progress.left is None else progress.left) - bool(piece["pieces"])
        progress.encoded += piece["encoded"]
        progress.failed += piece["failed"]
        self.totals.encoded += piece["encoded"]
        if piece["piece"] == 0:
            progress.order, progress.listed = piece["order"], piece["listed"]
            progress.is_planned = bool(piece["pieces"]) or not problem
        if not progress.left:
            self._end(piece["number"])

    def end(self) -> Totals:
        """Publish what came back of repositories of which a piece did not. Return what was done."""
        for number, progress in enumerate(self._progress):
            if not progress.is_ended:
                progress.problem = progress.problem or RepoUnreadableError(
                    f"{self._repositories[number].root}: a piece of it never came back: what read or encoded it died each time, "
                    "or no machine had room for it",
                    "what was encoded is kept: see Ray's logs for why (out of memory?), and run it again",
                )
                self._end(number)
        return self.totals

    def _end(self, number: int) -> None:
        self._progress[number].is_ended = True
        waiting = self._waiting[self._repositories[number].out]
        while waiting and self._progress[waiting[0]].is_ended:
            self._publish(waiting.pop(0))

    def _publish(self, number: int) -> None:
        repository, progress = self._repositories[number], self._progress[number]
        if progress.is_planned and not progress.order and not self._sign:
            self.totals.listed += progress.listed
            self._tell(f"{repository.root}: {repository.out} has all of its {progress.listed:,} embeddings")
        elif progress.is_planned:
            try:
                published = self._publish_rows(repository.out, progress.order)
            except AilError as err:
                progress.problem = progress.problem or err
            else:
                self.totals.added += published.added
                self.totals.listed += progress.listed
                self.totals.published += 1
                self._tell(_describe(repository, progress, published))
        if progress.problem:
            self.totals.problems.append((repository.root, progress.problem))
        self.totals.failed += progress.failed
        progress.order = b""

    def _publish_rows(self, out: str, order: bytes) -> Published:
        for _ in range(_TRIES - 1):
            try:
                return _publish_once(self._job, out, order, self._sign)
            except MovedError:
                continue
        return _publish_once(self._job, out, order, self._sign)


def _publish_once(job: Job, out: str, order: bytes, sign: Sign | None) -> Published:
    with open_locked(os.fspath(out), job.model_id) as output:
        parts = Parts(output, job.model_id, job.dimension)
        published = publish(output, job.model_id, job.dimension, parts.iter_rows(order), sign)
        if parts:
            output.remove_parts(parts.list_done(find_listed(output, job.model_id)))
        return published


def _describe(repository: Repository, progress: _Progress, published: Published) -> str:
    left = f"; {progress.failed:,} messages cannot be encoded, and are not in it" if progress.failed else ""
    return (
        f"{repository.root}: {published.added:,} embeddings added to {repository.out} in {published.segments} segments, "
        f"{progress.encoded:,} of them encoded now; it had {progress.listed:,} of this repository{left}"
    )
