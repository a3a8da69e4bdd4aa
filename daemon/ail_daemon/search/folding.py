"""Which commits are one change: a merge and the commit it brought, a revert and what it reverts, a change and its copies.

Answers show one of them, not three. Knows no question and no ranking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ..index.store import Store
from ..model import Commit
from ..text.mentions import Title, is_alike, read_named, read_picked, read_title


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A commit to compare with others, with what its message says of itself and them.

    handles: shared with commits that may be the same change: a title, the sha of either or of the copied one.
    """

    commit_id: int
    commit: Commit
    title: Title
    named: list[str]
    handles: list[str]

    @classmethod
    def read(cls, commit_id: int, commit: Commit) -> _Candidate:
        title, named = read_title(commit.subject, commit.body), read_named(commit.message)
        handles = [f"title {title.core}"] if title.core else []
        handles += [sha[:7] for sha in (commit.sha, *named, *commit.parents[1:2])]
        return cls(commit_id, commit, title, named, handles)

    @property
    def author(self) -> tuple[str, str, int]:
        return (self.commit.author, self.commit.email, self.commit.author_time)

    @property
    def is_copy(self) -> bool:
        return self.title.is_copy or bool(read_picked(self.commit.message))

    @property
    def is_merge(self) -> bool:
        return len(self.commit.parents) > 1


@dataclass
class _Groups:
    """The groups so far, indexed by title, by what names a candidate, and by what it names."""

    store: Store
    groups: list[list[_Candidate]] = field(default_factory=list)
    _by_handle: dict[str, list[tuple[_Candidate, list[_Candidate]]]] = field(default_factory=dict)

    def add(self, mine: _Candidate) -> None:
        group = next((group for other, group in self._iter_near(mine) if _is_one(self.store, mine, other)), None)
        if group is None:
            group = []
            self.groups.append(group)
        group.append(mine)
        for handle in mine.handles:
            self._by_handle.setdefault(handle, []).append((mine, group))

    def _iter_near(self, mine: _Candidate) -> Iterator[tuple[_Candidate, list[_Candidate]]]:
        for handle in mine.handles:
            yield from self._by_handle.get(handle, ())


class Folder:
    """Folds one question's candidates, in any order; each message is read once.

    aside: ids that HEAD does not reach; where it reaches another copy of the change, that one is shown.
    """

    def __init__(self, store: Store, aside: AbstractSet[int] = frozenset()) -> None:
        self._store = store
        self._aside = aside
        self._known: dict[int, _Candidate] = {}

    def fold(self, ids: Sequence[int]) -> list[list[int]]:
        """Return *ids*, best first, in groups that are one change each.

        A group ranks as its best. Within it the original goes before its copies, a merged commit before its merge; a revert
        keeps its place, for it may be what was asked about. Ids that do not exist are left out.
        """
        for commit_id, commit in self._store.get_commits([i for i in ids if i not in self._known]).items():
            self._known[commit_id] = _Candidate.read(commit_id, commit)
        folded = _Groups(self._store)
        for commit_id in ids:
            if commit_id in self._known:
                folded.add(self._known[commit_id])
        return [[one.commit_id for one in _arrange(group, self._aside)] for group in folded.groups]


def _arrange(group: list[_Candidate], aside: AbstractSet[int]) -> list[_Candidate]:
    if len(group) == 1:
        return group
    turns = group[0].title.turns
    return sorted(group, key=lambda one: (one.title.turns != turns, one.commit_id in aside, one.is_copy, one.is_merge))


def _is_one(store: Store, a: _Candidate, b: _Candidate) -> bool:
    if _names(a, b) or _names(b, a) or set(a.named) & set(b.named):
        return True
    if a.title.core and a.title.core == b.title.core:
        return _is_one_title(store, a, b)
    return _brought(store, a, b) or _brought(store, b, a)


def _names(one: _Candidate, other: _Candidate) -> bool:
    return any(other.commit.sha.startswith(sha) for sha in one.named)


def _is_one_title(store: Store, a: _Candidate, b: _Candidate) -> bool:
    """Whether two commits of one title are one change: many have the title "Fix tests"."""
    if a.author == b.author or a.title.turns != b.title.turns or a.title.numbers & b.title.numbers:
        return True
    if a.is_copy or b.is_copy or a.is_merge or b.is_merge:
        return True
    return is_alike(store.get_changed(a.commit_id), store.get_changed(b.commit_id))


def _brought(store: Store, merge: _Candidate, other: _Candidate) -> bool:
    """Whether *other* is all that *merge* brought: its branch's tip, with the same paths."""
    if not merge.is_merge or merge.commit.parents[1] != other.commit.sha:
        return False
    return set(store.get_paths(merge.commit_id)) == set(store.get_paths(other.commit_id))
