"""Pull requests as history shows them: a merge, and the commits that it brought into the main line. Pure.

The commits of one pull request answer the same question, but one has the words, another the code, the merge a summary: knowing
that they belong together lets each speak for the others.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

LARGEST = 25
"""Commits; a merge that brings more is a branch, not one change."""


def resolve_parents(links: Iterable[tuple[int, bytes, Sequence[bytes]]]) -> dict[int, tuple[int, ...]]:
    """Return commit id -> its parents' ids, those that are here; *links* are (id, sha, its parents' shas)."""
    listed = list(links)
    ids = {sha: commit_id for commit_id, sha, _ in listed}
    return {commit_id: tuple(ids[sha] for sha in parents if sha in ids) for commit_id, _, parents in listed}


class Pulls:
    """Which commits came in together. Kept as arrays: 100,000 commits take 2 MB at most."""

    def __init__(self, parents: Mapping[int, Sequence[int]], head: int | None) -> None:
        """Work it out from *parents* (commit id -> its parents' ids, those known) and the *head* of the main line."""
        merge_of = dict(_iter_members(parents, _walk_first_parents(parents, head)))
        self._members = array("q", sorted(merge_of))
        self._merges = array("q", (merge_of[member] for member in self._members))
        self._all_merges = array("q", sorted(i for i, known in parents.items() if len(known) > 1))

    def get_merges(self, ids: Iterable[int]) -> dict[int, int]:
        """Return commit id -> the merge that brought it (itself for the merge), for those of *ids* that came so."""
        places = ((commit_id, _find(self._members, commit_id)) for commit_id in ids)
        return {commit_id: self._merges[place] for commit_id, place in places if place is not None}

    def find_merges(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that are merges, whatever they brought."""
        return {commit_id for commit_id in ids if _find(self._all_merges, commit_id) is not None}


def _find(ids: array[int], wanted: int) -> int | None:
    """Return the place of *wanted* in sorted *ids*, None where it is not there."""
    place = bisect_left(ids, wanted)
    return place if place < len(ids) and ids[place] == wanted else None


def _iter_members(parents: Mapping[int, Sequence[int]], main: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (commit, merge that brought it) along the *main* line, newest commit first; a merge is of its own number."""
    seen = set(main)
    for merge in reversed(main):  # oldest first: what came with it is nobody else's
        brought = _walk_side(parents, parents[merge][1:], seen)
        if brought and len(brought) <= LARGEST:
            yield from ((member, merge) for member in (merge, *brought))


def _walk_first_parents(parents: Mapping[int, Sequence[int]], head: int | None) -> list[int]:
    line = []
    while head is not None and head in parents:
        line.append(head)
        head = parents[head][0] if parents[head] else None
    return line


def _walk_side(parents: Mapping[int, Sequence[int]], start: Sequence[int], seen: set[int]) -> list[int]:
    """Return the commits reachable from *start* that were not *seen*, and note them as seen."""
    brought, waiting = [], list(start)
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in seen and commit_id in parents:
            seen.add(commit_id)
            brought.append(commit_id)
            waiting.extend(parents[commit_id])
    return brought
