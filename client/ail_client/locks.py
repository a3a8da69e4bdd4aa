"""The socket's directory and its locks: who owns them, who may start a daemon, whether one still runs."""

from __future__ import annotations

import os
import stat

from ail_rpc.errors import UnavailableError
from ail_rpc.paths import get_lock_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .deadline import Deadline

STEP_S = 0.02
"""How often a lock is retried. No blocking flock: it has no deadline."""


def check_directory(directory: str) -> bool:
    """Whether *directory* is there. Raises UnavailableError unless it is only this user's, and no link."""
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return False
    except OSError as err:
        raise _unusable(directory, f"cannot be looked at: {err.strerror}") from err
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(directory, "is no directory")
    if found.st_uid != os.geteuid():
        raise _unusable(directory, f"belongs to another user (uid {found.st_uid})")
    if found.st_mode & 0o077:
        raise _unusable(directory, f"can be entered by others (mode {stat.S_IMODE(found.st_mode):04o})")
    return True


def make_directory(directory: str) -> None:
    """Make *directory*, mode 0700, with its parents. Raises UnavailableError where that fails or it is not ours."""
    try:
        os.makedirs(os.path.dirname(directory), mode=0o700, exist_ok=True)
        os.mkdir(directory, 0o700)
    except FileExistsError:
        pass
    except OSError as err:
        raise _unusable(directory, f"cannot be made: {err.strerror}") from err
    check_directory(directory)


def try_spawn_lock(directory: str) -> int | None:
    """Return a descriptor that holds the right to start or stop a daemon, None while another process has it."""
    path = os.path.join(directory, "spawn.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise _unusable(directory, f"takes no lock: {err.strerror}") from err
    if _try_flock(descriptor, is_shared=False):
        return descriptor
    os.close(descriptor)
    return None


def wait_until_released(socket_path: str, deadline: Deadline) -> bool:
    """Wait until no daemon holds the lock of *socket_path*; False if one still does when time is up.

    Call this with the spawn lock held: a starting daemon must not find its lock held by this check.
    """
    while _is_locked(get_lock_path(socket_path)):
        if not deadline.pause(STEP_S):
            return False
    return True


def _is_locked(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_flock(descriptor, is_shared=True)
    finally:
        os.close(descriptor)


def _try_flock(descriptor: int, *, is_shared: bool) -> bool:
    import fcntl  # a library, which a question answered by a running daemon does not need

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unusable(directory: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"the socket's directory {directory} {why}", "set AIL_SOCKET to a path in a directory that only you can enter"
    )
