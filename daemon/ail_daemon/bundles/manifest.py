"""The manifest of a bundle: which model, and which segments there are. Pure; everything that is read is checked."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

from ail_rpc.errors import StorageError

FORMAT_VERSION = 1
"""To be raised when manifest or segments are written in another way: older programs then refuse them."""

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.json.sig"
MANIFEST_MAX_BYTES = 4 << 20
"""Some 50,000 segments."""

ROWS_MAX = 16_384
"""Most rows of a segment: 13 MB with 384 dimensions."""

DIMENSION_MAX = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,127}")
_ENCODE_HERE = "the texts are encoded here instead"


class BundleError(StorageError):
    """A bundle cannot be had, or is refused: nothing of it is used."""

    def __init__(self, message: str, hint: str = _ENCODE_HERE) -> None:
        super().__init__(message, hint)


class Entry(NamedTuple):
    """A segment as the manifest lists it: the hash of its file, which is its name, and how many rows it has."""

    sha256: str
    rows: int


class Manifest(NamedTuple):
    """What a bundle holds. segments: the newest last."""

    model_id: str
    dimension: int
    segments: tuple[Entry, ...]

    @property
    def rows(self) -> int:
        """Rows of all segments; a text may have one in several."""
        return sum(entry.rows for entry in self.segments)

    def to_bytes(self) -> bytes:
        """Return the file's content: one form only, with a checksum, so that a changed byte is found without a signature."""
        content = {"format": FORMAT_VERSION, **self._asdict()}
        return (json.dumps({**content, "sum": _sum(content)}, sort_keys=True, indent=0) + "\n").encode()


def parse_manifest(content: bytes, model_id: str) -> Manifest:
    """Return the manifest of a bundle for the model *model_id*. Raises BundleError where it is anything else."""
    try:
        values: Any = json.loads(content)
        format_version = values["format"]
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise BundleError("its manifest is damaged") from err
    if type(format_version) is int and format_version > FORMAT_VERSION:
        raise BundleError("it was made by a newer AIL", "update AIL to use it; until then the texts are encoded here")
    manifest = _read(values)
    if manifest is None or manifest.to_bytes() != content:
        raise BundleError("its manifest is damaged")
    if manifest.model_id != model_id:
        raise BundleError(f"it is of another model ({manifest.model_id:.12}…) than serves here ({model_id:.12}…)")
    return manifest


def is_model_id(text: str) -> bool:
    """Whether *text* can name a model, and so a directory or a ref."""
    return bool(_MODEL.fullmatch(text)) and ".." not in text and not text.endswith((".", ".lock"))


def _read(values: dict[str, Any]) -> Manifest | None:
    match values:
        case {"model_id": str(model_id), "dimension": int(dimension), "segments": list(listed)}:
            entries = [entry for one in listed if (entry := _read_entry(one))]
            is_sound = is_model_id(model_id) and 0 < dimension <= DIMENSION_MAX and len(entries) == len(listed)
            is_sound = is_sound and len({entry.sha256 for entry in entries}) == len(entries)
            return Manifest(model_id, dimension, tuple(entries)) if is_sound else None
    return None


def _read_entry(listed: object) -> Entry | None:
    """Return a segment's entry. Its name becomes a path, so nothing but a hash passes."""
    match listed:
        case [str(sha256), int(rows)] if _SHA256.fullmatch(sha256) and 0 < rows <= ROWS_MAX:
            return Entry(sha256, rows)
    return None


def _sum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
