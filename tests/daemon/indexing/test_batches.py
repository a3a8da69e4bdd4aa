from __future__ import annotations

from ail_daemon.index.store import NEWEST
from ail_daemon.indexing.batches import iter_newest_first


class Left:
    """Commits by time, newest first, of which what was returned counts as done."""

    def __init__(self, times: list[int]) -> None:
        self.times = times
        self.asked: list[tuple[int, int]] = []

    def find(self, limit: int, until: int) -> tuple[list[int], int]:
        self.asked.append((limit, until))
        found = [one for one in self.times if one <= until][:limit]
        self.times = [one for one in self.times if one not in found]
        return found, found[-1] if found else until


def test_no_more_is_looked_for_than_is_left_and_nothing_once_it_is_done() -> None:
    left = Left([7])
    assert list(iter_newest_first(left.find, lambda: len(left.times), 2048)) == [[7]]
    assert left.asked == [(1, NEWEST)]


def test_what_comes_meanwhile_is_found_from_the_newest_again() -> None:
    left = Left([5, 4, 3])
    batches = []
    for batch in iter_newest_first(left.find, lambda: len(left.times), 2, 1):
        if batch == [5]:
            left.times.insert(0, 9)
        batches.append(batch)
    assert batches == [[5], [4, 3], [9]]


def test_a_count_that_is_too_large_ends_all_the_same() -> None:
    left = Left([5])
    assert list(iter_newest_first(left.find, lambda: len(left.times) + 1, 2)) == [[5]]
