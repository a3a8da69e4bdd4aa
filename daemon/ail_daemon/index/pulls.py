"""Pull requests as history shows them: a merge, and the commits that it brought into the main line. Pure.

The commits of one pull request answer the same question: one has the words, another the code, the merge a summary. So the
ranking gives each the best signals of the others.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

LARGEST = 25
"""Most commits of one pull; a merge that brings more merges a long-lived branch, not one change."""


class Links(NamedTuple):
    """Commits and their parents, as arrays: 40 bytes a commit. Places count from 0.

    ids: of the commits. starts: where the parents of each begin in *parents* (one entry more than commits). parents: their
    places, -1 for one that is not here.
    """

    ids: Ids
    starts: Ids
    parents: Ids

    def get_parents(self, place: int) -> list[int]:
        """Return the places of the parents that are here, the first one first."""
        return [parent for parent in self.parents[self.starts[place] : self.starts[place + 1]].tolist() if parent >= 0]


def resolve_parents(links: Iterable[tuple[int, bytes, bytes]]) -> Links:
    """Return the commits of *links*: id, sha, the parents' shas one after the other; shas of one length, as bytes."""
    ids, counts, shas, named = array("q"), array("q"), bytearray(), bytearray()
    width = 20
    for commit_id, sha, parents in links:
        width = len(sha)
        ids.append(commit_id)
        counts.append(len(parents) // width)
        shas += sha
        named += parents
    all_shas = np.frombuffer(
        shas, f"S{width}"
    )  # compared as bytes: a zero at the end is lost only on the way to Python
    wanted = np.frombuffer(named, f"S{width}")
    order = np.argsort(all_shas)
    is_there, found = _find(all_shas[order], wanted)
    places = np.full(len(wanted), -1, np.int64)
    places[is_there] = order[found]
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.array(counts, np.int64))))
    return Links(np.array(ids, np.int64), starts, places)


class Pulls:
    """Which commits were merged together. Kept as arrays: at most 2 MB for 100,000 commits."""

    def __init__(self, links: Links, head: int | None) -> None:
        """Compute it from *links* and the id of the *head* of the main line, None or unknown: there is none."""
        at = np.flatnonzero(links.ids == head) if head is not None else np.zeros(0, np.int64)
        merge_of = dict(_iter_members(links, _walk_first_parents(links, int(at[0]) if len(at) else None)))
        members = np.array(list(merge_of), np.int64)
        merges = np.array(list(merge_of.values()), np.int64)
        order = np.argsort(links.ids[members])
        self._members, self._merges = links.ids[members][order], links.ids[merges][order]
        known = np.concatenate((np.zeros(1, np.int64), np.cumsum(links.parents >= 0, dtype=np.int64)))
        self._all_merges = np.sort(links.ids[known[links.starts[1:]] - known[links.starts[:-1]] > 1])

    def get_merges(self, ids: Iterable[int]) -> dict[int, int]:
        """Return commit id -> the merge that brought it (itself for the merge), for those of *ids* in a pull."""
        asked = np.fromiter(ids, np.int64)
        is_there, places = _find(self._members, asked)
        return dict(zip(asked[is_there].tolist(), self._merges[places].tolist(), strict=True))

    def find_merges(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that are merges, whatever they brought."""
        asked = np.fromiter(ids, np.int64)
        return set(asked[_find(self._all_merges, asked)[0]].tolist())


def _find(sorted_ones: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[npt.NDArray[np.bool_], Ids]:
    """Return whether each of *wanted* is among *sorted_ones*, and the places there of those that are."""
    places = np.searchsorted(sorted_ones, wanted)
    is_there = np.zeros(len(wanted), np.bool_)
    within = places < len(sorted_ones)
    is_there[within] = sorted_ones[places[within]] == wanted[within]
    return is_there, places[is_there]


def _iter_members(links: Links, main: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (commit, merge that brought it), as places, along the *main* line, newest commit first; a merge is of its own."""
    seen = bytearray(len(links.ids))
    for place in main:
        seen[place] = 1
    for merge in reversed(main):  # oldest first: a commit belongs to the first merge that brought it
        sides = links.get_parents(merge)[1:]
        brought = _walk_side(links, sides, seen) if sides else []
        if brought and len(brought) <= LARGEST:
            yield from ((member, merge) for member in (merge, *brought))


def _walk_first_parents(links: Links, head: int | None) -> list[int]:
    line = []
    while head is not None:
        line.append(head)
        parents = links.get_parents(head)
        head = parents[0] if parents else None
    return line


def _walk_side(links: Links, start: Sequence[int], seen: bytearray) -> list[int]:
    """Return the commits reachable from *start* that were not *seen*, and note them as seen."""
    brought, waiting = [], list(start)
    while waiting:
        place = waiting.pop()
        if not seen[place]:
            seen[place] = 1
            brought.append(place)
            waiting.extend(links.get_parents(place))
    return brought
