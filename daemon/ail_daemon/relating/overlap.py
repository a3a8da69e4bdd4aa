"""Compares a change with the changed lines stored of a commit: what it restores, undoes and repeats. Pure.

Lines are compared by their text, each once: a line that moved is the same line. A line that a commit both adds and
removes was moved, and is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .cochange import is_setup, is_test
from .patches import FileChange, is_telling

_LOG = re.compile(
    r"(?:^|/)(?:(?:changes?|changelogs?|changelog\.d|news|newsfragments|releasenotes)/[^/]+|"
    r"(?:changes?|changelog|history|news|release[-_]?notes|authors|contributors)(?:\.\w+)?)$",
    re.IGNORECASE,
)


_IMPORT = re.compile(r"^(?:from \S+ import\b|import\b|#\s*include\b|use [\w:]+|const .*= require\()")
_COMMENT = re.compile(r"^(?:#(?!\s*(?:if|el|end|define|undef|include|pragma|error))|//|/?\*|--|;|<!--)")


class Lines(NamedTuple):
    """The telling lines that a change adds and removes, moved ones left out.

    edited: removed lines that it only rewords. owed: removed lines of code; tests and documentation need no reason.
    gone: removed with the whole of their file. beside: added or removed in tests and documentation alone. bare: removed, and
    little put in their place. setup: removed from configuration alone, as of builds and CI.
    """

    added: frozenset[str]
    removed: frozenset[str]
    edited: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    setup: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.added) + len(self.removed)

    def owing(self, owed: frozenset[str]) -> Lines:
        """Return the same with *owed* in the place of its own; `_replace` counts fields by `len`."""
        return Lines(self.added, self.removed, self.edited, owed, self.gone, self.beside, self.bare, self.setup)


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
    kept = [change for change in changes if not is_log(change.path)]
    added = {line for change in kept for line in change.added}
    removed = {line for change in kept for line in change.removed}
    code = [change for change in kept if not is_test(change.path)]
    owed = {line for change in code for line in change.removed}
    staying = {line for change in kept if not change.is_gone for line in change.removed}
    lost = _telling(removed - added)
    return Lines(
        _telling(added - removed),
        lost,
        lost & {line for change in kept for line in change.edited},
        lost & owed,
        lost - staying,
        _telling(removed | added) - owed - {line for change in code for line in change.added},
        lost & {line for change in kept for line in change.bare},
        lost - {line for change in kept if not is_setup(change.path) for line in change.removed},
    )


def is_import(line: str) -> bool:
    """Whether a line of code only names what comes from elsewhere: it goes with what it was for."""
    return bool(_IMPORT.match(line))


def is_comment(line: str) -> bool:
    """Whether a line, its indentation left out, is a comment in most languages."""
    return bool(_COMMENT.match(line))


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
