"""A segment: rows of a text's hash and its embedding, in one file that is named by its own SHA-256 and never changes.

    8 bytes     AILSEG01
    32 bytes    SHA-256 of the model's id
    4 + 4       dimension, rows (little-endian)
    16 a row    hashes of the texts, ascending
    2 a number  their embeddings, float16, one after the other

The hashes stand together, so that a reader keeps them (2 % of the file) and knows later what a segment can bring.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .manifest import BundleError, Entry, Manifest

Keys = npt.NDArray[np.bytes_]
"""Hashes of texts, dtype S16; compared by numpy as the bytes that they are."""

Halves = npt.NDArray[np.float16]

Rows = npt.NDArray[np.int64]

KEY_BYTES = 16
_HEADER = struct.Struct("<8s32sII")
_MAGIC = b"AILSEG01"
_NORM_SLACK = 0.01
"""An embedding has unit length; rounding to float16 moves that by less than a thousandth."""


class Segment(NamedTuple):
    """The rows of a segment: keys (n,), embeddings (n, dimension)."""

    keys: Keys
    embeddings: Halves

    def find(self, wanted: Keys) -> tuple[Rows, Rows]:
        """Return the places in *wanted*, and the rows here, of the keys that are in both."""
        rows = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        places = np.flatnonzero(self.keys[rows] == wanted)
        return places, rows[places]


def get_size(rows: int, dimension: int) -> int:
    """Return the bytes of a segment's file."""
    return _HEADER.size + rows * (KEY_BYTES + 2 * dimension)


def pack_segment(model_id: str, dimension: int, rows: Mapping[bytes, bytes]) -> tuple[Entry, bytes]:
    """Return a segment of *rows* (hash of a text -> its embedding as float16 bytes) with its entry for the manifest."""
    keys = sorted(rows)
    header = _HEADER.pack(_MAGIC, _hash_model(model_id), dimension, len(keys))
    content = b"".join((header, *keys, *(rows[key] for key in keys)))
    return Entry(hashlib.sha256(content).hexdigest(), len(keys)), content


def open_segment(path: Path, entry: Entry, manifest: Manifest) -> Segment:
    """Map a segment's file into memory after checking all of it. Raises BundleError unless it is what the manifest lists."""
    size = get_size(entry.rows, manifest.dimension)
    with path.open("rb") as file:
        is_whole = path.stat().st_size == size and hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
    if not is_whole:
        raise BundleError("a segment is not what its manifest lists: it is cut short or was altered")
    raw = np.memmap(path, np.uint8, "r")
    if raw[: _HEADER.size].tobytes() != _HEADER.pack(
        _MAGIC, _hash_model(manifest.model_id), manifest.dimension, entry.rows
    ):
        raise BundleError("a segment is of another model or format than its manifest says")
    split = _HEADER.size + entry.rows * KEY_BYTES
    segment = Segment(read_keys(raw[_HEADER.size : split].tobytes()), raw[split:].view("<f2").reshape(entry.rows, -1))
    _check_rows(segment)
    return segment


def count_rows(content: bytes, model_id: str, dimension: int) -> int | None:
    """Return how many rows a segment's file has, None where *content* is no segment of this model and dimension."""
    rows = (len(content) - _HEADER.size) // (KEY_BYTES + 2 * dimension)
    is_segment = rows > 0 and len(content) == get_size(rows, dimension)
    header = _HEADER.pack(_MAGIC, _hash_model(model_id), dimension, rows) if is_segment else b""
    return rows if is_segment and content.startswith(header) else None


def unpack_rows(content: bytes, rows: int, dimension: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a segment's file that was checked: a text's hash, and its embedding as float16 bytes."""
    size, begin = 2 * dimension, get_size(0, dimension)
    vectors = begin + rows * KEY_BYTES
    for number in range(rows):
        key = content[begin + number * KEY_BYTES : begin + (number + 1) * KEY_BYTES]
        yield key, content[vectors + number * size : vectors + (number + 1) * size]


def read_keys(joined: bytes) -> Keys:
    """Return keys that stand one after the other."""
    return np.frombuffer(joined, f"S{KEY_BYTES}")


def _check_rows(segment: Segment) -> None:
    if not np.all(segment.keys[1:] > segment.keys[:-1]):
        raise BundleError("the rows of a segment are not in order")
    for start in range(0, len(segment.keys), 1024):  # in parts: float32 of all would double the memory
        norms = np.linalg.norm(segment.embeddings[start : start + 1024].astype(np.float32), axis=1)
        if not np.all(np.abs(norms - 1) <= _NORM_SLACK):  # False for what is no number, too
            raise BundleError("a segment holds rows that are no embeddings")


def _hash_model(model_id: str) -> bytes:
    return hashlib.sha256(model_id.encode()).digest()
