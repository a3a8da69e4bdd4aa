"""The codes of a long history as a file beside the store, so that a start takes seconds and not half a minute.

A cache, as everything but the store is: the store knows the checksum of the file that is its own, and FAISS reads no other.
Only what came and went since it was written is looked up. It is written after a start without it, and at the end of a series of
changes once they are many or the file is a day old: the code of a commit that is gone must not stay for ever.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import numpy as np

from ail_rpc.errors import StorageError

from ..model import Ids
from ..process.checksum import hash_file
from .store import Store
from .vectors import FORMAT, Vectors

CODES = "vectors.codes"
"""The file's name in a repository's directory."""

_UNSAVED = 64
"""One part in so many may be missing from the file, to be looked up at a start: 16,000 of a million in .3 s."""
_OLDEST_S = 86_400.0


def load_vectors(vectors: Vectors, store: Store, path: Path) -> None:
    """Fill *vectors*, which are empty, from *store*, with the help of the file at *path* where it is the store's own.

    Raises ModelError or ValueError where the store's embeddings cannot be vectors.
    """
    is_large = vectors.would_be_codes(store.count()[0])
    missing = _load(vectors, store, path) if is_large else None
    for loaded in store.iter_embeddings(missing):
        vectors.add(*loaded)
    if missing is None:
        save_codes(vectors, store, path)


def save_codes(vectors: Vectors, store: Store, path: Path) -> None:
    """Write the file at *path* where that is due. One that cannot be written is done without: the next start takes longer."""
    if not vectors.are_codes or not vectors.unsaved or not _is_due(vectors, path):
        return
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600, exist_ok=False)  # FAISS would make it as the umask says
        vectors.save(beside)
        digest = _hash_file(beside)
        os.replace(beside, path)
        store.note_codes(digest)
    except (OSError, StorageError):
        with contextlib.suppress(OSError):
            beside.unlink()


def _is_due(vectors: Vectors, path: Path) -> bool:
    try:
        return vectors.unsaved > len(vectors) // _UNSAVED or abs(time.time() - path.stat().st_mtime) > _OLDEST_S
    except OSError:
        return True


def _load(vectors: Vectors, store: Store, path: Path) -> Ids | None:
    """Load the file if it is the store's own; return the ids of the commits that are not in it. None: nothing is loaded."""
    try:
        if not (noted := store.get_meta("codes")) or _hash_file(path) != noted:
            return None
        vectors.load(path)
    except OSError:
        return None
    ids, kept = store.list_ids(), vectors.ids
    vectors.remove(kept[~np.isin(kept, ids)])
    return ids[~np.isin(ids, kept)]


def _hash_file(path: Path) -> str:
    """Return a checksum of the file's content and of the version of the program that can read it."""
    return f"{FORMAT} {hash_file(path)}"
