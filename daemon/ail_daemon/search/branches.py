"""Which commits HEAD does not reach, and on which branch one of them is. Asks git, and caches by the index's state."""

from __future__ import annotations

import threading

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError

from ..history.limits import ASKED
from ..history.opening import open_history
from ..index.repoindex import RepoIndex

_KEPT = 64
_LIMIT_S = 1.0  # beyond, every commit counts as reached: an answer must not wait for a label


class Branches:
    """Finds commits that HEAD does not reach. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[object, ...], frozenset[int]] = {}

    def find_aside(self, index: RepoIndex, place: RepoPlace, head: str | None) -> frozenset[int]:
        """Return the ids of commits that *head*, of the worktree *place*, does not reach; none where that takes too long."""
        tips = index.tips.shas
        if head is None or tips <= {head}:
            return frozenset()
        key = (place.git_dir, index.generation, head)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = _ask_git(index, place, tips, head)
            with self._lock:
                if len(self._kept) >= _KEPT:
                    self._kept.clear()
                self._kept[key] = found
        return found


def _ask_git(index: RepoIndex, place: RepoPlace, tips: frozenset[str], head: str) -> frozenset[int]:
    history = open_history(place, limit_s=_LIMIT_S, limits=ASKED)
    try:
        aside = list(history.iter_shas(tips, [head]))
    except AilError:
        return frozenset()
    return frozenset(index.store.get_ids(aside).values())


def name_branch(place: RepoPlace, sha: str) -> str | None:
    """Return a branch, else a remote's, else a tag that reaches *sha*, without `refs/heads/`; None where none does."""
    try:
        return open_history(place, limit_s=_LIMIT_S, limits=ASKED).find_containing(sha)
    except AilError:
        return None
