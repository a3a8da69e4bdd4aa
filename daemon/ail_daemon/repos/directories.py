"""Adds and removes repositories' data directories as a whole, even if this process is killed in between.

A directory to be removed is first renamed to `.going-*`, which ends its enrolment in one step. One to be added is made in
`.coming-*` and moved to its place once it is complete. The next start finishes what was begun.
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
"""Below the state directory; belongs to the user: this program removes nothing there."""

_GOING, _COMING = ".going-", ".coming-"  # deeper than `*/repo.json`: nothing in them is enrolled
_READY = "ready"  # marks a coming directory as complete: it must be moved to its place
_OLD = "old-"


def discard(directory: Path) -> None:
    """Remove *directory* with its content, and what an earlier removal left behind.

    Raises StorageError if that fails; the next removal or start tries again.
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
    """Make a `.coming-*` directory below *parent* for directories to be added; what is left in it is removed at the end."""
    with _translated("made"):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        coming = Path(tempfile.mkdtemp(prefix=_COMING, dir=parent))
    try:
        yield coming
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def promise(coming: Path) -> None:
    """Mark every directory in *coming* as complete: if `move_in` is not reached, the next start moves them."""
    with _translated("written"):
        (coming / _READY).touch(mode=0o600)
        for made in (coming, *_list(coming)):
            sync_directory(made)


def move_in(coming: Path, name: str) -> None:
    """Move the directory *name* from *coming* to its place; what was there is removed together with *coming*."""
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
    """Finish what a killed process began: remove `.going-*`, move complete `.coming-*` to their places, remove the others."""
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
