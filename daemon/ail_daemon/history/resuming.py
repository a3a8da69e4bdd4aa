"""Continues reading after git died: a damaged object ends the whole process, not only the commit it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from ail_rpc.errors import RepoUnreadableError

from .command import GitCommand, GitOutput

BATCH = 16_384
"""Shas per git process: so many that its start (3 ms) does not matter, so few that the first commits come soon."""

_TOO_MANY = 100  # in a row; each costs four processes, 10 to 30 ms, and after a truncated pack it would be all

T = TypeVar("T")
ReadMany = Callable[[list[str]], Iterator[tuple[str, T]]]


def read_resuming(
    git: GitCommand, shas: Iterable[str], read: ReadMany[T], on_damage: Callable[[str], Iterator[tuple[str, T]]]
) -> Iterator[tuple[str, T]]:
    """Yield what *read* yields for *shas*: (sha, value) in their order, ending early where git died.

    The sha git died of is tried once more in a new process (a repack may have moved it), then passed to *on_damage*.
    Raises RepoUnreadableError if the repository itself is gone or not readable, or if too many commits in a row are damaged.
    """
    remaining = iter(shas)
    lost = 0
    while todo := list(islice(remaining, BATCH)):
        while todo:
            done = 0
            for sha, value in read(todo):
                done += 1
                lost = 0
                yield sha, value
            todo = todo[done:]
            if todo and not done:
                if alone := list(read(todo[:1])):  # git died of the next one: this was held back as the last it printed
                    yield from alone
                    del todo[0]
                    lost = 0
                    continue
                git.check_readable()
                lost += 1
                if lost > _TOO_MANY:
                    raise RepoUnreadableError(
                        f"{git.place.root} is damaged: {lost} commits in a row cannot be read", "see `git fsck` there"
                    )
                yield from on_damage(todo.pop(0))


def hold_back_last(records: Iterator[T], output: GitOutput) -> Iterator[T]:
    """Yield *records*, the last one only if git ended by itself: otherwise it may be cut off."""
    last = next(records, None)
    for record in records:
        if last is not None:
            yield last
        last = record
    if last is not None and output.is_whole():
        yield last
