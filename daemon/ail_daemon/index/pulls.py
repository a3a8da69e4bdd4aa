"""Pull requests as history shows them: a merge, and the commits that it brought into the main line. Pure.

The commits of one pull request answer the same question: one has the words, another the code, the merge a summary. So the
ranking gives each the best signals of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .store import JoinedLinks

Ids = npt.NDArray[np.int64]
GetParents = Callable[[int], Sequence[int] | None]

LARGEST = 25
"""Most commits of one pull; a merge that brings more merges a long-lived branch, not one change."""

_REMEMBERED = 64
"""Commits of the main line that may be taken back, or be new, without all being computed again."""
_MOST_BROUGHT = 1000  # by one merge, each asked for by itself


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


def resolve_parents(links: Iterable[JoinedLinks]) -> Links:
    """Return the commits of *links*; their shas are of one length."""
    nothing = np.zeros(0, np.int64)
    ids, shas, sizes, named = zip((nothing, b"", nothing, b""), *links, strict=True)
    all_ids, all_shas = np.concatenate(ids), b"".join(shas)
    width = len(all_shas) // len(all_ids) if len(all_ids) else 20
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes) // width)))
    return Links(all_ids, starts, _find_shas(all_shas, b"".join(named), width))


def _find_shas(shas: bytes, wanted: bytes, width: int) -> Ids:
    """Return where each of the *wanted* is among *shas*, both of *width* bytes each, one after the other; -1: nowhere.

    Sorted by their first eight bytes, as numbers: a sixth of the time that all bytes take. Of two shas that begin so alike, which
    somebody must have made on purpose, one is not found.
    """
    everything, asked = (np.frombuffer(part, np.uint8).reshape(-1, width) for part in (shas, wanted))
    keys, asked_keys = (np.ascontiguousarray(part[:, :8]).view(np.uint64).ravel() for part in (everything, asked))
    order, asking = np.argsort(keys), np.argsort(asked_keys)  # in order: a fifth of the time of a search
    is_there, found = _find(keys[order], asked_keys[asking])
    places = np.full(len(asked), -1, np.int64)
    places[asking[is_there]] = order[found]
    places[np.any(everything[places] != asked, axis=1)] = -1
    return places


class Pulls:
    """Which commits were merged together, as of one head. Kept as arrays: at most 2 MB for 100,000 commits."""

    def __init__(self, links: Links, head: int | None) -> None:
        """Compute it from *links* and the id of the *head* of the main line, None or unknown: there is none."""
        at = np.flatnonzero(links.ids == head) if head is not None else np.zeros(0, np.int64)
        seen = bytearray(len(links.ids))
        known = np.concatenate((np.zeros(1, np.int64), np.cumsum(links.parents >= 0, dtype=np.int64)))
        is_merge = known[links.starts[1:]] - known[links.starts[:-1]] > 1
        line = _Line(seen)
        on_line = _walk_first_parents(links, int(at[0]) if len(at) else None)
        line.extend(on_line, links.get_parents, is_merge=is_merge.tobytes())
        members, merges = (links.ids[np.array(list(places), np.int64)] for places in line.list_members())
        order = np.argsort(members)
        self._members, self._merges = members[order], merges[order]
        self._tail = [
            (int(links.ids[one]), links.ids[brought].tolist() if brought else []) for one, brought in line.tail
        ]
        self._is_seen = bytearray(int(links.ids.max(initial=0)) + 1)  # by id: whether the main line reaches it
        np.frombuffer(self._is_seen, np.uint8)[links.ids] = np.frombuffer(seen, np.uint8)
        self._all_merges = np.sort(links.ids[is_merge])

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
        left = self._tail[known[at] + 1 :]
        dropped = [one for commit_id, brought in left for one in (commit_id, *brought)]
        line = _Line(self._is_seen + bytes(max(0, newest + 1 - len(self._is_seen))))  # a copy
        line.forget(dropped)
        if not line.extend(fresh, get_parents, _MOST_BROUGHT):
            return None
        return self._join(line, known[at] + 1, dropped, merges)

    def get_merges(self, ids: Iterable[int]) -> dict[int, int]:
        """Return commit id -> the merge that brought it (itself for the merge), for those of *ids* in a pull."""
        asked = np.fromiter(ids, np.int64)
        is_there, places = _find(self._members, asked)
        return dict(zip(asked[is_there].tolist(), self._merges[places].tolist(), strict=True))

    def find_merges(self, ids: Iterable[int]) -> set[int]:
        """Return those of *ids* that are merges, whatever they brought."""
        asked = np.fromiter(ids, np.int64)
        return set(asked[_find(self._all_merges, asked)[0]].tolist())

    def _join(self, line: _Line, kept_tail: int, dropped: Sequence[int], merges: Sequence[int]) -> Pulls:
        """Return this without the *dropped* commits, with what *line* found."""
        kept = ~np.isin(self._members, np.array(dropped, np.int64))
        fresh, own = (np.array(list(ids), np.int64) for ids in line.list_members())
        members = np.concatenate([self._members[kept], fresh])
        order = np.argsort(members)
        joined = copy.copy(self)
        joined._is_seen, joined._tail = line.seen, [*self._tail[:kept_tail], *line.tail][-_REMEMBERED:]
        joined._members, joined._merges = members[order], np.concatenate([self._merges[kept], own])[order]
        joined._all_merges = np.concatenate([self._all_merges, np.array(sorted(merges), np.int64)])
        return joined


class _Line:
    """A main line that is walked: which commits it reaches (*seen*), the last of it with what each brought, who brought whom."""

    def __init__(self, seen: bytearray) -> None:
        self.seen = seen
        self.tail: list[tuple[int, list[int]]] = []
        self._merge_of: dict[int, int] = {}

    def list_members(self) -> tuple[Iterable[int], Iterable[int]]:
        """Return the commits that merges brought, and beside each of them its merge."""
        return self._merge_of.keys(), self._merge_of.values()

    def forget(self, commits: Iterable[int]) -> None:
        """Take *commits* for not reached."""
        for commit in commits:
            self.seen[commit] = False

    def extend(
        self, line: list[int], get_parents: GetParents, most: int | None = None, is_merge: bytes | None = None
    ) -> bool:
        """Go on along the main *line*, newest commit first; False where a merge brings more than *most*.

        Oldest first: a commit belongs to the first merge that brought it. is_merge: for each commit 1 if it is one; None: ask
        *get_parents* of every commit.
        """
        for commit in line:
            self.seen[commit] = True
        for place, commit in enumerate(reversed(line)):
            sides = (get_parents(commit) or ())[1:] if is_merge is None or is_merge[commit] else ()
            brought = self._walk_side(sides, get_parents) if sides else []
            if most is not None and len(brought) > most:
                return False
            if brought and len(brought) <= LARGEST:
                self._merge_of.update(dict.fromkeys((commit, *brought), commit))
            if place >= len(line) - _REMEMBERED:
                self.tail.append((commit, brought))
        return True

    def _walk_side(self, start: Sequence[int], get_parents: GetParents) -> list[int]:
        """Return the commits reachable from *start* that were not seen, and note them as seen."""
        brought, waiting = [], list(start)
        while waiting:
            commit = waiting.pop()
            if not self.seen[commit] and (above := get_parents(commit)) is not None:
                self.seen[commit] = True
                brought.append(commit)
                waiting.extend(above)
        return brought


def _find(sorted_ones: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[npt.NDArray[np.bool_], Ids]:
    """Return whether each of *wanted* is among *sorted_ones*, and the places there of those that are."""
    places = np.searchsorted(sorted_ones, wanted)
    is_there = np.zeros(len(wanted), np.bool_)
    within = places < len(sorted_ones)
    is_there[within] = sorted_ones[places[within]] == wanted[within]
    return is_there, places[is_there]


def _walk_first_parents(links: Links, head: int | None) -> list[int]:
    first = np.full(len(links.ids), -1, np.int64)
    has_parents = links.starts[1:] > links.starts[:-1]
    first[has_parents] = links.parents[links.starts[:-1][has_parents]]
    for place in np.flatnonzero(has_parents & (first < 0)).tolist():  # its first parent is not here; another may be
        first[place] = next(iter(links.get_parents(place)), -1)
    parents = memoryview(first.data)  # a tenth of the time that numpy takes for one number
    line = []
    at = -1 if head is None else head
    while at >= 0:
        line.append(at)
        at = parents[at]
    return line
