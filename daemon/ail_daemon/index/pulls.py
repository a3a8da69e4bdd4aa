"""Pull requests as history shows them: a merge, and the commits that it brought into the main line. Pure.

The commits of one pull request answer the same question: one has the words, another the code, the merge a summary. So the
ranking gives each the best signals of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
GetParents = Callable[[int], Sequence[int] | None]

LARGEST = 25
"""Most commits of one pull; a merge that brings more merges a long-lived branch, not one change."""

_REMEMBERED = 64
"""Commits of the main line that may be taken back, or be new, without all being computed again."""
_MOST_BROUGHT = 1000  # by one merge, each asked for by itself


def resolve_parents(links: Iterable[tuple[int, bytes, Sequence[bytes]]]) -> dict[int, tuple[int, ...]]:
    """Return commit id -> its parents' ids, those that are here; *links* are (id, sha, its parents' shas)."""
    listed = list(links)
    ids = {sha: commit_id for commit_id, sha, _ in listed}
    return {commit_id: tuple(ids[sha] for sha in parents if sha in ids) for commit_id, _, parents in listed}


class Pulls:
    """Which commits were merged together, as of one head. Kept as arrays: at most 2 MB for 100,000 commits."""

    def __init__(self, parents: Mapping[int, Sequence[int]], head: int | None) -> None:
        """Compute it from *parents* (commit id -> its parents' ids, those known) and the *head* of the main line."""
        self._tail: list[tuple[int, list[int]]] = []  # the last of the main line, and what each of them brought
        self._is_seen = bytearray(max(parents, default=0) + 1)  # by id: whether the main line reaches it
        self._merge_of: dict[int, int] = {}
        self._extend(_walk_first_parents(parents, head), parents.get)
        self._all_merges = np.array(sorted(i for i, known in parents.items() if len(known) > 1), np.int64)
        self._members, self._merges = _as_arrays(self._merge_of)
        self._merge_of = {}

    def move(self, head: int, get_parents: GetParents, newest: int, merges: Sequence[int]) -> Pulls | None:
        """Return the same as of another *head*; None where it left the main line further back than is remembered.

        get_parents: returns the ids of a commit's parents, None for a commit that is not known. newest: the largest id.
        merges: ids of the merges that were added meanwhile. 80,000 commits are computed anew in .3 s.
        """
        fresh: list[int] = []
        at, known = head, {commit_id: place for place, (commit_id, _) in enumerate(self._tail)}
        while at not in known:
            above = get_parents(at)
            if not above or len(fresh) == _REMEMBERED:
                return None
            fresh.append(at)
            at = above[0]
        moved = copy.copy(self)
        moved._is_seen = self._is_seen + bytes(max(0, newest + 1 - len(self._is_seen)))  # a copy
        moved._tail, left = self._tail[: known[at] + 1], self._tail[known[at] + 1 :]
        dropped = [one for commit_id, brought in left for one in (commit_id, *brought)]
        for commit_id in dropped:
            moved._is_seen[commit_id] = False
        moved._merge_of = {}
        if not moved._extend(fresh, get_parents, _MOST_BROUGHT):
            return None
        moved._take_over(self, dropped, merges)
        return moved

    def get_merges(self, ids: Iterable[int]) -> dict[int, int]:
        """Return commit id -> the merge that brought it (itself for the merge), for those of *ids* in a pull."""
        asked = np.fromiter(ids, np.int64)
        is_there, places = _find(self._members, asked)
        return dict(zip(asked[is_there].tolist(), self._merges[places].tolist(), strict=True))

    def find_merges(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that are merges, whatever they brought."""
        asked = np.fromiter(ids, np.int64)
        return set(asked[_find(self._all_merges, asked)[0]].tolist())

    def _extend(self, line: list[int], get_parents: GetParents, most: int | None = None) -> bool:
        """Go on along the main *line*, newest commit first; False where a merge brings more than *most*.

        Oldest first: a commit belongs to the first merge that brought it.
        """
        for commit_id in line:
            self._is_seen[commit_id] = True
        for place, commit_id in enumerate(reversed(line)):
            brought = self._walk_side((get_parents(commit_id) or ())[1:], get_parents)
            if most is not None and len(brought) > most:
                return False
            if brought and len(brought) <= LARGEST:
                self._merge_of.update(dict.fromkeys((commit_id, *brought), commit_id))
            if place >= len(line) - _REMEMBERED:
                self._tail.append((commit_id, brought))
        self._tail = self._tail[-_REMEMBERED:]
        return True

    def _walk_side(self, start: Sequence[int], get_parents: GetParents) -> list[int]:
        """Return the commits reachable from *start* that were not seen, and note them as seen."""
        brought, waiting = [], list(start)
        while waiting:
            commit_id = waiting.pop()
            if not self._is_seen[commit_id] and (above := get_parents(commit_id)) is not None:
                self._is_seen[commit_id] = True
                brought.append(commit_id)
                waiting.extend(above)
        return brought

    def _take_over(self, before: Pulls, dropped: Sequence[int], merges: Sequence[int]) -> None:
        """Add what *before* has, but for the *dropped*, to what is new here."""
        kept = ~np.isin(before._members, np.array(dropped, np.int64))
        members, own = _as_arrays(self._merge_of)
        members = np.concatenate([before._members[kept], members])
        order = np.argsort(members)
        self._members, self._merges = members[order], np.concatenate([before._merges[kept], own])[order]
        self._all_merges = np.concatenate([before._all_merges, np.array(sorted(merges), np.int64)])
        self._merge_of = {}


def _as_arrays(merge_of: Mapping[int, int]) -> tuple[Ids, Ids]:
    members = np.array(sorted(merge_of), np.int64)
    return members, np.array([merge_of[member] for member in members.tolist()], np.int64)


def _find(ids: Ids, wanted: Ids) -> tuple[npt.NDArray[np.bool_], Ids]:
    """Return whether each of *wanted* is among the sorted *ids*, and the places there of those that are."""
    places = np.searchsorted(ids, wanted)
    is_there = np.zeros(len(wanted), np.bool_)
    within = places < len(ids)
    is_there[within] = ids[places[within]] == wanted[within]
    return is_there, places[is_there]


def _walk_first_parents(parents: Mapping[int, Sequence[int]], head: int | None) -> list[int]:
    line = []
    while head is not None and head in parents:
        line.append(head)
        head = parents[head][0] if parents[head] else None
    return line
