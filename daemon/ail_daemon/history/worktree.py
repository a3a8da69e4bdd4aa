"""A file as it stands on the disk or in an editor, and which of its lines are which of a commit's. Runs no filter, no textconv.

git compares the two texts itself, as files beside the repository: `git blame --contents` wants a work tree, where what the
repository configures would run. White space counts for nothing, as in blame, so that CRLF on the disk is no change.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Hashable
from pathlib import Path
from typing import NamedTuple

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import RepoUnreadableError

from .command import GitCommand, get_reason

CONTENTS_MAX_BYTES = 4 << 20
"""Larger files are taken to be as they were committed."""

_DIFF = ("diff", "--no-index", "-U0", "-w", "--text", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class LineMap(NamedTuple):
    """Which lines of a commit's file the lines of another text are.

    hunks: (first line there, how many, first line here, how many) of what differs, as a diff has it. total: lines here.
    """

    hunks: tuple[tuple[int, int, int, int], ...]
    total: int

    def find(self, line: int) -> tuple[int | None, bool]:
        """Return the commit's line that *line* is, and True; for a changed one what it replaces (None: nothing), and False."""
        shift = 0
        for old, gone, new, count in self.hunks:
            if line < new or (not count and line == new):  # a hunk of no lines stands behind the line it names
                break
            if line < new + count:
                return (old + min(line - new, gone - 1) if gone else None), False
            shift += gone - count
        return line + shift, True


def identify(place: RepoPlace, file: str) -> Hashable:
    """Return what changes whenever the file on the disk does; None where there is none to be read."""
    try:
        found = os.lstat(os.path.join(place.root, file))
    except (OSError, ValueError):
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def read_file(place: RepoPlace, file: str) -> bytes | None:
    """Return what *file* has on the disk; None for a bare repository, a link, a large file, one that is not there."""
    path = os.path.join(place.root, file)
    if place.is_bare or "\0" in file or os.path.realpath(path) != path:  # a link may lead out of the work tree
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(fd, "rb") as opened:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > CONTENTS_MAX_BYTES:
                return None
            return opened.read(CONTENTS_MAX_BYTES)
    except OSError:
        return None


def map_lines(git: GitCommand, file: str, contents: bytes, commit: str) -> LineMap | None:
    """Return which lines of *file* in *commit* those of *contents* are; None where they are the same, or it has no such file."""
    done = git.run([b"cat-file", b"blob", os.fsencode(f"{commit}:{file}")])
    if contents.startswith(_UTF_16):
        contents = contents.decode("utf-16", "replace").encode()
    if done.returncode or done.stdout == contents:
        return None
    with tempfile.TemporaryDirectory(prefix="ail-lines-") as beside:
        committed, standing = Path(beside, "a"), Path(beside, "b")
        committed.write_bytes(done.stdout)
        standing.write_bytes(contents)
        compared = git.run_outside([*_DIFF, "--", "a", "b"], beside)  # within, its clean filters would run
    if compared.returncode > 1:
        raise RepoUnreadableError(f"git diff failed: {get_reason(compared.stderr)}", "`git diff` there says more")
    hunks = tuple((int(a), int(b or 1), int(c), int(d or 1)) for a, b, c, d in _HUNK.findall(compared.stdout))
    return LineMap(hunks, contents.count(b"\n") + (not contents.endswith(b"\n") and bool(contents)))
