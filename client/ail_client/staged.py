"""The staged change as a diff: read by the committing process, since only that knows which index is used.

`commit -a` and `commit FILE` use their own index, which git passes to hooks in GIT_INDEX_FILE. Nothing that the
repository configures is run. No `subprocess`: it would cost a commit 8 ms.
"""

from __future__ import annotations

import os
import select
import signal

from ail_rpc.errors import NotInstalledError, OutOfTimeError, RepoUnreadableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .deadline import Deadline

PATCH_MAX_BYTES = 512 << 10
"""The daemon's limit for a diff."""

_DIFF = (
    "--no-pager", "-c", "core.quotePath=true", "-c", "core.fsmonitor=false", "-c", "diff.orderFile=/dev/null",
    "diff", "--cached", "-p", "-U0", "--inter-hunk-context=0", "-w", "--ignore-blank-lines", "-M", "-l200", "--no-relative",
    "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=all",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_FILE = b"\ndiff --git "
_CHUNK_BYTES = 1 << 16
QUIET = {
    "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",  # git before 2.39.4 does not know the first
    "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
}  # fmt: skip


def read_staged(deadline: Deadline, root: str | None = None) -> tuple[str, bool]:
    """Return the staged change of the current directory's repository, and whether it was cut at a file's boundary.

    root: another repository instead; then the environment's index is ignored. Raises as `run_git`.
    """
    raw, is_cut = run_git(("-C", root, *_DIFF) if root else _DIFF, deadline, PATCH_MAX_BYTES, is_elsewhere=bool(root))
    if is_cut:
        end = raw.rfind(_FILE)
        raw = raw[: end + 1] if end >= 0 else raw
    return raw.decode("utf-8", "surrogateescape"), is_cut


def run_git(
    args: Sequence[str],
    deadline: Deadline,
    size_bytes: int = _CHUNK_BYTES,
    *,
    is_elsewhere: bool = False,
    stdin: bytes = b"",
) -> tuple[bytes, bool]:
    """Return what git prints, at most *size_bytes*, and whether there was more.

    is_elsewhere: leave out a hook environment's variables about its own repository. stdin: less than a pipe holds, 64 KiB.
    Raises NotInstalledError, OutOfTimeError, RepoUnreadableError where git fails.
    """
    environment = {k: v for k, v in os.environ.items() if not (is_elsewhere and k.startswith("GIT_"))} | QUIET
    (their_in, our_in), (our_out, their_out) = os.pipe(), os.pipe()
    try:
        os.write(our_in, stdin)
        os.close(our_in)
        pid = _start(args, environment, their_in, their_out)
    finally:
        os.close(their_in)
        os.close(their_out)
    return _finish(pid, our_out, deadline, size_bytes)


def _start(args: Sequence[str], environment: dict[str, str], stdin: int, stdout: int) -> int:
    files = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        return os.posix_spawnp("git", ["git", *args], environment, file_actions=files)
    except OSError as err:
        raise NotInstalledError("git is not on PATH", "install git 2.34 or newer") from err


def _finish(pid: int, stdout: int, deadline: Deadline, size_bytes: int) -> tuple[bytes, bool]:
    """Read to the end, the limit or the deadline; git has exited when this returns."""
    status = None
    try:
        raw, is_whole = _read(stdout, deadline, size_bytes)
        status = os.waitpid(pid, 0)[1] if is_whole else None
    finally:
        os.close(stdout)
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if status:
        raise RepoUnreadableError("git could not tell what is staged", "`git diff --cached` there says why")
    return raw, not is_whole


def _read(stdout: int, deadline: Deadline, size_bytes: int) -> tuple[bytes, bool]:
    """Return what was written, and whether that is all."""
    poll = select.poll()
    poll.register(stdout, select.POLLIN)
    kept = bytearray()
    while len(kept) <= size_bytes:
        if not poll.poll(deadline.remaining_s() * 1000):
            raise OutOfTimeError("git took too long to tell what is staged", "allow more with AIL_MAX_QUERY_TIME_S")
        chunk = os.read(stdout, _CHUNK_BYTES)
        if not chunk:
            return bytes(kept), True
        kept += chunk
    return bytes(kept[:size_bytes]), False
