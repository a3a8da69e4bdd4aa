"""One hook file in a hooks directory: installs a shim, keeps the former hook, and restores it.

The former hook is renamed, never copied: its bytes, mode, and what a link points to stay.
"""

from __future__ import annotations

import contextlib
import os
import stat

from ail_rpc.errors import StorageError

from .shims import KEPT_SUFFIX, is_shim, make_shim

_SHIM_MAX_BYTES = 1 << 16


class HookFile:
    """The place of *event*'s hook in *directory*."""

    def __init__(self, directory: str, event: str, hints_file: str) -> None:
        self.path = os.path.join(directory, event)
        self.kept = self.path + KEPT_SUFFIX
        self._event = event
        self._hints_file = hints_file

    def get_state(self) -> str:
        """Return "installed", "chained" (another hook runs first), "outdated", "not ours" or "missing"."""
        content = self._read_shim()
        if content is None:
            return "not ours" if os.path.lexists(self.path) else "missing"
        is_chained = os.path.lexists(self.kept)
        if content != self._make(is_chained) or not os.access(self.path, os.X_OK):
            return "outdated"
        return "chained" if is_chained else "installed"

    @property
    def is_ours(self) -> bool:
        """Whether the file is a shim of ours, of any version."""
        return self._read_shim() is not None

    @property
    def has_forgotten(self) -> bool:
        """Whether a former hook is kept here, but our shim was replaced by another program."""
        both = os.path.lexists(self.kept) and os.path.lexists(self.path)
        return both and not self.is_ours and not self._is_kept_itself()

    def check(self) -> None:
        """Raise StorageError if `install` would lose something; change nothing."""
        if self.has_forgotten:
            raise StorageError(
                f"{self.path} is not ours, and {self.kept} is still kept from an earlier installation",
                "put what you want to keep of both into the first, remove the second, then install again",
            )
        for path in (self.path, self.kept):
            if os.path.isdir(path):
                raise StorageError(f"{path} is a directory, and git expects a hook there", "move it away first")

    def install(self) -> None:
        """Install the shim; a hook that is not ours is kept beside it and called first. Raises StorageError."""
        if self.get_state() in ("installed", "chained"):
            return
        has_kept = False
        try:
            if not self.is_ours and os.path.lexists(self.path):
                has_kept = self._keep()
            self._write(self._make(os.path.lexists(self.kept)))
        except OSError as err:
            if has_kept:
                self._give_back()
            raise StorageError(f"{self.path} was not installed: {err.strerror}", "nothing was changed there") from err

    def uninstall(self) -> bool:
        """Remove the shim and restore the former hook; return whether anything changed. Raises StorageError."""
        try:
            if self.has_forgotten or not (self.is_ours or os.path.lexists(self.kept)):
                return False
            if os.path.lexists(self.kept):
                self._give_back()
            else:
                os.unlink(self.path)
        except OSError as err:
            raise StorageError(f"{self.path} was not removed: {err.strerror}", "see who may write there") from err
        return True

    def _keep(self) -> bool:
        """Give the former hook its second name; return whether this call did. Raises OSError.

        By a hard link where possible: unlike a rename it does not replace what another installation keeps at the same
        moment, and the hook is never missing.
        """
        if self._is_kept_itself():
            return False
        try:
            os.link(self.path, self.kept, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            os.rename(self.path, self.kept)
        return True

    def _give_back(self) -> None:
        """Rename the kept hook back. Raises OSError."""
        if self._is_kept_itself():
            os.unlink(self.kept)
        else:
            os.replace(self.kept, self.path)

    def _is_kept_itself(self) -> bool:
        """Whether the hook and the kept one are one file: an installation is under way, or was killed."""
        try:
            return os.path.samestat(os.lstat(self.path), os.lstat(self.kept))
        except OSError:
            return False

    def _make(self, is_chained: bool) -> bytes:
        return make_shim(self._event, self._hints_file, is_chained=is_chained)

    def _read_shim(self) -> bytes | None:
        """Return the file's content if it is an unchanged shim of ours and no link, else None."""
        try:
            found = os.lstat(self.path)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _SHIM_MAX_BYTES:
                return None
            with open(self.path, "rb") as file:
                content = file.read()
        except OSError:
            return None
        return content if is_shim(content) else None

    def _write(self, content: bytes) -> None:
        """Write under another name, then rename, so that git never runs an incomplete hook. Raises OSError."""
        temporary = f"{self.path}.{os.getpid()}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o777)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, os.fstat(descriptor).st_mode | 0o700)  # whatever the mask
                file.write(content)
            os.replace(temporary, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def make_hooks_dir(directory: str) -> None:
    """Make *directory* if need be and check that it can be written. Raises StorageError."""
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as err:
        raise StorageError(f"{directory} is no directory and cannot be made: {err.strerror}", "move it away") from err
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StorageError(f"{directory} cannot be written to", "see who may; nothing was changed")
