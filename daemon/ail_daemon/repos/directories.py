"""Repositories' data directories come and go as a whole, also where this process is killed in between.

What goes is first renamed, so that it is no longer enrolled and known to be on its way out, in one step. What comes is made
beside the others, and moved to its place once all of it is there. A start finishes what was begun.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ail_rpc.errors import StorageError

from ..process.files import sync_directory

BACKUPS = "backups"
"""Below the state directory, the user's own: no part of this program removes anything there."""

_GOING, _COMING = ".going-", ".coming-"  # deeper than `*/repo.json`: nothing in them is enrolled
_READY = "ready"  # in a coming directory: all is there, and must be moved to its place
_OLD = "old-"


def discard(directory: Path) -> None:
    """Remove *directory* and all in it, and what an earlier removal left behind.

    Raises StorageError where that cannot be; the next removal, or start, tries it again.
    """
    if not directory.exists():
        return
    with _translated("removed"):
        going = Path(tempfile.mkdtemp(prefix=_GOING, dir=directory.parent))
        os.rename(directory, going / directory.name)
        sync_directory(directory.parent)
        for left in directory.parent.glob(f"{_GOING}*"):
            shutil.rmtree(left, ignore_errors=left != going)


@contextlib.contextmanager
def staged(parent: Path) -> Iterator[Path]:
    """Make a directory in which others are made that shall come to *parent*; what was not moved there goes with it."""
    with _translated("made"):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        coming = Path(tempfile.mkdtemp(prefix=_COMING, dir=parent))
    try:
        yield coming
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def promise(coming: Path) -> None:
    """Note that every directory in *coming* is whole: from now on a start moves them, if `move_in` does not."""
    with _translated("written"):
        (coming / _READY).touch(mode=0o600)
        for made in (coming, *_list(coming)):
            sync_directory(made)


def move_in(coming: Path, name: str) -> None:
    """Move the directory *name* from *coming* to its place; what stood there goes when *coming* does."""
    with _translated("replaced"):
        place = coming.parent / name
        old = coming / f"{_OLD}{name}"
        if place.exists():
            os.rename(place, old)
        try:
            os.rename(coming / name, place)
        except OSError:
            if old.exists():
                os.rename(old, place)
            raise
        sync_directory(coming.parent)


def finish_begun(parent: Path) -> None:
    """Finish what a killed process began: remove what was going, move in what was promised, drop what was not."""
    for coming in parent.glob(f"{_COMING}*"):
        if (coming / _READY).exists():
            for made in _list(coming):
                move_in(coming, made.name)
    for left in (*parent.glob(f"{_COMING}*"), *parent.glob(f"{_GOING}*")):
        with _translated("removed"):
            shutil.rmtree(left)


def _list(coming: Path) -> list[Path]:
    return [made for made in coming.iterdir() if made.is_dir() and not made.name.startswith(_OLD)]


@contextlib.contextmanager
def _translated(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"a repository's data could not be {done}: {err.strerror}",
            "see that the state directory is writable and has room, then do it again",
        ) from err
