"""Makes a backup: copies each database as it is at one moment, then writes all into one file, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ail_daemon.index.repoindex import STAMP, WORDS
from ail_daemon.index.store import STORE_FILE, copy_store
from ail_daemon.process.files import sync_directory
from ail_daemon.repos.repo import Repo
from ail_rpc import VERSION
from ail_rpc.errors import NotFoundError, StorageError, UsageError

from .archive import MANIFEST, ArchiveWriter, parse_manifest_size
from .manifest import KeptFile, KeptRepo, Manifest

_HEADER_BYTES = 512


def write_backup(file: Path, repos: Iterable[Repo], settings: Mapping[str, Any]) -> Manifest:
    """Write *repos*, as the last finished transaction left each, and *settings* to *file*, mode 0600; return what is in it.

    An older backup is replaced, by a whole new one alone; anything else is left as it is. Takes room for the databases
    twice for a while, beside *file*. Raises UsageError, NotFoundError, StorageError; then nothing is left of it.
    """
    _check_target(file)
    with _translated(file), _beside(file) as beside:
        kept = [_copy(repo, beside) for repo in repos if (repo.directory / STORE_FILE).exists()]
        manifest = Manifest(VERSION, int(time.time()), settings, tuple(kept))
        fresh = beside / "whole"
        with open(fresh, "xb") as stream:
            _write(stream, manifest, beside)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(fresh, file)
        sync_directory(file.parent)
    return manifest


def is_backup(file: Path) -> bool:
    """Whether *file* begins as a backup does."""
    with open(file, "rb") as stream:
        return parse_manifest_size(stream.read(_HEADER_BYTES)) is not None


def _check_target(file: Path) -> None:
    """Raise UsageError if *file* exists and is no backup: a mistyped name must not cost a file."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        return
    except OSError as err:
        raise StorageError(f"{file} cannot be looked at: {err.strerror}", "name another file") from err
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or not is_backup(file):
        raise UsageError(f"{file} is there already, and is no backup of AIL", "name another file, or move it away")


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """Make a directory for incomplete files, on the file system of *file*; it is removed in any case."""
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{file.name[:64]}.", dir=file.parent))
    except FileNotFoundError as err:
        raise NotFoundError(f"there is no directory {file.parent}", "make it first") from err
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _copy(repo: Repo, beside: Path) -> KeptRepo:
    copy = beside / repo.key
    (copy / WORDS).mkdir(parents=True)
    size = copy_store(repo.directory / STORE_FILE, copy / STORE_FILE)
    names = [STORE_FILE, *_copy_words(repo.directory, copy)]
    return KeptRepo(repo.place, *size, tuple(_describe(copy, name) for name in names))


def _copy_words(source: Path, copy: Path) -> list[str]:
    """Copy the word index and return its files' names; [] if it is changing: then the restore makes it anew.

    A copy saves time, and keeps the order of ties: an index made anew holds its documents in another order.
    """
    try:
        stamp = json.loads((source / STAMP).read_bytes())
        names = [STAMP, *(f"{WORDS}/{name}" for name in stamp["files"])]
        for name in names:
            shutil.copyfile(source / name, copy / name)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    return names


def _describe(copy: Path, name: str) -> KeptFile:
    with open(copy / name, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        return KeptFile(name, os.fstat(content.fileno()).st_size, digest)


def _write(stream: BinaryIO, manifest: Manifest, beside: Path) -> None:
    archive = ArchiveWriter(stream)
    archive.add_bytes(MANIFEST, manifest.to_bytes())
    for repo in manifest.repos:
        for file in repo.files:
            copy = beside / repo.key / file.name
            with open(copy, "rb") as content:
                archive.add(repo.name_member(file), content, file.size)
            copy.unlink()  # room for the next
    archive.finish()


@contextlib.contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise _unwritten(file, err) from err
    except StorageError as err:  # the copy of a database
        raise StorageError(
            f"the backup {file} could not be written: {err.message}", "nothing of it is left; free some space"
        ) from err


def _unwritten(file: Path, err: OSError) -> StorageError:
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"the backup {file} could not be written: the disk is full",
            "nothing of it is left; free some space, or name another disk",
        )
    return StorageError(
        f"the backup {file} could not be written: {err.strerror}",
        "name a file where the daemon may write: a hardened service may not in your home",
    )
