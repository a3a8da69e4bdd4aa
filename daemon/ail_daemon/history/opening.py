"""Opens a repository for reading."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from ail_daemon.model import Commit, Tips
from ail_rpc.discovery import RepoPlace

from . import objects, refs, walk
from .blame import blame
from .changes import ChangeReader
from .command import GitCommand
from .commits import CommitReader
from .linelog import log_lines
from .protocol import History


def open_history(place: RepoPlace) -> History:
    """Return the history of the repository at *place*, which must exist and belong to this process's user.

    Raises RepoUnreadableError (gone, another user's, a format this git does not know), NotInstalledError without git.
    """
    git = GitCommand(place)
    git.check_readable()
    return _GitHistory(git)


class _GitHistory:
    """History, as read by git. Holds no process and no open file between calls."""

    def __init__(self, git: GitCommand) -> None:
        self._git = git
        self._skipped: list[str] = []

    @property
    def skipped(self) -> list[str]:
        return self._skipped

    def read_tips(self) -> Tips:
        return refs.read_tips(self._git)

    def iter_shas(self, include: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[str]:
        return walk.iter_shas(self._git, include, exclude, self._skipped)

    def iter_commits(self, shas: Iterable[str]) -> Iterator[Commit]:
        return CommitReader(self._git, self._skipped).iter_commits(shas)

    def iter_changes(self, shas: Iterable[str]) -> Iterator[tuple[str, str]]:
        return ChangeReader(self._git, self._skipped).iter_changes(shas)

    def blame(self, file: str, first: int, last: int, timeout_s: float = 5.0) -> list[tuple[int, str]]:
        return blame(self._git, file, first, last, timeout_s)

    def log_lines(self, file: str, first: int, last: int, stop: threading.Event) -> list[str]:
        return log_lines(self._git, file, first, last, stop)

    def has(self, sha: str) -> bool:
        return objects.has_commit(self._git, sha)

    def find_sha(self, prefix: str) -> str | None:
        return objects.find_sha(self._git, prefix)
