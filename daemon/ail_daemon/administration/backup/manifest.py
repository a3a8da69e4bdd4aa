"""A backup's table of contents, as JSON: its repositories, the files of each, and the settings of the file, without secrets."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ail_daemon.index.store import STORE_FILE
from ail_daemon.repos.places import get_key
from ail_daemon.settings import Settings
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import StorageError

from .archive import damaged

FORMAT, VERSION = "ail-backup", 1
"""The version is raised whenever an older AIL could not read the file."""

_SHA256 = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"words\.json|words/(?!\.{1,2}$)[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file of a repository's directory: its name there, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptRepo:
    """One repository in a backup: where it lies, its database's schema, model and commits, its files, the database first."""

    place: RepoPlace
    schema: int
    model: str | None
    commits: int
    files: tuple[KeptFile, ...]

    @property
    def key(self) -> str:
        """The repository's id, which follows from its place."""
        return get_key(self.place)

    def name_member(self, file: KeptFile) -> str:
        """Return the name of one of its files in the archive."""
        return f"repos/{self.key}/{file.name}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a backup holds; *ail*: the version that wrote it, *created_at*: seconds since 1970."""

    ail: str
    created_at: int
    settings: Mapping[str, Any]
    repos: tuple[KeptRepo, ...]

    def to_bytes(self) -> bytes:
        """Return the manifest as the archive holds it."""
        head = {"format": FORMAT, "version": VERSION, "ail": self.ail, "created_at": self.created_at}
        repos = [_repo_to_json(repo) for repo in self.repos]
        return json.dumps({**head, "settings": dict(self.settings), "repos": repos}, indent=1).encode()


def parse(data: bytes, name: str, schema_version: int) -> Manifest:
    """Return the manifest of the backup *name*. Raises StorageError where it is damaged, or made by a newer AIL."""
    try:
        fields = json.loads(data)
        is_newer = fields["format"] == FORMAT and (
            fields["version"] > VERSION or any(repo["schema"] > schema_version for repo in fields.get("repos", ()))
        )
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise damaged(name, "its manifest makes no sense") from err
    if is_newer:
        raise StorageError(
            f"the backup {name} was made by a newer AIL ({fields.get('ail')})", "update AIL, then restore it"
        )
    try:
        return _parse(fields)
    except (ValueError, TypeError, KeyError) as err:
        raise damaged(name, "its manifest makes no sense") from err


def _parse(fields: dict[str, Any]) -> Manifest:
    if fields["format"] != FORMAT or fields["version"] != VERSION or not isinstance(fields["settings"], dict):
        raise ValueError("another format")
    repos = tuple(_parse_repo(row) for row in fields["repos"])
    if len({repo.key for repo in repos}) != len(repos):
        raise ValueError("a repository stands there twice")
    return Manifest(str(fields["ail"]), int(fields["created_at"]), fields["settings"], repos)


def _parse_repo(row: dict[str, Any]) -> KeptRepo:
    place = RepoPlace(row["root"], row["git_dir"], row["common_dir"], row["is_bare"] is True)
    if not all(isinstance(path, str) and os.path.isabs(path) for path in (place.root, place.git_dir, place.common_dir)):
        raise ValueError("no place")
    files = tuple(KeptFile(*file) for file in row["files"])
    repo = KeptRepo(place, row["schema"], row["model"], row["commits"], files)
    numbers = (repo.schema, repo.commits, *(file.size for file in files))
    if not all(type(number) is int and number >= 0 for number in numbers) or not isinstance(repo.model, str | None):
        raise ValueError("no database")
    names = [file.name for file in files]
    if names[:1] != [STORE_FILE] or len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names[1:])):
        raise ValueError("other files")
    if not all(_SHA256.fullmatch(file.sha256) for file in files):
        raise ValueError("no hashes")
    return repo


def _repo_to_json(repo: KeptRepo) -> dict[str, Any]:
    place = {name: getattr(repo.place, name) for name in ("root", "git_dir", "common_dir", "is_bare")}
    return (
        place
        | {name: getattr(repo, name) for name in ("schema", "model", "commits")}
        | {"files": [[file.name, file.size, file.sha256] for file in repo.files]}
    )


def read_settings(file: Path) -> dict[str, Any]:
    """Return what *file* sets, under the variables' names, without tokens; {} where there is none, or it cannot be read."""
    known = {one.metadata["variable"] for one in fields(Settings) if one.repr}  # a secret is not shown either
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name.upper(): value for name, value in written.items() if name.upper() in known and _is_plain(value)}


def restore_settings(file: Path, settings: Mapping[str, Any]) -> bool:
    """Write *settings* to *file* where there is none; whether that was done. A wrong value is left out."""
    known = {one.metadata["variable"]: one.metadata["read"] for one in fields(Settings) if one.repr}
    lines = [
        f"{name} = {_to_toml(value)}\n"
        for name, value in settings.items()
        if name in known and _fits(known[name], value)
    ]
    if not lines or os.path.lexists(file):
        return False
    with contextlib.suppress(OSError):  # a hardened service may not write there; the index is what counts
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8", opener=_open_private) as target:
            target.writelines(lines)
        return True
    return False


def _fits(read: Any, value: object) -> bool:
    try:
        read(value)
    except (ValueError, TypeError, StopIteration):
        return False
    return _is_plain(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _to_toml(value: object) -> str:
    """Return *value* as TOML; JSON's texts, numbers and lists are TOML's too, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
