"""Hints: what git's hooks leave for the daemon in one file, and the only place that knows the file's form.

A hook must cost nothing whatever state the daemon is in, so it appends a line to a file and exits. The daemon renames
the file and reads it; one that starts later finds earlier hints. A hint says "look at this repository": it
may be lost, doubled or wrong without harm, because only a comparison of refs decides.

    EVENT TAB PATH LF                     a hook ran
    rewritten TAB OLD TAB NEW TAB PATH LF    git rewrote OLD as NEW; such lines precede their event's

PATH, in the bytes of the file system, is a worktree's top or a git directory: `find_repository(path).common_dir`
identifies the repository. It comes last, so a tab in it is kept. A newline in it cuts it short: the rest names
another directory, or none. Only `append` opens a file.
"""

from __future__ import annotations

import os

from .paths import get_state_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVENTS = ("post-commit", "post-merge", "post-rewrite", "post-checkout")
"""The hooks that leave hints."""

PER_COMMIT = "post-commit"
"""The one of them that git runs for each commit, also of a rebase, and that file system events make superfluous."""

REWRITTEN = "rewritten"
"""The first word of a line about one rewritten commit."""

HINTS_MAX_BYTES = 1 << 20
"""Beyond it nothing is appended: some 15,000 hooks ran without a daemon. No more of the file is read.

A shell that counts file sizes in KiB, as bash does when it is not called sh, goes on up to twice that."""

PAIRS_MAX = 5_000
"""At most so many rewritten commits, the first ones, are left by one hook: more would not fit the file."""

_SHA_LENGTHS = (40, 64)


class Hint:
    """One line: *event* one of EVENTS or REWRITTEN; *path* absolute; *old* and *new* shas, None but for REWRITTEN.

    Every hint, of any event, says that the repository at *path* should be checked.
    """

    __slots__ = ("event", "new", "old", "path")

    def __init__(self, event: str, path: str, old: str | None = None, new: str | None = None) -> None:
        self.event = event
        self.path = path
        self.old = old
        self.new = new

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hint) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Hint{self._key()!r}"

    def _key(self) -> tuple[str, str, str | None, str | None]:
        return self.event, self.path, self.old, self.new


def get_hints_file(env: Mapping[str, str] | None = None) -> str:
    """Return the file that hooks append to; its directory (mode 0700) is the one to watch."""
    return os.path.join(get_state_dir(env), "hints", "pending")


def encode(event: str, path: str, pairs: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the lines of one hook that ran: *pairs* (old sha, new sha), the first PAIRS_MAX of them, then *event*."""
    tail = b"\t" + os.fsencode(path) + b"\n"
    rewritten = [
        f"{REWRITTEN}\t{old}\t{new}".encode() + tail for (old, new), _ in zip(pairs, range(PAIRS_MAX), strict=False)
    ]
    return b"".join([*rewritten, event.encode() + tail])


def append(file: str, lines: bytes) -> None:
    """Append to *file*, in one write, as many whole *lines* as fit into HINTS_MAX_BYTES. Raises OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        room = max(0, HINTS_MAX_BYTES - os.fstat(descriptor).st_size)
        os.write(descriptor, lines[: lines.rfind(b"\n", 0, room) + 1])
    finally:
        os.close(descriptor)


def parse_hints(data: bytes) -> list[Hint]:
    """Return the hints in a file's *data*, oldest first; invalid and incomplete lines are left out."""
    whole, _newline, _rest = data.rpartition(b"\n")
    return [hint for line in whole.split(b"\n") if (hint := _parse_line(line))]


def is_sha(word: bytes) -> bool:
    """Whether *word* is a full sha: 40 lower-case hex digits, or 64."""
    return len(word) in _SHA_LENGTHS and not word.strip(b"0123456789abcdef")


def _parse_line(line: bytes) -> Hint | None:
    word, _tab, rest = line.partition(b"\t")
    event = word.decode("ascii", "replace")
    if event == REWRITTEN:
        return _parse_rewritten(rest)
    return Hint(event, os.fsdecode(rest)) if event in EVENTS and rest.startswith(b"/") else None


def _parse_rewritten(rest: bytes) -> Hint | None:
    match rest.split(b"\t", 2):
        case [old, new, path] if is_sha(old) and is_sha(new) and path.startswith(b"/"):
            return Hint(REWRITTEN, os.fsdecode(path), old.decode(), new.decode())
    return None
