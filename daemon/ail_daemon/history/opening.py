"""Opens a repository for reading."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from ail_daemon.history.limits import USUAL, HistoryLimits
from ail_daemon.model import REF_KINDS, Commit, Tips
from ail_rpc.discovery import RepoPlace

from . import dates, objects, refs, walk
from .blame import blame
from .changes import ChangeReader
from .command import GitCommand
from .commits import CommitReader
from .linelog import log_lines
from .ownership import check_owner
from .protocol import History
from .ranges import Range, read_range


def open_history(
    place: RepoPlace,
    *,
    limit_s: float | None = None,
    limit_bytes: int | None = None,
    limits: HistoryLimits = USUAL,
) -> History:
    """Return the history of the repository at *place*, which must exist and belong to this process's user.

    limit_s: how long one git may run. limit_bytes: how much a git that prints commits may print. Past either, git is ended
    and OutOfTimeError raised; None: no limit. limits: how much is read at all. Raises RepoUnreadableError (gone, another
    user's), NotInstalledError without git. A format that this git does not know is found out by the first read.
    """
    check_owner(place)
    return _GitHistory(GitCommand(place, limit_s, limit_bytes, limits.silence_s), limits)


class _GitHistory:
    """History, as read by git. Holds no process and no open file between calls."""

    def __init__(self, git: GitCommand, limits: HistoryLimits) -> None:
        self._git = git
        self._limits = limits
        self._skipped: list[str] = []
        self._pathless: list[str] = []

    @property
    def skipped(self) -> list[str]:
        return self._skipped

    @property
    def pathless(self) -> list[str]:
        return self._pathless

    def read_tips(self, kinds: Iterable[str] = REF_KINDS) -> Tips:
        return refs.read_tips(self._git, kinds, self._limits.refs)

    def iter_shas(self, include: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[str]:
        return walk.iter_shas(self._git, include, exclude, self._skipped)

    def iter_commits(self, shas: Iterable[str]) -> Iterator[Commit]:
        return CommitReader(self._git, self._skipped, self._pathless, self._limits).iter_commits(shas)

    def iter_changes(self, shas: Iterable[str]) -> Iterator[tuple[str, str]]:
        return ChangeReader(self._git, self._skipped, self._limits.diff_bytes).iter_changes(shas)

    def blame(self, file: str, first: int, last: int, timeout_s: float = 5.0) -> list[tuple[int, str]]:
        return blame(self._git, file, first, last, timeout_s)

    def log_lines(self, file: str, first: int, last: int, stop: threading.Event) -> list[str]:
        return log_lines(self._git, file, first, last, stop)

    def read_range(self, text: str, size_bytes: int, timeout_s: float = 5.0) -> Range:
        return read_range(self._git, text, size_bytes, timeout_s)

    def has(self, sha: str) -> bool:
        return objects.has_commit(self._git, sha)

    def has_all(self, shas: Iterable[str]) -> bool:
        return objects.has_all_commits(self._git, shas)

    def find_sha(self, prefix: str) -> str | None:
        return objects.find_sha(self._git, prefix)

    def find_commit(self, name: str) -> str | None:
        return objects.find_commit(self._git, name)

    def read_origin_url(self) -> str:
        return self._git.run(["config", "--get", "remote.origin.url"]).stdout.decode("utf-8", "replace").strip()

    def read_date(self, name: str, text: str) -> int:
        return dates.read_date(self._git, name, text)
