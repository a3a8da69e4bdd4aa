"""Checks that a database file is byte for byte what this program left: SQLite notices damage to its structure only.

The seal is a hash of the main file, in a file beside it. The main file changes only at checkpoints, so the seal is removed before
the first of a series of changes and made again after the last: 15 ms for each 50 MB. The write-ahead log has SQLite's own
checksums: a damaged part counts as not written. A file without a seal, as a killed update leaves it, is looked over by SQLite
when it is opened.
"""

from __future__ import annotations

from pathlib import Path

from ail_daemon.process.checksum import hash_file, hash_file_as_before
from ail_daemon.process.files import replace_file

_DIGITS, _DIGITS_BEFORE = 32, 128


def check_seal(path: Path) -> bool | None:
    """Return whether the database at *path* matches its seal; None if there is no seal."""
    try:
        sealed = _seal_of(path).read_text("ascii")
    except (OSError, ValueError):
        return None
    if len(sealed) == _DIGITS_BEFORE:
        return sealed == hash_file_as_before(path)
    return sealed == hash_file(path) if len(sealed) == _DIGITS else None


def break_seal(path: Path) -> None:
    """Remove the seal of the database at *path*, which is about to change."""
    _seal_of(path).unlink(missing_ok=True)


def make_seal(path: Path) -> None:
    """Seal the database at *path* as it is now. Raises OSError; then there is no seal."""
    replace_file(_seal_of(path), hash_file(path).encode("ascii"))


def _seal_of(path: Path) -> Path:
    return path.with_suffix(".seal")
