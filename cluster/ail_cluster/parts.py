"""Parts: what was encoded and is not published yet. Each is a segment of at most PIECE rows, named by the hash of its content.

They are all that a build remembers. One that was killed left its parts on the output; the next finds them, encodes the rest, and
publishes both. Once every row of a part is in a segment that the manifest lists, the part is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

import numpy as np

from ail_daemon.bundles.manifest import BundleError
from ail_daemon.bundles.publishing import Row, iter_rows, read_manifest
from ail_daemon.bundles.segments import KEY_BYTES, count_rows, pack_segment, unpack_rows
from ail_daemon.model import Embeddings
from ail_rpc.errors import StorageError

from .output import PART, Output

PIECE = 1024
"""Rows of a part: some three seconds of a core, which is the most that a killed worker loses."""

_KEPT = 64  # parts in memory while a repository is published: 50 MB


def write_part(output: Output, model_id: str, keys: Sequence[bytes], embeddings: Embeddings) -> None:
    """Write the *embeddings* (n, dimension) of the texts whose hashes are *keys*. Raises StorageError."""
    halves = embeddings.astype(np.float16)
    rows = {key: row.tobytes() for key, row in zip(keys, halves, strict=True)}
    entry, content = pack_segment(model_id, embeddings.shape[1], rows)
    output.add_part(entry.sha256 + PART, content)


def find_listed(output: Output, model_id: str) -> set[bytes]:
    """Return the hashes of all texts that the manifest's segments have. Raises StorageError where one is damaged."""
    try:
        manifest = read_manifest(output, model_id)
        entries = manifest.segments if manifest else ()
        return {key for entry in entries for key, _ in iter_rows(output, entry, manifest.dimension if manifest else 0)}
    except BundleError as err:
        raise StorageError(
            f"the bundle there cannot be added to: {err.message}", "remove it, or build to another place"
        ) from err


class Parts:
    """The parts that lay on *output* when this was made. A damaged one has no rows."""

    def __init__(self, output: Output, model_id: str, dimension: int) -> None:
        self._output = output
        self._model_id, self._dimension = model_id, dimension
        self._keys = {name: [key for key, _ in self._read(name)] for name in output.list_parts()}
        self._names = {key: name for name, keys in self._keys.items() for key in keys}
        self._load = lru_cache(_KEPT)(lambda name: dict(self._read(name)))

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def iter_rows(self, order: bytes) -> Iterator[Row]:
        """Yield the rows that the parts have of those texts whose hashes stand one after the other in *order*."""
        for key in split_keys(order):
            if (name := self._names.get(key)) and (row := self._load(name).get(key)):
                yield key, row  # else another builder published that part, and deleted it

    def list_done(self, listed: Container[bytes]) -> list[str]:
        """Return the names of parts of which every row is in *listed*: they may be deleted."""
        return [name for name, keys in self._keys.items() if all(key in listed for key in keys)]

    def _read(self, name: str) -> Iterator[Row]:
        content = self._output.read(name) or b""
        rows = count_rows(content, self._model_id, self._dimension)
        if rows is not None and hashlib.sha256(content).hexdigest() + PART == name:
            yield from unpack_rows(content, rows, self._dimension)


def split_keys(joined: bytes) -> Iterator[bytes]:
    """Yield the hashes that stand one after the other in *joined*."""
    return (joined[start : start + KEY_BYTES] for start in range(0, len(joined), KEY_BYTES))
