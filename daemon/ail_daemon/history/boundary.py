"""Where a repository's history is cut off: the boundary of a shallow clone, the holes of a partial one."""

from __future__ import annotations

import os
from pathlib import Path

from ail_rpc.discovery import RepoPlace


def read_shallow_boundary(place: RepoPlace) -> frozenset[str]:
    """Return the commits whose parents were not fetched; empty unless the clone is shallow."""
    try:
        return frozenset(Path(place.common_dir, "shallow").read_text("ascii", "replace").split())
    except OSError:
        return frozenset()


def is_partial(place: RepoPlace) -> bool:
    """Whether objects may be missing by intent (`clone --filter`)."""
    try:
        return any(name.endswith(".promisor") for name in os.listdir(os.path.join(place.common_dir, "objects", "pack")))
    except OSError:
        return False
