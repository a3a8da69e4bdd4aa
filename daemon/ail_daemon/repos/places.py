"""Reads and writes where enrolled repositories lie: `repo.json` beside each index."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import RepoUnreadableError, StorageError

from ..process.files import replace_file


def get_main_place(place: RepoPlace) -> RepoPlace:
    """Return the main worktree of *place*: a linked one may be removed while the repository goes on."""
    if place.git_dir == place.common_dir:
        return place
    root, name = os.path.split(place.common_dir)
    is_bare = name != ".git"
    return RepoPlace(place.common_dir if is_bare else root, place.common_dir, place.common_dir, is_bare)


def get_key(place: RepoPlace) -> str:
    """Return the id of the repository at *place*, which names its data: a hash of git's common directory."""
    return hash_path(place.common_dir)


def hash_path(common_dir: str) -> str:
    """Return the id that a repository with this common directory has."""
    return hashlib.blake2b(os.fsencode(common_dir), digest_size=8).hexdigest()


def check_owner(place: RepoPlace) -> None:
    """Raise RepoUnreadableError for a repository of another user."""
    owner = os.stat(place.common_dir).st_uid
    if owner != os.geteuid():
        raise RepoUnreadableError(
            f"{place.common_dir} belongs to another user (uid {owner})",
            "clone it: AIL reads only repositories that you own",
        )


def save_place(path: Path, place: RepoPlace) -> None:
    """Enrol the repository at *place*, by its `repo.json`. Raises StorageError."""
    enrolment = {"root": place.root, "git_dir": place.git_dir, "common_dir": place.common_dir, "is_bare": place.is_bare}
    save_json(path, enrolment)


def load_place(path: Path) -> RepoPlace | None:
    """Return the enrolled place, None if the file is damaged: then the repository has to be added again."""
    kept = load_json(path)
    try:
        return RepoPlace(str(kept["root"]), str(kept["git_dir"]), str(kept["common_dir"]), bool(kept["is_bare"]))
    except KeyError:
        return None


def load_json(path: Path) -> dict[str, Any]:
    """Return the map that a file holds, {} if it is missing or damaged; a file without a checksum is from an earlier version."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return kept if kept.pop("sum", None) in (None, _sum(kept)) else {}


def _sum(kept: Mapping[str, object]) -> str:
    return hashlib.blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=8).hexdigest()


def save_json(path: Path, kept: Mapping[str, object], *, is_synced: bool = True) -> None:
    """Replace a file's content; if *is_synced* it is on the disk when this returns. Raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, json.dumps({**kept, "sum": _sum(kept)}).encode(), is_synced=is_synced)
    except OSError as err:
        raise StorageError(
            f"{path.name} could not be written: {err.strerror}", "free some space in the state directory"
        ) from err
