"""Opens a repository for reading, and declares what can be read of its history (`History`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ail_daemon.history.limits import USUAL, HistoryLimits
from ail_daemon.model import REF_KINDS, Commit, Tips
from ail_daemon.text.passages import CommitChanges
from ail_rpc.discovery import RepoPlace

from . import dates, objects, refs, walk
from .blame import blame, blame_all, log_lines
from .changes import FEW, ChangeReader
from .command import GitCommand, Stop
from .commits import CommitReader
from .filelog import FileLog, read_file_log
from .linelog import LineChange, find_function, trace_lines
from .ownership import check_owner
from .ranges import Range, read_range
from .worktree import LineMap, map_lines


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
        self._present: set[str] | None = None  # of a partial clone, once many changes were read

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

    def iter_messages(self, shas: Iterable[str]) -> Iterator[Commit]:
        return CommitReader(self._git, self._skipped, self._pathless, self._limits).iter_messages(shas)

    def iter_changes(self, shas: Iterable[str]) -> Iterator[CommitChanges]:
        if self._present is None and refs.is_partial(self._git.place):
            asked = list(shas)
            self._present = objects.list_all(self._git) if len(asked) > FEW else None
            shas = asked
        return ChangeReader(self._git, self._skipped, self._limits.diff_bytes, self._present).iter_changes(shas)

    def blame(
        self, file: str, first: int, last: int, timeout_s: float = 5.0, commit: str = "HEAD"
    ) -> list[tuple[int, str]]:
        return blame(self._git, file, first, last, timeout_s, commit)

    def read_file(self, file: str, commit: str = "HEAD") -> bytes | None:
        return objects.read_file(self._git, file, commit)

    def log_lines(self, file: str, first: int, last: int, stop: Stop, commit: str = "HEAD") -> list[str]:
        return log_lines(self._git, file, first, last, stop, commit)

    def blame_all(self, file: str, commit: str, stop: Stop) -> dict[int, str] | None:
        return blame_all(self._git, file, commit, stop)

    def read_file_log(self, file: str, commit: str, stop: Stop) -> FileLog | None:
        return read_file_log(self._git, file, commit, stop)

    def trace_lines(
        self, file: str, first: int, last: int, stop: Stop, commit: str = "HEAD", most: int = 200
    ) -> tuple[list[LineChange], bool]:
        return trace_lines(self._git, file, first, last, stop, commit, most)

    def find_function(self, file: str, name: str, commit: str = "HEAD") -> tuple[int, int]:
        return find_function(self._git, file, name, commit)

    def map_lines(self, file: str, contents: bytes, commit: str = "HEAD") -> LineMap | None:
        return map_lines(self._git, file, contents, commit)

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

    def map_authors(self, authors: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        return objects.map_authors(self._git, authors)

    def knows_path(self, path: str) -> bool:
        return objects.knows_path(self._git, path)

    def read_origin_url(self) -> str:
        return self._git.run(["config", "--get", "remote.origin.url"]).stdout.decode("utf-8", "replace").strip()

    def read_date(self, name: str, text: str) -> int:
        return dates.read_date(self._git, name, text)


class History(Protocol):
    """A repository's history, read-only. Every method raises RepoUnreadableError once the repository is gone."""

    @property
    def skipped(self) -> list[str]:
        """Shas of commits that could not be read so far, in the order met: damaged, or gone meanwhile."""

    @property
    def pathless(self) -> list[str]:
        """Shas of commits that were read without their paths, since a tree of theirs or of their first parent is damaged."""

    def read_tips(self, kinds: Iterable[str] = REF_KINDS) -> Tips:
        """Return where HEAD and refs of *kinds* (see REF_KINDS) point, tags peeled.

        A linked worktree's HEAD appears in the refs as `worktrees/<id>/HEAD`, the main one's as `main-worktree/HEAD`.
        Refs to trees, blobs or damaged commits are left out.
        """

    def iter_shas(self, include: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[str]:
        """Yield commits reachable from *include* and not from *exclude*, newest commit time first.

        Unknown shas in either are ignored; a damaged commit goes to `skipped`, the walk goes on around it (then a few
        older commits may come late). A shallow clone's history ends at its boundary.
        """

    def iter_commits(self, shas: Iterable[str]) -> Iterator[Commit]:
        """Yield the commits *shas* in that order, `changed` left empty; unreadable ones go to `skipped`.

        paths: against the first parent, also of a merge; a root commit lists all files, a shallow boundary none (it is
        not where its files come from) and has no parents. Where trees are missing (a partial clone), paths are empty.
        """

    def iter_messages(self, shas: Iterable[str]) -> Iterator[Commit]:
        """Yield the commits *shas* in that order as `iter_commits` does, but without paths; unreadable ones go to `skipped`."""

    def iter_changes(self, shas: Iterable[str]) -> Iterator[CommitChanges]:
        """Yield the changes of *shas* in that order, for those with any: at most 64 KiB of text, 16 KiB a file.

        Lines as in a diff without context (`+new`, `-old`, `@@ def function():`), white space left out. No merges, no
        shallow boundaries; no binaries, lock files, vendored or generated files, nor any blob over 1 MiB. A partial
        clone's are left out of commits of which a blob is missing.
        """

    def read_file(self, file: str, commit: str = "HEAD") -> bytes | None:
        """Return the content of the tracked *file* in *commit*, as git keeps it; None where there is none."""

    def blame(
        self, file: str, first: int, last: int, timeout_s: float = 5.0, commit: str = "HEAD"
    ) -> list[tuple[int, str]]:
        """Return (line number in *commit*, sha of its last change) of the lines *first* to *last*, 1-based, inclusive.

        White space changes and moves within the file are seen through, so are commits that `.git-blame-ignore-revs`
        lists; lines older than a shallow boundary are left out; *last* may lie past the end. Raises NotFoundError
        without *file* at HEAD, UsageError when *first* lies past the end, OutOfTimeError.
        """

    def read_range(self, text: str, size_bytes: int, timeout_s: float = 5.0) -> Range:
        """Return what `A..B` changes: the diff from where A and B parted to B, at most *size_bytes* of it, and its commits.

        Raises UsageError for what is no range, NotFoundError for a side that names no commit, OutOfTimeError.
        """

    def log_lines(self, file: str, first: int, last: int, stop: Stop, commit: str = "HEAD") -> list[str]:
        """Return shas of the commits that ever changed the lines *first* to *last* of *file* in *commit*, newest first.

        200 at most. Renames are followed. What was found until *stop* is set is returned; [] where git cannot tell.
        """

    def blame_all(self, file: str, commit: str, stop: Stop) -> dict[int, str] | None:
        """Return line number -> sha as `blame` does, for every line of *file* in *commit*.

        None where git cannot tell, or if *stop* is set before it has.
        """

    def read_file_log(self, file: str, commit: str, stop: Stop) -> FileLog | None:
        """Return from what `log_lines` is found for any lines of *file* in *commit*; None as `blame_all`."""

    def trace_lines(
        self, file: str, first: int, last: int, stop: Stop, commit: str = "HEAD", most: int = 200
    ) -> tuple[list[LineChange], bool]:
        """Return what the newest *most* of those commits did to the lines, newest first, and whether that is all.

        Other than `log_lines` it names what `.git-blame-ignore-revs` lists, marked. Ended by *stop* as that is.
        """

    def find_function(self, file: str, name: str, commit: str = "HEAD") -> tuple[int, int]:
        """Return the first and last line of a function of *file* in *commit*, as `git log -L :name:file` has it.

        name: a whole name, also `Class.method`, else a regular expression as git takes it. Raises NotFoundError, UsageError.
        """

    def map_lines(self, file: str, contents: bytes, commit: str = "HEAD") -> LineMap | None:
        """Return which lines of *file* in *commit* those of *contents* are; None where all are, or it has no such file."""

    def has(self, sha: str) -> bool:
        """Whether the commit *sha* (full) is there and readable; it need not be reachable."""

    def has_all(self, shas: Iterable[str]) -> bool:
        """Whether `has` holds for each of *shas*; one process for all."""

    def find_sha(self, prefix: str) -> str | None:
        """Return the one commit whose sha begins with *prefix* (4 hex digits or more); None if none or several do."""

    def find_commit(self, name: str) -> str | None:
        """Return the sha of the commit that a ref, or any other name git knows for one, leads to; None if to none."""

    def map_authors(self, authors: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return (name, email) -> the `name <email>` that `.mailmap` at HEAD gives it; {} without one."""

    def knows_path(self, path: str) -> bool:
        """Whether `git log --all -- PATH` shows a commit; False where that takes longer than a second."""

    def read_origin_url(self) -> str:
        """Return the URL of the remote `origin` as it is written in the configuration, "" where there is none."""

    def read_date(self, name: str, text: str) -> int:
        """Return the time that a person's *text* means for "since" or "until". Raises UsageError where it is no date."""
