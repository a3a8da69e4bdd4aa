"""Leaving a hint from Python, for hook tools that run `ail-hook run EVENT`. Opens the hints file, and nothing else."""

from __future__ import annotations

import os

from ail_rpc.hints import append, encode, get_hints_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def leave(event: str, path: str, pairs: Iterable[tuple[str, str]] = ()) -> None:
    """Tell the daemon, now or whenever it starts, that *event* ran in the repository at *path* (absolute).

    pairs: old and new shas that git passed to post-rewrite. Raises OSError if the state directory cannot be written.
    """
    append(make_file(), encode(event, path, pairs))


def make_file() -> str:
    """Return the path of the hints file, after making its directory, mode 0700. Raises OSError."""
    file = get_hints_file()
    for directory in (os.path.dirname(os.path.dirname(file)), os.path.dirname(file)):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    return file
