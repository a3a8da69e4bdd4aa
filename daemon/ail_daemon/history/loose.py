"""Loose refs as they lie on the disk: git passes over a directory of them that it cannot open, and says nothing.

Found by failing its opens: a repository with commits was an empty one for git, at exit status 0.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator

from ail_rpc.discovery import read_regular
from ail_rpc.errors import RepoUnreadableError

_SHA = re.compile(rb"(?!0+\s*$)(?:[0-9a-f]{40}|[0-9a-f]{64})\s*")
# git-check-ref-format(1)
_REFUSED = re.compile(rb"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|\.(?:/|$)|\.lock(?:/|$)")
_REF_BYTES = 100


def find_overlooked(common_dir: str, namespaces: Iterable[str], listed: Collection[bytes]) -> list[bytes]:
    """Return the names of refs below *namespaces* that lie in *common_dir* and are not among those *listed*.

    Raises RepoUnreadableError where a directory of refs cannot be read.
    """
    try:
        found = [name for namespace in namespaces for name in _iter_names(common_dir, namespace)]
    except OSError as err:
        raise RepoUnreadableError(
            f"refs in {common_dir} cannot be read: {err.strerror}", "it is tried again within a minute"
        ) from err
    return [name for name in found if name not in listed and _is_ref(common_dir, name)]


def _iter_names(common_dir: str, namespace: str) -> Iterator[bytes]:
    top, waiting = os.fsencode(common_dir), [os.fsencode(namespace)]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(top + b"/" + name) as entries:
            for entry in entries:
                below = name + b"/" + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(below)
                elif entry.is_file(follow_symlinks=False):
                    yield below


def _is_ref(common_dir: str, name: bytes) -> bool:
    """Whether git must list *name*: well formed, and its file holds a sha, that of a missing object too."""
    if _REFUSED.search(name):
        return False
    try:
        return bool(_SHA.fullmatch(read_regular(os.path.join(common_dir, os.fsdecode(name)), _REF_BYTES)))
    except OSError:
        return False  # deleted a moment ago
