"""What this process is, before it does anything: its environment, mask, descriptors, session.

Runs before anything heavy is imported: `detach` forks, and a fork is only safe, and cheap, while nothing runs.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Collection

from . import heap
from .locks import open_private_dir

_LOG_LIMIT_BYTES = 10 << 20
_DESCRIPTORS = 4096  # 256 active and 1,000 idle connections, and the indexes' files, do not fit into the usual 1,024

_has_own_log = False


def isolate() -> None:
    """Remove git's variables from the environment; set umask 077, no core dumps, and enough descriptors.

    A daemon started from a hook inherits GIT_DIR, which would redirect every later look at any repository.
    """
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _forbid_dumps()
    heap.keep_small()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _forbid_dumps() -> None:
    """Forbid what RLIMIT_CORE does not: a core piped to a crash reporter (core(5)), with questions and tokens in it."""
    if sys.platform != "linux":
        return
    import ctypes  # 3 ms

    pr_set_dumpable = 4
    ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)


def detach(state_dir: str, keep: Collection[int]) -> None:
    """Continue in a child process with a session of its own; the calling process exits 0 at once.

    stdout and stderr go to `daemon.log` in *state_dir*; every other descriptor but *keep* is closed, for a pipe held
    open makes `git commit | cat` wait for the daemon. Raises UnavailableError, still in the caller, where *state_dir*
    cannot be used.
    """
    global _has_own_log
    log_fd = _open_log(state_dir)
    _has_own_log = True
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    null_fd = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null_fd, 0), (log_fd, 1), (log_fd, 2)):
        os.dup2(source, target)
    _close_above(2, keep)


def keep_log_short() -> None:
    """Empty the log of a detached daemon if it is too long; a stderr that the caller chose is left alone."""
    if _has_own_log and os.fstat(2).st_size > _LOG_LIMIT_BYTES:
        os.ftruncate(2, 0)


def _open_log(state_dir: str) -> int:
    directory = open_private_dir(state_dir)
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        log_fd = os.open("daemon.log", flags, 0o600, dir_fd=directory)
    finally:
        os.close(directory)
    if os.fstat(log_fd).st_size > _LOG_LIMIT_BYTES:
        os.ftruncate(log_fd, 0)
    return log_fd


def _close_above(last: int, keep: Collection[int]) -> None:
    low = last + 1
    for kept in sorted(fd for fd in keep if fd > last):
        os.closerange(low, kept)
        low = kept + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
