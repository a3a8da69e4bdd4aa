"""Reads commits with their messages and changed paths, in one stream of `git diff-tree`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ail_daemon.history.limits import USUAL, HistoryLimits
from ail_daemon.model import Commit

from .command import GitCommand, GitOutput
from .record import FORMAT, iter_records, iter_tokens
from .refs import is_partial, read_shallow_boundary
from .resuming import hold_back_last, read_resuming

_HEADER = ("--encoding=UTF-8", "--date=raw", f"--format={FORMAT}")
_DIFF = (
    "diff-tree", "--stdin", "--always", "--root", "--diff-merges=first-parent", "-r", "-z", "--name-status", "-l1000",
    "--no-ext-diff", "--no-textconv", "--ignore-submodules=none",
)  # fmt: skip
_NO_DIFF = ("log", "--stdin", "--no-walk=unsorted", "-z", "-s", "--no-show-signature", "--no-mailmap", "--no-color")
_EXACT = "-M100%"  # renames of files that stayed as they were, which takes no blobs
_MANY = 20  # commits whose trees are missing, until the rest of a treeless clone is read without them


class CommitReader:
    """Reads commits of one repository; unreadable shas are put into *skipped*, those without their trees into *pathless*."""

    def __init__(self, git: GitCommand, skipped: list[str], pathless: list[str], limits: HistoryLimits = USUAL) -> None:
        self._git = git
        self._skipped = skipped
        self._pathless = pathless
        self._limits = limits
        self._without_paths = 0

    def iter_commits(self, shas: Iterable[str]) -> Iterator[Commit]:
        """Yield the commits in the order of *shas*."""
        for _, commit in read_resuming(self._git, shas, self._read, self._read_alone):
            yield commit

    def iter_messages(self, shas: Iterable[str]) -> Iterator[Commit]:
        """Yield the commits in the order of *shas*, without their paths: that takes neither trees nor blobs."""
        for _, commit in read_resuming(self._git, shas, lambda some: self._stream(_NO_DIFF, some), self._skip):
            yield commit

    def _skip(self, sha: str) -> Iterator[tuple[str, Commit]]:
        self._skipped.append(sha)
        return iter(())

    def _read(self, shas: list[str]) -> Iterator[tuple[str, Commit]]:
        if self._without_paths > _MANY:
            return self._stream(_NO_DIFF, shas)
        # Telling how alike two files are takes their blobs: a clone without them can only see exact renames.
        return self._stream((*_DIFF, _EXACT if is_partial(self._git.place) else "-M"), shas)

    def _read_alone(self, sha: str) -> Iterator[tuple[str, Commit]]:
        """Yield the commit without what takes blobs, or trees, of which one may be missing; nothing if that fails too."""
        if commits := list(self._stream((*_DIFF, _EXACT), [sha])):
            yield from commits
            return
        commits = list(self._stream(_NO_DIFF, [sha]))
        self._without_paths += len(commits) if is_partial(self._git.place) else 0
        if not commits:
            self._skipped.append(sha)
        elif not is_partial(self._git.place):
            self._pathless.append(sha)
        yield from commits

    def _iter_records(self, output: GitOutput) -> Iterator[Commit]:
        tokens = iter_tokens(output.iter_chunks(), self._limits.message_bytes)
        return iter_records(tokens, self._limits.message_bytes, self._limits.paths)

    def _stream(self, args: tuple[str, ...], shas: list[str]) -> Iterator[tuple[str, Commit]]:
        boundary = read_shallow_boundary(self._git.place)
        with self._git.stream([*args, *_HEADER], shas) as output:
            expected = iter(shas)
            for commit in hold_back_last(self._iter_records(output), output):
                if commit.sha != next(expected, None):  # an unknown sha: git says nothing and goes on
                    return
                yield (
                    commit.sha,
                    replace(commit, parents=(), paths=(), renames=()) if commit.sha in boundary else commit,
                )
