"""What a backup says of itself, as JSON: which repositories, which databases, which settings. Knows no file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ail_daemon.places import get_key
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import StorageError

from .archive import damaged

FORMAT, VERSION = "ail-backup", 1
"""The version is raised whenever an older AIL could not read the file."""

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeptRepo:
    """One repository in a backup: where it lies, and its database's size in bytes, SHA-256, schema, model and commits."""

    place: RepoPlace
    size: int
    sha256: str
    schema: int
    model: str | None
    commits: int

    @property
    def key(self) -> str:
        """The repository's id, which follows from its place."""
        return get_key(self.place)

    @property
    def member(self) -> str:
        """The name of its database in the archive."""
        return f"repos/{self.key}.sqlite"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a backup holds; *ail*: the version that wrote it, *created_at*: seconds since 1970."""

    ail: str
    created_at: int
    settings: Mapping[str, Any]
    repos: tuple[KeptRepo, ...]

    def to_bytes(self) -> bytes:
        """Return the manifest as the archive holds it."""
        told = {"format": FORMAT, "version": VERSION, "ail": self.ail, "created_at": self.created_at}
        repos = [_repo_to_json(repo) for repo in self.repos]
        return json.dumps({**told, "settings": dict(self.settings), "repos": repos}, indent=1).encode()


def parse(data: bytes, name: str, schema_version: int) -> Manifest:
    """Return the manifest of the backup *name*. Raises StorageError where it is damaged, or made by a newer AIL."""
    try:
        told = json.loads(data)
        is_newer = told["format"] == FORMAT and (
            told["version"] > VERSION or any(repo["schema"] > schema_version for repo in told.get("repos", ()))
        )
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise damaged(name, "its manifest makes no sense") from err
    if is_newer:
        raise StorageError(
            f"the backup {name} was made by a newer AIL ({told.get('ail')})", "update AIL, then restore it"
        )
    try:
        return _parse(told)
    except (ValueError, TypeError, KeyError) as err:
        raise damaged(name, "its manifest makes no sense") from err


def _parse(told: dict[str, Any]) -> Manifest:
    if told["format"] != FORMAT or told["version"] != VERSION or not isinstance(told["settings"], dict):
        raise ValueError("another format")
    repos = tuple(_parse_repo(row) for row in told["repos"])
    if len({repo.key for repo in repos}) != len(repos):
        raise ValueError("a repository stands there twice")
    return Manifest(str(told["ail"]), int(told["created_at"]), told["settings"], repos)


def _parse_repo(row: dict[str, Any]) -> KeptRepo:
    place = RepoPlace(row["root"], row["git_dir"], row["common_dir"], row["is_bare"] is True)
    if not all(isinstance(path, str) and os.path.isabs(path) for path in (place.root, place.git_dir, place.common_dir)):
        raise ValueError("no place")
    repo = KeptRepo(place, row["size"], row["sha256"], row["schema"], row["model"], row["commits"])
    is_number = all(type(number) is int and number >= 0 for number in (repo.size, repo.schema, repo.commits))
    if not is_number or not _SHA256.fullmatch(repo.sha256) or not isinstance(repo.model, str | None):
        raise ValueError("no database")
    return repo


def _repo_to_json(repo: KeptRepo) -> dict[str, Any]:
    place = {name: getattr(repo.place, name) for name in ("root", "git_dir", "common_dir", "is_bare")}
    return place | {name: getattr(repo, name) for name in ("size", "sha256", "schema", "model", "commits")}
