"""Removes from an index the commits that no ref reaches any more, also during a large update of the repository.

A large update takes minutes, and indexes the refs as they stood when it began. Commits, amends and resets go on meanwhile, and
no answer may cite commits that became unreachable. One `rev-list`, from the update's refs to the current ones, finds
them: they are removed at once, and the large update skips those that it has not added yet.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from ..index.repoindex import RepoIndex
from ..model import Commit, Tips
from .reading import Reader

_LEFT = "left"
"""The parents of removed commits are kept among the tips as `left/<sha>`, a name that no ref in git has."""


class LargeUpdate:
    """The state of a large update that is shared with the live lane. Its lock is held to read refs and act on them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tips: Tips | None = None  # the refs being indexed; None: it has not begun
        self.latest: Tips | None = None  # the refs as the live lane read them since; None: it did not
        self.is_read = False  # all commits are added, and the index's tips set
        self.is_uncertain = False  # which commits were skipped is not known exactly: the next update compares all
        self._dropped: set[str] = set()
        self._parents: set[str] = set()  # of what was dropped
        self._only: set[str] | None = None  # shas that may be added, None: all that were not dropped

    def keep(self, batch: list[Commit]) -> list[Commit]:
        """Return those of *batch* that may be added. Call this, and add them, under the index's lock."""
        dropped = [commit for commit in batch if not self._may_add(commit.sha)]
        self._dropped.update(commit.sha for commit in dropped)
        self._parents.update(parent for commit in dropped for parent in commit.parents)
        return [commit for commit in batch if commit.sha not in self._dropped] if dropped else batch

    def find_dropped(self, gone: Iterable[str]) -> list[str]:
        """Return those of *gone* that were not dropped before."""
        return [sha for sha in gone if sha not in self._dropped]

    def drop(self, gone: Collection[str], parents: Iterable[str], only: set[str] | None = None) -> None:
        """Let none of *gone* be added and, where *only* is given, nothing else than that. parents: of *gone*, if known."""
        self._dropped.update(gone)
        self._parents.update(parents)
        if only is not None:
            self._only, self.is_uncertain = only, True

    def get_tips(self) -> Tips:
        """Return the tips that reach what was added and not dropped."""
        assert self.tips is not None  # noqa: S101 - asked once it has begun
        return cut_back(self.tips, self._dropped, self._parents)

    def _may_add(self, sha: str) -> bool:
        return sha not in self._dropped and (self._only is None or sha in self._only)


def cut_back(tips: Tips, gone: Collection[str], parents: Iterable[str]) -> Tips:
    """Return tips that reach what *tips* do, except *gone*. parents: those of *gone*.

    The parents become tips: without them, commits that were reachable only through *gone* would stay in the index, unknown
    to every later comparison.
    """
    refs = {ref: sha for ref, sha in tips.refs.items() if sha not in gone}
    left = {f"{_LEFT}/{sha}": sha for sha in parents if sha not in gone}
    return Tips(None if tips.head in gone else tips.head, refs | left, tips.boundary)


def find_gone(reader: Reader, now: Tips, index: RepoIndex, before: Tips, is_known: bool) -> list[str]:
    """Return the shas that are indexed and no longer reachable from *now*; is_known: *before* reaches all that is indexed."""
    tips = sorted(now.shas)
    if is_known:
        lost = before.shas - now.shas
        return list(reader.iter_shas(sorted(lost), tips)) if lost else []
    gone = set(index.store.iter_shas())
    gone.difference_update(reader.iter_shas(tips, []) if tips else ())
    return sorted(gone)


def without_reachable(index: RepoIndex, gone: list[str], tips: Tips, added: list[Commit]) -> list[str]:
    """Return *gone* without the tips, the parents of commits that stay or are *added*, and the ancestors of both.

    `git rev-list A --not B` trusts commit dates: where a clock jumped, it also lists commits that B reaches.
    """
    if not gone:
        return []
    lost = set(map(bytes.fromhex, gone))
    parents = index.store.find_links(gone)
    kept = [sha for sha, named in parents.items() if sha not in lost for sha in named if sha in lost]
    kept += map(bytes.fromhex, [*tips.shas, *(sha for commit in added for sha in commit.parents)])
    while kept:
        sha = kept.pop()
        if sha in lost:
            lost.discard(sha)
            kept.extend(parents.get(sha, ()))
    return sorted(sha.hex() for sha in lost)


def retire(index: RepoIndex, gone: list[str], stored: Tips, stale: Iterable[str] = ()) -> None:
    """Remove *gone*, and *stale* to be read again, from an index of what *stored* reaches, while no update runs."""
    if gone:
        tips = cut_back(stored, set(gone), list_parents(index, gone))
        index.change([*gone, *stale], tips=tips)
    elif stale:
        index.change(list(stale))


def take_back(reader: Reader, index: RepoIndex, update: LargeUpdate, now: Tips) -> None:
    """Remove commits that *now* does not reach from an index that *update* is changing, and make it skip the others."""
    update.latest = now
    if update.tips is None:
        return
    lost = sorted(update.tips.shas - now.shas)
    if not lost:
        return
    if reader.has_all(lost):
        gone = update.find_dropped(reader.iter_shas(lost, sorted(now.shas)))
        only = None
    else:  # git has pruned it: its history cannot be walked
        only = set(reader.iter_shas(sorted(now.shas), [])) if now.shas else set()
        gone = [sha for sha in index.store.iter_shas() if sha not in only]
    gone = without_reachable(index, gone, now, [])
    if not gone and only is None:
        return
    with index.changing:
        update.drop(gone, list_parents(index, gone), only)
        index.change(gone, tips=update.get_tips() if update.is_read else None)


def list_parents(index: RepoIndex, shas: Iterable[str]) -> set[str]:
    """Return the parents of those of *shas* that are indexed."""
    return {parent for parents in index.store.get_parents(shas).values() for parent in parents}
