"""Finds the repository that a directory lies in, and remembers it: asking again costs a stat for each directory up to its root.

A full search takes a third of a cached answer's time. A remembered result is valid as long as the directory, and `.git` in it and
above it, are the same.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import NotARepositoryError

_KNOWN_MAX = 1024

Identity = tuple[int, int, int] | None
"""Device, inode and time of change; None: no such file."""


class _Found(NamedTuple):
    place: RepoPlace
    proof: tuple[tuple[str, Identity], ...]


class Finder:
    """Finds repositories, and remembers the last thousand directories. Threads may use it at any time."""

    def __init__(self) -> None:
        self._known: dict[str, _Found] = {}

    def find(self, start: str) -> RepoPlace:
        """Return the repository that the directory *start* lies in. Raises NotARepositoryError."""
        known = self._known.get(start)
        if known and all(_identify(path) == identity for path, identity in known.proof):
            return known.place
        place = find_repository(start)
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[start] = _Found(place, tuple((path, _identify(path)) for path in _list_witnesses(start, place)))
        return place

    def find_owner(self, around: RepoPlace, file: str) -> RepoPlace:
        """Return the repository of *file*, given from the root of *around*: that, or a submodule or other clone in its work tree.

        The file need not be there any more.
        """
        directory = os.path.dirname(os.path.join(around.root, os.path.normpath(file)))
        if around.is_bare or "\0" in file or directory == around.root:
            return around
        try:
            own = self.find(directory)
        except (NotARepositoryError, OSError):
            return around
        return own if own.root.startswith(around.root.rstrip("/") + "/") else around


def _list_witnesses(start: str, place: RepoPlace) -> list[str]:
    """Return what must stay the same: *start*, `.git` in every directory from there to the root, HEAD."""
    here, above = os.path.realpath(start), [start, f"{place.git_dir}/HEAD"]
    while True:
        above.append(os.path.join(here, ".git"))
        if here in (place.root, os.path.dirname(here)):
            return above
        here = os.path.dirname(here)


def _identify(path: str) -> Identity:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    # of a file that points elsewhere the content counts, of a directory only which it is; git writes HEAD anew at each switch
    is_pointer = path.endswith(".git") and (stat.st_mode & 0o170000) == 0o100000
    return (stat.st_dev, 0, 0) if path.endswith("/HEAD") else (stat.st_dev, stat.st_ino, stat.st_mtime_ns * is_pointer)
