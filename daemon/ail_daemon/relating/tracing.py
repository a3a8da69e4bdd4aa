"""From a change to the commits that have changed lines in common with it.

Lines are found by their text in the stored changed lines of commits that touch the same files, not by git's blame, which
takes 60 to 300 ms a hunk on a history of 17,000 commits: too long at a commit.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.words import CHANGED_FIELDS

from .cochange import is_bot
from .overlap import Lines, Overlap, compare
from .patches import FileChange

MOST_PATHS = 12
"""Files of a change that are looked up, those with the most changed lines; each costs up to 5 ms."""

MOST_COMMITS = 300
"""Commits touching those files that are compared, the newest: 20 to 100 us each."""

MOST_REVIEWED = 2000
"""... in a review, which may take longer than a commit."""

RECURRING = 4
"""A line that so many commits add or remove is ignored."""

_BY_WORDS = 30  # commits whose changed lines share the rarest words, whatever files they touch
_LINES_ASKED = 200
_BYTES_ASKED = 8 << 10


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is compared with: now (seconds since 1970), the commits that may be named, the paths that are there.

    by: whose change it is, addresses of mail in lower case; none where nobody says. is_review: the change is being reviewed,
    not made: more commits are looked at, and lines of a fix count sooner. aside: ids that HEAD does not reach; others wrote a
    line before them. is_retiring: the change says of itself that it drops what is deprecated or old.
    """

    now: float
    may_name: Callable[[int], bool] = lambda commit_id: True  # noqa: ARG005
    has_path: Callable[[str], bool] = lambda path: True  # noqa: ARG005
    by: frozenset[str] = frozenset()
    is_review: bool = False
    is_retiring: bool = False
    aside: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Trace:
    """A commit and what it has in common with a change; blamed: removed lines that it was the last to write."""

    commit_id: int
    overlap: Overlap
    blamed: frozenset[str]

    def without(self, lines: frozenset[str]) -> Trace:
        """Return the same without *lines*, which count for nothing."""
        return replace(self, overlap=self.overlap.without(lines), blamed=self.blamed - lines)


class Touching:
    """The commits that touch the files of one change, under any name those had; each file is looked up once."""

    def __init__(self, index: RepoIndex, around: Surroundings) -> None:
        self._index = index
        self._around = around
        self._found: dict[str, list[tuple[int, int]]] = {}

    def find(self, path: str) -> list[tuple[int, int]]:
        """Return (commit time, id) of the commits that touch *path* and may be named, newest first."""
        if path not in self._found:
            dated = self._index.store.find_dated(path)
            self._found[path] = [(time, found) for time, found in dated if self._around.may_name(found)]
        return self._found[path]

    def find_newest(self, paths: Sequence[str], limit: int = MOST_COMMITS) -> list[int]:
        """Return the ids of the newest commits that touch any of *paths*, newest first, each once."""
        dated = heapq.merge(*(self.find(path) for path in dict.fromkeys(paths)), reverse=True)
        return list(islice(dict.fromkeys(found for _, found in dated), limit))


def find_traces(
    index: RepoIndex, changes: Sequence[FileChange], lines: Lines, touching: Touching, around: Surroundings
) -> list[Trace]:
    """Return the commits that share telling lines with a change, newest first where they touch its files."""
    recent = _find_recent(index, changes, touching, around)
    known = set(recent)
    others = [found for found in _find_by_words(index, lines) if found not in known and around.may_name(found)]
    unblamed = set(lines.owed)
    traces = []
    for commit_id, changed in index.store.iter_changed([*recent, *others]):
        if overlap := compare(lines, changed):
            blamed = frozenset(overlap.rewritten & unblamed) if commit_id in known else frozenset()
            unblamed -= blamed
            traces.append(Trace(commit_id, overlap, blamed))
    return _without_recurring(traces)


def _find_recent(
    index: RepoIndex, changes: Sequence[FileChange], touching: Touching, around: Surroundings
) -> list[int]:
    """Return the newest commits that touch the changed files, in the order in which they are taken for a line's author.

    In a review those that HEAD does not reach come last, and the backports of robots: of a fix that was picked onto three
    branches the original is to be named.
    """
    recent = touching.find_newest(_choose_paths(changes), MOST_REVIEWED if around.is_review else MOST_COMMITS)
    if not around.is_review:
        return recent
    authors = index.store.get_authors(recent)
    return sorted(recent, key=lambda one: one in around.aside or is_bot(authors.get(one, "")))


def _choose_paths(changes: Sequence[FileChange]) -> list[str]:
    fullest = sorted(changes, key=lambda change: -len(change.removed) - len(change.added))
    return [change.old_path for change in fullest[:MOST_PATHS]]


def _without_recurring(traces: list[Trace]) -> list[Trace]:
    """Leave out lines that come and go with every release."""
    counted = Counter(line for trace in traces for line in trace.overlap.restored | trace.overlap.rewritten)
    recurring = frozenset(line for line, times in counted.items() if times >= RECURRING)
    return [trace.without(recurring) for trace in traces]


def _find_by_words(index: RepoIndex, lines: Lines) -> list[int]:
    text = "\n".join(islice((*lines.added, *lines.removed), _LINES_ASKED))[:_BYTES_ASKED]
    return list(index.words.find(index.words.analyze(text), CHANGED_FIELDS, _BY_WORDS)) if text else []
