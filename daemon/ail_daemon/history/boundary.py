"""Where a repository's history is cut off: the boundary of a shallow clone, the holes of a partial one."""

from __future__ import annotations

import os

from ail_rpc.discovery import RepoPlace, read_regular
from ail_rpc.errors import RepoUnreadableError

_SHALLOW_BYTES = 16 << 20  # 400,000 commits


def read_shallow_boundary(place: RepoPlace) -> frozenset[str]:
    """Return the commits whose parents were not fetched; empty unless the clone is shallow."""
    try:
        listed = read_regular(os.path.join(place.common_dir, "shallow"), _SHALLOW_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as err:  # taken for whole, its oldest commits would pass for the origin of all files
        raise RepoUnreadableError(
            f"{place.root}: where it is cut off cannot be read: {err.strerror or err}",
            "it is tried again within a minute",
        ) from err
    if len(listed) > _SHALLOW_BYTES:
        raise RepoUnreadableError(
            f"{place.root} is cut off at too many commits to be read", "fetch more of its history"
        )
    return frozenset(listed.decode("ascii", "replace").split())


def is_partial(place: RepoPlace) -> bool:
    """Whether objects may be missing by intent (`clone --filter`)."""
    try:
        return any(name.endswith(".promisor") for name in os.listdir(os.path.join(place.common_dir, "objects", "pack")))
    except OSError:
        return False
