"""The word embeddings of a prepared model, read from disk a row at a time.

Half of a small model's bytes are one row for each of its 30,522 word pieces, and a question needs some ten of them: reading
those (0.5 µs a row, from the page cache) keeps 12 MB out of the daemon's memory. `pread` and no mapping: a mapped file
that somebody truncates is a SIGBUS, a short read is an error.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ail_rpc.errors import ModelError

Floats = npt.NDArray[np.float32]
_SCALE = np.dtype("<f4")


def write_table(words: Floats, *, is_quantised: bool) -> bytes:
    """Return the file of the table *words* (n, hidden): float32 rows, or a float32 scale and int8 values a row."""
    if not is_quantised:
        return words.astype("<f4").tobytes()
    scale = np.abs(words).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1
    small = np.rint(words / scale).astype(np.int8)
    return np.concatenate([scale.astype(_SCALE).view(np.int8), small], axis=1).tobytes()


class WordTable:
    """The table in *path*, whose content was checked; rows have *hidden* values. Safe to use from several threads."""

    def __init__(self, path: Path, hidden: int, *, is_quantised: bool) -> None:
        self._file = path.open("rb", buffering=0)
        self._hidden = hidden
        self._is_quantised = is_quantised
        self._row_bytes = _SCALE.itemsize + hidden if is_quantised else 4 * hidden

    def look_up(self, ids: list[int]) -> Floats:
        """Return the embeddings of *ids*: (1, len(ids), hidden). Raises ModelError where the file lost its rows."""
        fd, size = self._file.fileno(), self._row_bytes
        read = b"".join([os.pread(fd, size, i * size) for i in ids])
        if len(read) != size * len(ids):
            raise ModelError("the prepared model was changed while in use", "run `ail-daemon model prepare`")
        if not self._is_quantised:
            return np.frombuffer(read, "<f4").reshape(1, len(ids), self._hidden)
        rows = np.frombuffer(read, np.int8).reshape(len(ids), size)
        scale = rows[:, :4].copy().view(_SCALE)
        found: Floats = (rows[:, 4:] * scale)[None]
        return found
