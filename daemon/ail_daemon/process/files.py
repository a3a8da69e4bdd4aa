"""Replaces a file at once: a reader sees the old content or the new, and a failed write leaves no temporary file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, is_synced: bool = False) -> None:
    """Write *content* to *path*, mode 0600; if *is_synced* it is on the disk when this returns.

    Raises OSError; then the old content stays.
    """
    beside = path.with_name(path.name + ".new")
    try:
        with open(beside, "wb", opener=_open_own) as file:
            file.write(content)
            file.flush()
            if is_synced:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def sync_directory(path: Path) -> None:
    """Write the names in a directory to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_own(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
