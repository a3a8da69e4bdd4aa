"""Walks the commit graph: with git, or more slowly here around damaged commits, at which git's walk ends."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from .command import GitCommand
from .objects import ParentReader
from .refs import read_shallow_boundary

Links = tuple[int, tuple[str, ...]]
"""A commit's time and its parents."""


def iter_shas(git: GitCommand, include: Iterable[str], exclude: Iterable[str], skipped: list[str]) -> Iterator[str]:
    """Yield what is reachable from *include* and not from *exclude*, newest first; damaged commits go to *skipped*."""
    included, excluded = list(include), list(exclude)
    if not included:
        return
    seen: set[str] = set()
    with git.stream(_REV_LIST, [*included, *(f"^{sha}" for sha in excluded)]) as output:
        for line in output.lines:
            seen.add(line[:-1].decode())
            yield line[:-1].decode()
        if output.is_whole():
            return
    git.check_readable()
    with closing(ParentReader(git, read_shallow_boundary(git.place))) as reader:
        yield from (sha for sha in walk_around(reader.read, included, excluded, skipped) if sha not in seen)


# --ignore-missing counts for what follows it
_REV_LIST = ("rev-list", "--ignore-missing", "--stdin")


def walk_around(
    read: Callable[[str], Links | None], include: list[str], exclude: list[str], skipped: list[str]
) -> Iterator[str]:
    """As iter_shas; *read* returns a commit's links, None for a damaged or missing one, which is added to *skipped*."""
    hidden = set(_walk(read, exclude, set(), []))
    yield from _walk(read, include, hidden, skipped)


def _walk(read: Callable[[str], Links | None], start: list[str], hidden: set[str], skipped: list[str]) -> Iterator[str]:
    seen = set(hidden)
    queue: list[tuple[int, str, tuple[str, ...]]] = []

    def push(shas: Iterable[str]) -> None:
        for sha in shas:
            if sha in seen:
                continue
            seen.add(sha)
            if links := read(sha):
                heapq.heappush(queue, (-links[0], sha, links[1]))
            else:
                skipped.append(sha)

    push(start)
    while queue:
        _, sha, parents = heapq.heappop(queue)
        yield sha
        push(parents)
