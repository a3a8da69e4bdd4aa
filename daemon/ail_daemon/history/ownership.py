"""Whether a repository is ours to read.

git's own check (safe.directory) does not apply to a git directory that is named outright.
"""

from __future__ import annotations

import os

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import RepoUnreadableError


def get_owner_error(place: RepoPlace) -> RepoUnreadableError | None:
    """Return why *place* must not be read: it vanished, or belongs to another user. None: it may be read."""
    for directory in (place.git_dir, place.common_dir):
        try:
            owner = os.stat(directory).st_uid
        except OSError as err:
            return RepoUnreadableError(
                f"{directory} cannot be read: {err.strerror}", "was it moved? remove it with `ail-client remove`"
            )
        if owner != os.geteuid():
            return RepoUnreadableError(
                f"{directory} belongs to user {owner}, not to {os.geteuid()}, and is not read",
                "AIL reads only repositories of the user it runs as; clone it, or change its owner",
            )
    return None


def check_owner(place: RepoPlace) -> None:
    """Raise RepoUnreadableError unless the repository is there and belongs to this process's effective user."""
    if error := get_owner_error(place):
        raise error
