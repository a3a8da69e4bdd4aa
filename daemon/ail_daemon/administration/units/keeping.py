"""Writes and removes unit files of ours in a shared directory: all or none, recognised by their mark, never over others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ail_daemon.process.files import replace_file
from ail_rpc.errors import StorageError, UsageError

from .texts import MARK


def save(wanted: Mapping[Path, str]) -> list[Path]:
    """Write the texts that are not there already; return the paths of those.

    Raises UsageError, before anything is written, if a file that is not ours is in the way; StorageError.
    """
    for path in wanted:
        _refuse_others(path)
    stale = [path for path, text in wanted.items() if read(path) != text]
    for path in stale:
        _write(path, wanted[path])
    return stale


def remove(paths: Iterable[Path]) -> list[Path]:
    """Remove the files that are ours, and links to them, and a directory `….d` or `….wants` that is empty then.

    Returns what was removed.
    """
    gone = [path for path in paths if MARK in (read(path) or "")]
    for path in gone:
        path.unlink()
        if path.parent.suffix in (".d", ".wants"):
            with suppress(OSError):  # other people's are in it
                path.parent.rmdir()
    return gone


def read(path: Path) -> str | None:
    """Return a file's text, None if there is no file or it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _refuse_others(path: Path) -> None:
    if os.path.lexists(path) and MARK not in (read(path) or ""):
        raise UsageError(f"{path} is not ours, and stays as it is", "move it away first, or go on using it")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as err:
        raise StorageError(
            f"{path} cannot be written: {err.strerror}", "it is where the service manager looks"
        ) from err
