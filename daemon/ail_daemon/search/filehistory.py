"""What git says of every line of one file in HEAD, read once, so that a question about any of them runs no git."""

from __future__ import annotations

from typing import NamedTuple

from ail_rpc.discovery import RepoPlace

from ..history.command import Stop
from ..history.filelog import FileLog
from ..history.limits import ASKED
from ..history.opening import open_history
from ..text.passages import FileChange, Hunk, Passage, find_passages

FILE_BYTES = 1 << 20
"""Of a larger file no passages are read, and its lines are not read ahead."""

_LIMIT_S = 60.0  # one git, which gives way to all else


class FileHistory(NamedTuple):
    """A file in HEAD. blamed: line -> sha of its last change; log: what changed any lines; passages, lines: of its text."""

    content: bytes
    blamed: dict[int, str]
    log: FileLog
    passages: tuple[Passage, ...]
    lines: list[str]

    @property
    def total(self) -> int:
        """How many lines it has, as git counts them."""
        return self.content.count(b"\n") + (not self.content.endswith(b"\n"))


def read_file_history(place: RepoPlace, file: str, stop: Stop) -> FileHistory | None:
    """Return the history of *file*; None where there is none to be read, it is too large, or *stop* is set."""
    history = open_history(place, limit_s=_LIMIT_S)
    content = history.read_file(file)
    if not content or len(content) > FILE_BYTES or b"\0" in content:
        return None
    log = history.read_file_log(file, "HEAD", stop)
    blamed = history.blame_all(file, "HEAD", stop) if log else None
    if log is None or blamed is None:
        return None
    return FileHistory(content, blamed, log, *parse_standing(file, content))


def read_standing(place: RepoPlace, file: str, commit: str) -> tuple[tuple[Passage, ...], list[str]]:
    """Return the passages that stand in *file*, and its lines; none of a missing or too large file."""
    content = open_history(place, limits=ASKED).read_file(file, commit)
    return parse_standing(file, content or b"") if len(content or b"") <= FILE_BYTES else ((), [])


def parse_standing(file: str, content: bytes) -> tuple[tuple[Passage, ...], list[str]]:
    """Return the passages and the lines of a file's *content*."""
    lines = content.decode("utf-8", "replace").splitlines()
    return tuple(find_passages([FileChange(file, [Hunk(0, 1, [], lines)])], is_bounded=False)), lines
