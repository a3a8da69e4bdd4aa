"""Compares a change with the changed lines stored of a commit: what it restores, undoes and repeats. Pure.

Lines are compared by their text, each once: a line that moved is the same line. A line that a commit both adds and
removes was moved, and is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .cochange import is_test
from .patches import FileChange, is_telling

_LOG = re.compile(
    r"(?:^|/)(?:(?:changes?|changelogs?|changelog\.d|news|newsfragments|releasenotes)/[^/]+|"
    r"(?:changes?|changelog|history|news|release[-_]?notes|authors|contributors)(?:\.\w+)?)$",
    re.IGNORECASE,
)


class Lines(NamedTuple):
    """The telling lines that a change adds and removes, moved ones left out.

    edited: removed lines that it only rewords. owed: removed lines of code; tests and documentation need no reason.
    """

    added: frozenset[str]
    removed: frozenset[str]
    edited: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.added) + len(self.removed)


class Overlap(NamedTuple):
    """What a change and a commit have in common, as telling lines.

    restored: removed by it, added now; undone: the reverse; repeated: added by both; rewritten: added by it, gone or reworded
    now. its_added, its_removed: how many it has.
    """

    restored: frozenset[str]
    undone: frozenset[str]
    repeated: frozenset[str]
    rewritten: frozenset[str]
    its_added: int
    its_removed: int

    @property
    def size(self) -> int:
        """Telling lines of the commit."""
        return self.its_added + self.its_removed

    @property
    def inverse_lines(self) -> frozenset[str]:
        """Lines that go back to what they were before the commit."""
        return self.restored | self.undone

    def without(self, lines: frozenset[str]) -> Overlap:
        """Return the same without *lines*, which count for nothing."""
        return self._replace(
            restored=self.restored - lines,
            undone=self.undone - lines,
            repeated=self.repeated - lines,
            rewritten=self.rewritten - lines,
            its_added=self.its_added - len(lines & (self.rewritten | self.repeated)),
            its_removed=self.its_removed - len(lines & self.restored),
        )

    @property
    def restored_share(self) -> float:
        """How much of what the commit removed comes back, 0 to 1."""
        return len(self.restored) / (self.its_removed or 1)

    @property
    def inverse(self) -> int:
        """How many lines those are."""
        return len(self.restored) + len(self.undone)


def collect_lines(changes: Iterable[FileChange]) -> Lines:
    """Return the telling lines of a change."""
    added: set[str] = set()
    removed: set[str] = set()
    edited: set[str] = set()
    owed: set[str] = set()
    for change in changes:
        if is_log(change.path):
            continue
        added.update(change.added)
        removed.update(change.removed)
        edited.update(change.edited)
        owed.update(() if is_test(change.path) else change.removed)
    gone = _telling(removed - added)
    return Lines(_telling(added - removed), gone, gone & edited, gone & owed)


def is_log(path: str) -> bool:
    """Whether a file is release notes or a fragment of them: their lines come and go with every release."""
    return bool(_LOG.search(path))


def compare(lines: Lines, changed: str) -> Overlap | None:
    """Return what *lines* and a commit's *changed* text have in common, None for nothing."""
    texts = {line[1:].strip() for line in changed.split("\n")}
    if lines.added.isdisjoint(texts) and lines.removed.isdisjoint(texts):  # nine of ten, at half the cost
        return None
    added, removed = _split(changed)
    added, removed = added - removed, removed - added
    restored, repeated, rewritten = lines.added & removed, lines.added & added, lines.removed & added
    if not (restored or repeated or rewritten):
        return None
    undone = rewritten - lines.edited
    return Overlap(restored, undone, repeated, rewritten, sum(map(is_telling, added)), sum(map(is_telling, removed)))


def _split(changed: str) -> tuple[set[str], set[str]]:
    added: set[str] = set()
    removed: set[str] = set()
    for line in changed.split("\n"):
        sign = line[:1]
        if sign == "+":
            added.add(line[1:].strip())
        elif sign == "-":
            removed.add(line[1:].strip())
    return added, removed


def _telling(lines: set[str]) -> frozenset[str]:
    return frozenset(line for line in lines if is_telling(line))
