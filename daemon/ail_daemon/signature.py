"""Whether a repository's refs may have moved since last time: a few stats, no git, no library.

git writes a ref under a temporary name and renames it, which changes the directory's time; packed-refs, HEAD and the
reftable directory are renamed into place the same way. A signature that is equal means that nothing moved; one that differs
means "look", no more.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator

from ail_rpc.discovery import RepoPlace

_TICK_NS = 20_000_000
"""Within one tick of the kernel's clock (4 to 10 ms) two changes leave the same time: what is younger proves nothing yet."""

_WHOLE_SECONDS_NS = 2_000_000_000  # the same for file systems that keep whole seconds, or two


def read_signature(place: RepoPlace, ref_kinds: Iterable[str]) -> str:
    """Return the signature of *place*, and of which refs count; a repository that vanished has one like any other.

    Of a repository that moved just now it is equal to no other, this one included.
    """
    now = time.time_ns()
    stats = list(_stats(place))
    newest = max((mtime for _, mtime, _, _ in stats), default=0)
    tick = _TICK_NS if newest % 1_000_000_000 else _WHOLE_SECONDS_NS
    nonce = os.urandom(8) if abs(now - newest) < tick else b""  # abs: clocks jump
    told = repr((stats, tuple(ref_kinds), nonce)).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def _stats(place: RepoPlace) -> Iterator[tuple[str, int, int, int]]:
    worktrees = os.path.join(place.common_dir, "worktrees")
    for path in (
        os.path.join(place.git_dir, "HEAD"),
        *(os.path.join(place.common_dir, name) for name in ("HEAD", "packed-refs", "reftable", "shallow")),
        worktrees,
        *(os.path.join(worktrees, name, "HEAD") for name in _list(worktrees)),
        *_directories(os.path.join(place.common_dir, "refs")),
    ):
        try:
            stat = os.stat(path, follow_symlinks=False)
        except OSError:
            continue
        yield path, stat.st_mtime_ns, stat.st_size, stat.st_ino


def _directories(top: str) -> Iterator[str]:
    yield top
    try:
        with os.scandir(top) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for path in below:
        yield from _directories(path)


def _list(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
