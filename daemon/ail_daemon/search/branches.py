"""Which commits HEAD does not reach, and on which branch one of them is. Asks git once for each state of the refs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError

from ..history.limits import ASKED
from ..history.opening import open_history
from ..index.repoindex import RepoIndex
from ..model import Tips

_KEPT = 64
_LIMIT_S = 1.0  # beyond, every commit counts as reached: an answer must not wait for a label
_NAMESPACES = ("refs/heads/", "refs/remotes/", "refs/tags/")


class Aside:
    """The commits that a worktree's HEAD does not reach. ids: those of them that are indexed. Thread-safe."""

    def __init__(self, index: RepoIndex, shas: Sequence[str]) -> None:
        self._index = index
        self._tips = index.tips
        self._shas = shas
        self._names: dict[str, str] | None = None
        self.ids = frozenset(index.store.get_ids(shas).values()) if shas else frozenset()

    def name_branch(self, sha: str) -> str | None:
        """Return a branch, else a remote's, else a tag that reaches *sha*; None where none does, or HEAD does."""
        if not self._shas:
            return None
        if self._names is None:
            self._names = _name_all(self._tips, self._index.store.get_parents(self._shas))
        return self._names.get(sha)


class Branches:
    """Finds commits that HEAD does not reach. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[Tips, int, Aside]] = {}

    def find_aside(self, index: RepoIndex, place: RepoPlace, head: str | None) -> Aside:
        """Return the commits that *head*, of the worktree *place*, does not reach; none where that takes too long."""
        tips, commits = index.tips, index.counts.commits
        if head is None or tips.shas <= {head}:
            return Aside(index, ())
        key = place.git_dir, head
        with self._lock:
            kept = self._kept.get(key)
        if kept and kept[0] is tips and kept[1] == commits:
            return kept[2]
        shas = _ask_git(place, tips.shas, head)
        found = Aside(index, shas or ())
        if shas is None:
            return found
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = tips, commits, found
        return found


def _ask_git(place: RepoPlace, tips: frozenset[str], head: str) -> list[str] | None:
    """Return the shas that *tips* reach and *head* does not; None where git takes too long: asked again the next time."""
    try:
        return list(open_history(place, limit_s=_LIMIT_S, limits=ASKED).iter_shas(tips, [head]))
    except AilError:
        return None


def _name_all(tips: Tips, parents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the first ref, by kind and name, that reaches each of the commits in *parents* (sha -> its parents' shas)."""
    names: dict[str, str] = {}
    for namespace in _NAMESPACES:
        for ref in sorted(ref for ref in tips.refs if ref.startswith(namespace)):
            waiting = [tips.refs[ref]]
            while waiting:
                sha = waiting.pop()
                if sha in parents and sha not in names:
                    names[sha] = ref.removeprefix(namespace)
                    waiting += parents[sha]
    return names
