"""Pull requests as history shows them: a merge, and the commits that it brought into the main line. Pure.

The commits of one pull request answer the same question: one has the words, another the code, the merge a summary. So the
ranking gives each the best signals of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

LARGEST = 25
"""Most commits of one pull; a merge that brings more merges a long-lived branch, not one change."""


def resolve_parents(links: Iterable[tuple[int, bytes, Sequence[bytes]]]) -> dict[int, tuple[int, ...]]:
    """Return commit id -> its parents' ids, those that are here; *links* are (id, sha, its parents' shas)."""
    listed = list(links)
    ids = {sha: commit_id for commit_id, sha, _ in listed}
    return {commit_id: tuple(ids[sha] for sha in parents if sha in ids) for commit_id, _, parents in listed}


class Pulls:
    """Which commits were merged together. Kept as arrays: at most 2 MB for 100,000 commits."""

    def __init__(self, parents: Mapping[int, Sequence[int]], head: int | None) -> None:
        """Compute it from *parents* (commit id -> its parents' ids, those known) and the *head* of the main line."""
        merge_of = dict(_iter_members(parents, _walk_first_parents(parents, head)))
        self._members = np.array(sorted(merge_of), np.int64)
        self._merges = np.array([merge_of[member] for member in self._members.tolist()], np.int64)
        self._all_merges = np.array(sorted(i for i, known in parents.items() if len(known) > 1), np.int64)

    def get_merges(self, ids: Iterable[int]) -> dict[int, int]:
        """Return commit id -> the merge that brought it (itself for the merge), for those of *ids* in a pull."""
        asked = np.fromiter(ids, np.int64)
        is_there, places = _find(self._members, asked)
        return dict(zip(asked[is_there].tolist(), self._merges[places].tolist(), strict=True))

    def find_merges(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that are merges, whatever they brought."""
        asked = np.fromiter(ids, np.int64)
        return set(asked[_find(self._all_merges, asked)[0]].tolist())


def _find(ids: Ids, wanted: Ids) -> tuple[npt.NDArray[np.bool_], Ids]:
    """Return whether each of *wanted* is among the sorted *ids*, and the places there of those that are."""
    places = np.searchsorted(ids, wanted)
    is_there = np.zeros(len(wanted), np.bool_)
    within = places < len(ids)
    is_there[within] = ids[places[within]] == wanted[within]
    return is_there, places[is_there]


def _iter_members(parents: Mapping[int, Sequence[int]], main: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (commit, merge that brought it) along the *main* line, newest commit first; a merge is of its own number."""
    seen = set(main)
    for merge in reversed(main):  # oldest first: a commit belongs to the first merge that brought it
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
