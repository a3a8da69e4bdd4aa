"""What is still to be done of a history, in batches, newest commits first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import TypeVar

from ..index.store import NEWEST

Batch = TypeVar("Batch", bound=Sized)


def iter_newest_first(
    find: Callable[[int, int], tuple[Batch, int]], count_left: Callable[[], int], size: int, first: int = 0
) -> Iterator[Batch]:
    """Yield batches of *size* (the first one of *first*, 0: of *size*, too) until nothing is left; the caller sees to each.

    find: `Store.find_unread`, `find_unembedded`. count_left: how many commits are left, at most. Nobody asks for more than that:
    to learn that there is nothing else, SQLite reads the whole table, .9 s for a million commits after each new one. The table is
    read once, and from its newest again for what came meanwhile.
    """
    limit, until = first or size, NEWEST
    while left := count_left():
        batch, oldest = find(min(limit, left), until)
        if batch:
            yield batch
        elif until == NEWEST:
            return
        limit, until = size, oldest if batch else NEWEST
