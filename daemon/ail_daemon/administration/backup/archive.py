"""A backup's format: a plain tar of members in a fixed order, so that `tar tf` lists it.

    manifest.json           what follows, with sizes and hashes (see `manifest`)
    repos/<key>/…           the files of each repository, in the manifest's order
    SHA256                  the hash of every byte that stands before this member

A reader trusts nothing: each header must be, to the byte, what the writer makes of the expected name and size, so links, other
names, extensions and sparse members are refused. Nothing is compressed: no member is larger than the file. Any flipped
bit is found by a header, a hash, or the zeros at the end.
"""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

from ail_rpc.errors import StorageError

MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 16 << 20
"""Some 40,000 repositories."""

_CHECKSUM = "SHA256"
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_PIECE = 1 << 20


class ArchiveWriter:
    """Writes members to *stream*, one after the other, then `finish`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def add(self, name: str, content: BinaryIO, size_bytes: int) -> None:
        """Add a member with the *size_bytes* that *content* holds."""
        self._write(_make_header(name, size_bytes))
        while piece := content.read(_PIECE):
            self._write(piece)
        self._write(bytes(_padding(size_bytes)))

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a member that holds *content*."""
        self.add(name, io.BytesIO(content), len(content))

    def finish(self) -> None:
        """Add the checksum and the end."""
        digest = self._hash.hexdigest().encode()
        self._write(_make_header(_CHECKSUM, len(digest)) + digest + bytes(_padding(len(digest))) + _END)

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._stream.write(data)


class ArchiveReader:
    """Reads members from *stream* in the order they were written in. Raises StorageError where one is not as it was written."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._hash = hashlib.sha256()

    def read_manifest(self) -> bytes:
        """Return the first member. Raises StorageError where the file is no backup."""
        header = self._stream.read(_BLOCK)
        size = parse_manifest_size(header)
        if size is None:
            raise StorageError(f"{self._name} is no backup of AIL", "`ail-client backup FILE` makes one")
        self._hash.update(header)
        manifest = self._take(size)
        self._expect(bytes(_padding(size)))
        return manifest

    def copy(self, name: str, size_bytes: int, target: BinaryIO) -> str:
        """Write the next member, which must have this name and size, to *target*; return its SHA-256 in hex."""
        self._expect(_make_header(name, size_bytes))
        content, left = hashlib.sha256(), size_bytes
        while left:
            piece = self._take(min(left, _PIECE))
            content.update(piece)
            target.write(piece)
            left -= len(piece)
        self._expect(bytes(_padding(size_bytes)))
        return content.hexdigest()

    def finish(self) -> None:
        """Check the checksum over all that was read, and that nothing follows it."""
        digest = self._hash.hexdigest().encode()
        self._expect(_make_header(_CHECKSUM, len(digest)))
        self._expect(digest + bytes(_padding(len(digest))) + _END)
        if self._stream.read(1):
            raise damaged(self._name, "something follows its end")

    def _expect(self, data: bytes) -> None:
        if self._take(len(data)) != data:
            raise damaged(self._name, "it is not as it was written")

    def _take(self, size_bytes: int) -> bytes:
        data = self._stream.read(size_bytes)
        if len(data) < size_bytes:
            raise damaged(self._name, "it is cut short")
        self._hash.update(data)
        return data


def parse_manifest_size(header: bytes) -> int | None:
    """Return the size of the manifest whose member begins with *header*, None where that begins no backup."""
    import tarfile  # by the first backup alone: the daemon's start does not pay for it

    try:
        member = tarfile.TarInfo.frombuf(header, "ascii", "strict")
    except (tarfile.TarError, ValueError):
        return None
    is_ours = member.name == MANIFEST and 0 < member.size <= MANIFEST_MAX_BYTES
    return member.size if is_ours and header == _make_header(MANIFEST, member.size) else None


def measure(sizes: list[int]) -> int:
    """Return the bytes of a backup whose members, manifest first, have these *sizes*."""
    padded = [_BLOCK + size + _padding(size) for size in (*sizes, 64)]
    return sum(padded) + len(_END)


def damaged(name: str, how: str) -> StorageError:
    """Return the error for a backup that is not whole."""
    return StorageError(f"the backup {name} is damaged: {how}", "nothing was changed; take another backup")


def _make_header(name: str, size_bytes: int) -> bytes:
    import tarfile

    member = tarfile.TarInfo(name)
    member.size, member.mode = size_bytes, 0o600
    return member.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def _padding(size_bytes: int) -> int:
    return -size_bytes % _BLOCK
