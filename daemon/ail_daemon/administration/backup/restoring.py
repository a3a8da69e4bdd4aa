"""Checks a backup and unpacks it beside what is there; replaces nothing itself."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ail_daemon.index.repoindex import WORDS, RepoIndex
from ail_daemon.index.store import SCHEMA_VERSION, STORE_FILE, inspect_store
from ail_daemon.repos.places import save_place
from ail_rpc.errors import NotFoundError, StorageError, UsageError

from . import manifest
from .archive import ArchiveReader, damaged, measure
from .manifest import KeptRepo, Manifest

_HINT = "nothing was changed; free some space in the state directory"


def unpack(file: Path, coming: Path) -> Manifest:
    """Unpack the backup *file* into directories below *coming*, one a repository, named by its key, ready to be opened.

    Returns what is in it. Raises UsageError (a link, no file, another user's), NotFoundError, StorageError (no backup, damaged,
    cut short, of a newer AIL, no room).
    """
    with _open(file) as stream:
        archive = ArchiveReader(stream, os.fspath(file))
        data = archive.read_manifest()
        found = manifest.parse(data, os.fspath(file), SCHEMA_VERSION)
        whole, there = (
            measure([len(data), *(file.size for repo in found.repos for file in repo.files)]),
            os.fstat(stream.fileno()).st_size,
        )
        if whole != there:
            raise damaged(os.fspath(file), f"it has {there:,} bytes instead of {whole:,}")
        for repo in found.repos:
            _unpack_repo(archive, repo, coming / repo.key, os.fspath(file))
        archive.finish()
    for repo in found.repos:
        _prepare(repo, coming / repo.key, os.fspath(file))
    return found


def _unpack_repo(archive: ArchiveReader, repo: KeptRepo, directory: Path, name: str) -> None:
    try:
        (directory / WORDS).mkdir(mode=0o700, parents=True)
        for file in repo.files:
            with open(directory / file.name, "xb") as target:
                digest = archive.copy(repo.name_member(file), file.size, target)
                target.flush()
                os.fsync(target.fileno())
            if digest != file.sha256:
                raise damaged(name, "a file in it is not as it was written")
    except OSError as err:
        raise StorageError(f"the backup {name} could not be unpacked: {err.strerror}", _HINT) from err


def _prepare(repo: KeptRepo, directory: Path, name: str) -> None:
    """Check the database, and build its word index if the backup's does not match it, so that no question waits for that."""
    try:
        found = inspect_store(directory / STORE_FILE)
    except StorageError as err:
        raise damaged(name, "a database in it cannot be read") from err
    if found != (repo.schema, repo.model, repo.commits):
        raise damaged(name, "a database is not what its manifest says")
    RepoIndex(directory, None).close()
    save_place(directory / "repo.json", repo.place)


@contextlib.contextmanager
def _open(file: Path) -> Iterator[BinaryIO]:
    """Open a backup without following a link. Raises UsageError if it is not the user's own file."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as err:
        raise NotFoundError(f"there is no file {file}", "`ail-client backup FILE` makes one") from err
    except OSError as err:
        raise UsageError(f"{file} cannot be opened: {err.strerror}", "name the backup itself, a file of yours") from err
    try:
        _check(file, os.fstat(descriptor))
    except UsageError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def _check(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{file} is no file", "name the backup itself")
    if found.st_uid != os.geteuid():
        raise UsageError(
            f"{file} belongs to another user (uid {found.st_uid})", "copy it, if you trust whoever made it"
        )
