"""Where a bundle is published: a directory, or a ref of a repository. Both take what is new in one step, or nothing.

Two publishers at once: the directory is locked by one after the other. The ref moves only from where it was read, so that the
later one is told to begin again, and so is `git push` of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import StorageError

from ..history.command import GitCommand
from ..process.files import replace_file, sync_directory
from .manifest import MANIFEST_FILE, SIGNATURE_FILE

_KEPT_DAYS = 7
"""A segment that no manifest lists any more stays so long, for those who read the manifest before."""


class Shelf(Protocol):
    """A bundle's files, by name."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none. Raises StorageError."""

    def add(self, name: str, content: bytes) -> None:
        """Write a segment, which nobody reads before a manifest lists it. Raises StorageError."""

    def finish(self, head: Mapping[str, bytes], listed: Sequence[str]) -> None:
        """Replace the *head*: manifest, and signature if there is one. *listed* are the segments that it lists.

        Raises StorageError.
        """


class DirectoryShelf:
    """A directory. To be used within `locked_directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, name: str) -> bytes | None:
        """See Shelf."""
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as err:
            raise StorageError(f"{self._directory} cannot be read: {err.strerror}", "check its permissions") from err

    def add(self, name: str, content: bytes) -> None:
        """See Shelf."""
        with _writing(self._directory):
            replace_file(self._directory / name, content, is_synced=True)
            (self._directory / name).chmod(0o644)  # to be served to others; there is no text in it

    def finish(self, head: Mapping[str, bytes], listed: Sequence[str]) -> None:
        """See Shelf. The signature is there before its manifest: in between, a reader refuses the bundle."""
        for name in sorted(head, reverse=True):
            self.add(name, head[name])
        with _writing(self._directory):
            if SIGNATURE_FILE not in head:
                (self._directory / SIGNATURE_FILE).unlink(missing_ok=True)  # of the manifest that was
            sync_directory(self._directory)
            self._remove_old({*listed, MANIFEST_FILE, SIGNATURE_FILE})

    def _remove_old(self, kept: set[str]) -> None:
        before = time.time() - _KEPT_DAYS * 86_400
        for path in self._directory.iterdir():
            if path.name not in kept and not path.name.startswith(".") and path.stat().st_mtime < before:
                path.unlink()


@contextlib.contextmanager
def locked_directory(directory: Path) -> Iterator[DirectoryShelf]:
    """Make *directory* if need be, and hold it against another publisher. Raises StorageError."""
    with _writing(directory):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield DirectoryShelf(directory)
    finally:
        os.close(lock)


@contextlib.contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"the bundle cannot be written to {directory}: {err.strerror}", "free some space, or name another directory"
        ) from err


class RefShelf:
    """The tree of the commit that *ref* names. Nothing of the repository is run; nothing is fetched or pushed."""

    def __init__(self, place: RepoPlace, ref: str) -> None:
        self._git = GitCommand(place)
        self._ref = ref
        self._added: dict[str, str] = {}  # name -> sha of a blob
        done = self._git.run(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"])
        self._tip = "" if done.returncode else done.stdout.decode().strip()

    def read(self, name: str) -> bytes | None:
        """See Shelf."""
        if not self._tip:
            return None
        done = self._git.run(["cat-file", "blob", f"{self._tip}:{name}"])
        return None if done.returncode else done.stdout

    def add(self, name: str, content: bytes) -> None:
        """See Shelf."""
        self._added[name] = self._ask(["hash-object", "-w", "--stdin"], content)

    def finish(self, head: Mapping[str, bytes], listed: Sequence[str]) -> None:
        """See Shelf. Writes a tree and a commit, then moves the ref; raises StorageError where that moved meanwhile."""
        for name, content in head.items():
            self.add(name, content)
        blobs = {**self._list_blobs(set(listed)), **self._added}
        named = {name: sha for name, sha in blobs.items() if name in {*listed, *head}}
        listing = "".join(f"100644 blob {sha}\t{name}\n" for name, sha in sorted(named.items()))
        tree = self._ask(["mktree"], listing.encode())
        who = ["-c", "user.name=AIL", "-c", "user.email=ail@localhost"]
        parents = ["-p", self._tip] if self._tip else []
        commit = self._ask([*who, "commit-tree", *parents, "-m", "Embeddings", tree], b"")
        if self._git.run(["update-ref", self._ref, commit, self._tip or "0" * len(commit)]).returncode:
            raise StorageError(f"{self._ref} moved meanwhile: another publisher was quicker", "run it again")

    def _list_blobs(self, names: set[str]) -> dict[str, str]:
        """Return name -> sha of the blobs that are there and are to stay."""
        if not self._tip:
            return {}
        listed = self._git.read(["ls-tree", self._tip]).decode().splitlines()
        found = {line.partition("\t")[2]: line.split()[2] for line in listed}
        return {name: sha for name, sha in found.items() if name in names}

    def _ask(self, arguments: list[str], stdin: bytes) -> str:
        return self._git.read(arguments, stdin).decode().strip()
