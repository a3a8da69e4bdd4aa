"""Adds embeddings to a bundle: what it has stays as it is, what it lacks becomes new segments."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from .manifest import MANIFEST_FILE, ROWS_MAX, SIGNATURE_FILE, BundleError, Entry, Manifest, parse_manifest
from .segments import get_size, pack_segment, unpack_rows
from .shelves import Shelf

Row = tuple[bytes, bytes]
"""A text's hash (16 bytes), and its embedding as float16 bytes."""

Sign = Callable[[bytes], bytes]

SMALL_ROWS, SMALL_SEGMENTS = 1024, 32
"""So many segments of so few rows at the end are replaced by one: whoever publishes at each merge would leave thousands."""


class Published(NamedTuple):
    """What publishing did: rows and segments added, bytes written, and the rows that the bundle has now."""

    added: int
    segments: int
    written: int
    rows: int


def publish(shelf: Shelf, model_id: str, dimension: int, rows: Iterable[Row], sign: Sign | None = None) -> Published:
    """Add those of *rows* that the bundle on *shelf* lacks, the oldest first. Raises BundleError where that is damaged."""
    before = read_manifest(shelf, model_id) or Manifest(model_id, dimension, ())
    if before.dimension != dimension:
        raise BundleError("the bundle there has embeddings of another length", "publish to another place")
    known = {key for entry in before.segments for key, _ in iter_rows(shelf, entry, dimension)}
    new: list[Entry] = []
    written = 0
    for entry, content in _pack_all(model_id, dimension, (row for row in rows if row[0] not in known)):
        shelf.add(entry.sha256, content)
        new.append(entry)
        written += len(content)
    manifest = before._replace(segments=(*before.segments, *new))
    if new:
        manifest = _join_small(shelf, manifest)
    if new or sign or not before.segments:
        content = manifest.to_bytes()
        head = {MANIFEST_FILE: content} | ({SIGNATURE_FILE: sign(content)} if sign else {})
        shelf.finish(head, [entry.sha256 for entry in manifest.segments])
        written += len(content)
    return Published(sum(entry.rows for entry in new), len(new), written, manifest.rows)


def merge(source: Shelf, shelf: Shelf, model_id: str, sign: Sign | None = None) -> Published:
    """Add what the bundle on *source* has and the one on *shelf* lacks. Raises BundleError where either is none."""
    found = read_manifest(source, model_id)
    if found is None:
        raise BundleError("there is no bundle of this model to merge", "`ail-daemon bundle create` makes one")
    rows = (row for entry in found.segments for row in iter_rows(source, entry, found.dimension))
    return publish(shelf, model_id, found.dimension, rows, sign)


def read_manifest(shelf: Shelf, model_id: str) -> Manifest | None:
    """Return the manifest on *shelf*, None where there is no bundle. Raises BundleError where it is damaged."""
    content = shelf.read(MANIFEST_FILE)
    return None if content is None else parse_manifest(content, model_id)


def _pack_all(model_id: str, dimension: int, rows: Iterable[Row]) -> Iterator[tuple[Entry, bytes]]:
    iterator = iter(rows)
    while part := dict(islice(iterator, ROWS_MAX)):
        yield pack_segment(model_id, dimension, part)


def _join_small(shelf: Shelf, manifest: Manifest) -> Manifest:
    """Return *manifest* with the small segments at its end joined into one, if there are many of them."""
    tail = manifest.segments[-SMALL_SEGMENTS:]
    if len(tail) < SMALL_SEGMENTS or any(entry.rows >= SMALL_ROWS for entry in tail):
        return manifest
    rows = [row for entry in tail for row in iter_rows(shelf, entry, manifest.dimension)]
    joined = []
    for entry, content in _pack_all(manifest.model_id, manifest.dimension, rows):
        shelf.add(entry.sha256, content)
        joined.append(entry)
    return manifest._replace(segments=(*manifest.segments[:-SMALL_SEGMENTS], *joined))


def iter_rows(shelf: Shelf, entry: Entry, dimension: int) -> Iterator[Row]:
    """Yield the rows of a segment that a manifest on *shelf* lists. Raises BundleError where it is not what that says."""
    yield from unpack_rows(_read_segment(shelf, entry, dimension), entry.rows, dimension)


def _read_segment(shelf: Shelf, entry: Entry, dimension: int) -> bytes:
    content = shelf.read(entry.sha256)
    if content is None or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise BundleError(
            "a segment of the bundle there is missing or damaged", "remove that bundle, and create it anew"
        )
    if len(content) != get_size(entry.rows, dimension):
        raise BundleError("a segment of the bundle there is not what its manifest lists", "remove that bundle")
    return content
