"""Finds out with a few stats whether a repository's refs may have moved.

git writes a ref under a temporary name and renames it, which changes the directory's time; packed-refs, HEAD and the
reftable directory are renamed into place the same way. An equal signature means that nothing moved; a different one
means that something may have.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable

from ail_rpc.discovery import RepoPlace
from ail_rpc.framing import pack

_TICK_NS = 20_000_000
"""Two changes within one tick of the kernel's clock (4 to 10 ms) leave the same time: a younger time proves nothing."""

_WHOLE_SECONDS_NS = 2_000_000_000  # the same for file systems that keep whole seconds, or two


_LISTINGS_MAX = 1 << 14
_listings: dict[str, tuple[tuple[int, int, int], list[str]]] = {}
"""A directory's subdirectories, by its stat: reading directories again took two thirds of a signature's time."""


def read_signature(place: RepoPlace, ref_kinds: Iterable[str]) -> str:
    """Return the signature of *place* and *ref_kinds*; a repository that was deleted has one too.

    If the repository moved within the last tick, the signature is unlike every other, even when read again.
    """
    now = time.time_ns()
    stats = _list_stats(place, now)
    if _is_racy(max((stat[0] for _, stat in stats), default=0), now):
        return os.urandom(16).hex()
    return hashlib.blake2b(pack([stats, list(ref_kinds)]), digest_size=16).hexdigest()


def _is_racy(changed_ns: int, now_ns: int) -> bool:
    tick = _TICK_NS if changed_ns % 1_000_000_000 else _WHOLE_SECONDS_NS
    return abs(now_ns - changed_ns) < tick  # abs: clocks jump


def _list_stats(place: RepoPlace, now_ns: int) -> list[tuple[str, tuple[int, int, int]]]:
    """Return each file and directory that counts, with its (mtime in ns, size, inode)."""
    common, worktrees = place.common_dir, f"{place.common_dir}/worktrees"
    trees = _list(worktrees, stat, now_ns) if (stat := _stat(worktrees)) else ()
    heads = dict.fromkeys((f"{place.git_dir}/HEAD", f"{common}/HEAD"))  # one, but for a linked worktree
    paths = [
        *heads,
        f"{common}/packed-refs",
        f"{common}/reftable",
        f"{common}/shallow",
        *(f"{tree}/HEAD" for tree in trees),
    ]
    found = [(path, one) for path in paths if (one := _stat(path))]
    if stat:
        found.append((worktrees, stat))
    waiting = [f"{common}/refs"]  # no recursion: a path may be 2,000 directories deep
    while waiting:
        path = waiting.pop()
        if stat := _stat(path):
            found.append((path, stat))
            waiting += _list(path, stat, now_ns)
    return found


def _list(directory: str, stat: tuple[int, int, int], now_ns: int) -> list[str]:
    """Return the directories right below *directory*, read again if its *stat* differs or is too young."""
    known = _listings.get(directory)
    if known and known[0] == stat:
        return known[1]
    try:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    if not _is_racy(stat[0], now_ns):
        if len(_listings) >= _LISTINGS_MAX:
            _listings.clear()
        _listings[directory] = (stat, below)
    return below


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.lstat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
