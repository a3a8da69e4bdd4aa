"""Where a build writes: for each bundle, a directory that all machines share, or an address that fsspec can write to.

A part is written by whoever encoded it, without a lock: its name is the hash of its content. Only the driver publishes, in
`open_locked`. A directory is locked meanwhile. An object store has no lock: who publishes checks that the manifest is still the
one it began with, and begins again where it is not.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ail_daemon.bundles.manifest import MANIFEST_FILE, SIGNATURE_FILE
from ail_daemon.bundles.shelves import DirectoryShelf, Shelf, locked_directory
from ail_daemon.process.files import sync_directory
from ail_rpc.errors import NotInstalledError, StorageError, UsageError

PART = ".part"
"""How the name of a part ends; before that stands the SHA-256 of its content."""

_CHECK = "check the address, and the rights to write there"
_UNWRITABLE = ("http", "https", "ref", "git", "ssh")


class MovedError(StorageError):
    """Another builder published to the same bundle meanwhile: nothing was changed, and it can be tried again."""


class Output(Shelf, Protocol):
    """A bundle's files, and the parts that no manifest lists yet. Every method raises StorageError."""

    def add_part(self, name: str, content: bytes) -> None:
        """Write a part; it is whole or not there, and on the disk when this returns."""

    def list_parts(self) -> list[str]:
        """Return the names of all parts."""

    def remove_parts(self, names: Iterable[str]) -> None:
        """Delete parts; one that is not there any more is no fault."""


def check_address(out: str) -> str:
    """Return *out* as every machine takes it: an absolute directory, or an address. Raises UsageError for others."""
    scheme = "" if out.startswith(("/", "~", ".")) else urlsplit(out).scheme
    if scheme in _UNWRITABLE:
        raise UsageError(
            f"--out {out} cannot be written to", "name a directory, or an object store: s3://bucket/ail/{name}"
        )
    if scheme in ("", "file"):
        return os.path.abspath(os.path.expanduser(out.removeprefix("file://")))
    return out.rstrip("/")


def open_output(out: str, model_id: str) -> Output:
    """Open the bundle of *model_id* at *out* to write parts and to read. Raises StorageError, NotInstalledError."""
    return DirectoryOutput(Path(out) / model_id) if out.startswith("/") else AddressOutput(f"{out}/{model_id}")


@contextlib.contextmanager
def open_locked(out: str, model_id: str) -> Iterator[Output]:
    """Open the bundle at *out* to publish to it. Raises StorageError; MovedError where another builder was quicker."""
    if not out.startswith("/"):
        yield AddressOutput(f"{out}/{model_id}")
        return
    with locked_directory(Path(out) / model_id):
        yield DirectoryOutput(Path(out) / model_id)


class DirectoryOutput(DirectoryShelf):
    """A directory, the same on every machine."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.path = directory

    def add_part(self, name: str, content: bytes) -> None:
        """See Output. The temporary name is this writer's own: another machine may write the same part."""
        beside = self.path / f".{name}.{secrets.token_hex(8)}"
        with self._writing():
            self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
            try:
                with open(beside, "xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, self.path / name)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            sync_directory(self.path)

    def list_parts(self) -> list[str]:
        """See Output."""
        with self._writing():
            return sorted(path.name for path in self.path.glob(f"*{PART}")) if self.path.is_dir() else []

    def remove_parts(self, names: Iterable[str]) -> None:
        """See Output."""
        with self._writing():
            for name in names:
                (self.path / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise StorageError(
                f"{self.path} cannot be written: {err.strerror}",
                "free some space, or let this user write there; what was written is kept, and the next run goes on from it",
            ) from err


class AddressOutput:
    """An address that fsspec writes to, as s3:// and gs://. Each write is whole or does not happen, as object stores have it."""

    def __init__(self, address: str) -> None:
        try:
            import fsspec  # heavy, and not needed for a directory

            self._files, self._base = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as err:
            raise NotInstalledError(
                f"{address} cannot be opened: {err}", "install what fsspec needs for it: s3fs, gcsfs, adlfs"
            ) from err
        self._address = address
        self._seen: bytes | None = None  # the manifest that was read

    def read(self, name: str) -> bytes | None:
        """See Shelf."""
        with self._talking():
            try:
                content = bytes(self._files.cat_file(f"{self._base}/{name}"))
            except FileNotFoundError:
                return None
        if name == MANIFEST_FILE:
            self._seen = content
        return content

    def add(self, name: str, content: bytes) -> None:
        """See Shelf."""
        with self._talking():
            self._files.makedirs(self._base, exist_ok=True)
            self._files.pipe_file(f"{self._base}/{name}", content)

    add_part = add

    def finish(self, head: Mapping[str, bytes], listed: Sequence[str]) -> None:
        """See Shelf. Segments that no manifest lists any more stay: a rule of the store may delete what is old."""
        del listed
        before = self._seen
        if self.read(MANIFEST_FILE) != before:
            raise MovedError(f"the bundle at {self._address} was published meanwhile", "run it again")
        for name in sorted(head, reverse=True):  # the signature first: in between, a reader refuses the bundle
            self.add(name, head[name])
        if SIGNATURE_FILE not in head:
            self.remove_parts([SIGNATURE_FILE])  # of the manifest that was

    def list_parts(self) -> list[str]:
        """See Output."""
        with self._talking():
            self._files.invalidate_cache()
            try:
                names = [str(path).rpartition("/")[2] for path in self._files.ls(self._base, detail=False)]
            except FileNotFoundError:
                return []
        return sorted(name for name in names if name.endswith(PART))

    def remove_parts(self, names: Iterable[str]) -> None:
        """See Output."""
        for name in names:
            with self._talking(), contextlib.suppress(FileNotFoundError):
                self._files.rm_file(f"{self._base}/{name}")

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (StorageError, FileNotFoundError):
            raise
        except Exception as err:  # fsspec's carriers raise errors of libraries of their own
            raise StorageError(f"{self._address} cannot be used: {err!s:.200}", _CHECK) from err
