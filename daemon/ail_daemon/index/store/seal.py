"""Whether a database file is byte for byte what this program left. SQLite notices damage to its structure, not to what it keeps.

The seal is a hash of the main file, in a file beside it. That file changes at checkpoints alone, so the seal is broken before
each and made again after it: 60 ms for each 50 MB. The write-ahead log has sums of SQLite's own: what is damaged there is as
if it had not been written.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ail_daemon.process.files import replace_file

_DIGITS = 2 * hashlib.blake2b().digest_size


def check_seal(path: Path) -> bool | None:
    """Return whether the database at *path* is what was sealed; None where there is no seal to go by."""
    try:
        sealed = _seal_of(path).read_text("ascii")
    except (OSError, ValueError):
        return None
    if len(sealed) != _DIGITS:
        return None
    return sealed == _hash(path)


def break_seal(path: Path) -> None:
    """Let the database at *path* be changed: until it is sealed again nothing is known of it."""
    _seal_of(path).unlink(missing_ok=True)


def make_seal(path: Path) -> None:
    """Seal the database at *path* as it is now. Raises OSError; it is without a seal then."""
    replace_file(_seal_of(path), _hash(path).encode("ascii"))


def _seal_of(path: Path) -> Path:
    return path.with_suffix(".seal")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
