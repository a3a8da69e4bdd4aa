"""One hook file in a hooks directory: put a shim there, keep what was there first, give it back. Runs no git.

What was there gets another name beside the shim, and is never copied: its bytes, mode, and what a link points to stay.
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
        """Whether a shim of ours, of any version, is there."""
        return self._read_shim() is not None

    @property
    def has_forgotten(self) -> bool:
        """Whether a hook is kept here and none of ours stands before it: another program took the place."""
        both = os.path.lexists(self.kept) and os.path.lexists(self.path)
        return both and not self.is_ours and not self._is_kept_itself()

    def check(self) -> None:
        """Look whether `install` would lose something, and change nothing. Raises StorageError where it would."""
        if self.has_forgotten:
            raise StorageError(
                f"{self.path} is not ours, and {self.kept} is still kept from an earlier installation",
                "put what you want to keep of both into the first, remove the second, then install again",
            )
        for path in (self.path, self.kept):
            if os.path.isdir(path):
                raise StorageError(f"{path} is a directory, and git expects a hook there", "move it away first")

    def install(self) -> None:
        """Put the shim there; a hook that is not ours is kept beside it and called first. Raises StorageError."""
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
        """Give back what was there first, or nothing; whether anything changed. Raises StorageError."""
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
        """Give what is there its second name; whether this call did. Raises OSError.

        By a link where the file system has them: unlike a rename it does not replace what another installation keeps at
        the same moment, and there is no moment without a hook.
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
        """Have what is kept be the hook again, under its one name. Raises OSError."""
        if self._is_kept_itself():
            os.unlink(self.kept)
        else:
            os.replace(self.kept, self.path)

    def _is_kept_itself(self) -> bool:
        """Whether the hook and what is kept are one file: an installation is under way, or died."""
        try:
            return os.path.samestat(os.lstat(self.path), os.lstat(self.kept))
        except OSError:
            return False

    def _make(self, is_chained: bool) -> bytes:
        return make_shim(self._event, self._hints_file, is_chained=is_chained)

    def _read_shim(self) -> bytes | None:
        """Return the content of what is there if it is ours: no link, no directory, nothing that anybody changed."""
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
        """Write under another name, then rename: git never runs half a hook. Raises OSError."""
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
    """Make sure that *directory* is there and takes files. Raises StorageError."""
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as err:
        raise StorageError(f"{directory} is no directory and cannot be made: {err.strerror}", "move it away") from err
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StorageError(f"{directory} cannot be written to", "see who may; nothing was changed")
