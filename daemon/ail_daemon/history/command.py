"""Runs git so that it reads a repository and executes nothing else.

Its environment is built from nothing, so no name of `git rev-parse --local-env-vars` and no GIT_TRACE or
GIT_SSH_COMMAND reaches it. The repository's own configuration cannot be switched off as a whole; every value in it
that names a program is overridden, and only plumbing that asks for none of them is run.
"""

from __future__ import annotations

import io
import os
import select
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ail_daemon.history.limits import USUAL
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotInstalledError, OutOfTimeError, RepoUnreadableError

from .ownership import check_owner

_OVERRIDES = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.sshCommand=false", "core.askPass=false",
    "core.gitProxy=", "core.alternateRefsCommand=", "core.attributesFile=/dev/null", "core.editor=false",
    "credential.helper=", "diff.external=", "gpg.program=false", "gpg.ssh.program=false", "gpg.x509.program=false",
    "log.showSignature=false", "protocol.allow=never",
    "log.mailmap=false", "mailmap.file=/dev/null", "mailmap.blob=", "diff.orderFile=/dev/null",
    "core.warnAmbiguousRefs=false",  # or every sha is looked up as a ref first
    "core.bigFileThreshold=1m",  # larger blobs are binary to a diff
)  # fmt: skip

_ENVIRONMENT = {
    "LC_ALL": "C",  # messages of git are matched in blame
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # git before 2.39.4 does not know GIT_NO_LAZY_FETCH
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
}


class GitCommand:
    """git on one repository. Raises NotInstalledError without git, RepoUnreadableError if it cannot be started."""

    def __init__(
        self,
        place: RepoPlace,
        limit_s: float | None = None,
        limit_bytes: int | None = None,
        silence_s: float = USUAL.silence_s,
    ) -> None:
        self.place = place
        self._silence_s = silence_s
        self._limit_s = limit_s
        self._limit_bytes = limit_bytes
        overrides = [word for value in _OVERRIDES for word in ("-c", value)]
        # --bare: core.worktree would have attributes read from wherever it points
        self._outside = [_find_git(), "--no-pager", *overrides]
        self._argv = [_find_git(), "--git-dir", place.git_dir, "--bare", "--no-pager", *overrides]
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT}

    def run(
        self, args: Iterable[str | bytes], stdin: bytes = b"", timeout_s: float | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git to its own end and return what it wrote, whatever its exit status.

        Raises OutOfTimeError, and RepoUnreadableError if a signal ended it: its output may be incomplete.
        """
        return self._run([*self._argv, *args], stdin, timeout_s, "/", self._environment)

    def run_outside(self, args: Iterable[str | bytes], directory: str) -> subprocess.CompletedProcess[bytes]:
        """Run git in *directory*, which lies in no repository, as `run` does: not even the attributes of this one count."""
        apart = self._environment | {"GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(directory))}
        return self._run([*self._outside, *args], b"", None, directory, apart)

    def _run(
        self, argv: list[str | bytes], stdin: bytes, timeout_s: float | None, cwd: str, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        timeout_s = timeout_s or self._limit_s or self._silence_s
        try:
            done = subprocess.run(
                argv, input=stdin, capture_output=True, env=environment, cwd=cwd, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as err:
            raise OutOfTimeError(
                f"git did not finish within {timeout_s:g} s", "raise --timeout, or ask for less"
            ) from err
        except OSError as err:
            raise _unreadable(self.place, str(err)) from err
        if done.returncode < 0:
            raise _unreadable(self.place, f"git was ended by signal {-done.returncode}")
        return done

    def read(self, args: Iterable[str | bytes], stdin: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Return git's stdout. Raises RepoUnreadableError with git's own words if it fails."""
        done = self.run(args, stdin, timeout_s)
        if done.returncode:
            raise _unreadable(self.place, get_reason(done.stderr))
        return done.stdout

    def check_readable(self) -> None:
        """Raise RepoUnreadableError if the repository is gone, another user's, or in an unknown format."""
        check_owner(self.place)
        self.read(["rev-parse", "--git-dir"])

    @contextmanager
    def stream(self, args: Iterable[str], lines: Iterable[str]) -> Iterator[GitOutput]:
        """Start git with *lines* on its stdin and yield what it prints; leaving ends it."""
        with tempfile.TemporaryFile() as stdin:  # not a pipe: that would need a thread to feed it
            stdin.write("".join(f"{line}\n" for line in lines).encode())
            stdin.seek(0)
            process = self._start([*self._argv, *args], stdin)
            output = GitOutput(process, self._limit_s, self._limit_bytes, self._silence_s)
            try:
                yield output
            finally:
                output.close()

    def converse(self, args: Iterable[str]) -> subprocess.Popen[bytes]:
        """Start git with both ends on pipes, for questions and answers in turn. The caller ends it."""
        return self._start([*self._argv, *args], subprocess.PIPE)

    def _start(self, argv: list[str], stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment, cwd="/",
                bufsize=1 << 16, pipesize=1 << 20,
            )  # fmt: skip
        except OSError as err:
            raise _unreadable(self.place, str(err)) from err


class _Patient(io.RawIOBase):
    """A pipe whose reads fail after *silence_s* without data; time between reads does not count."""

    def __init__(self, fd: int, silence_s: float) -> None:
        self._fd = fd
        self._silence_s = silence_s
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._poll.poll(self._silence_s * 1000):
            raise OutOfTimeError(
                f"git said nothing for {self._silence_s:g} s", "is a disk slow? allow more with AIL_MAX_SILENCE_S"
            )
        return os.readv(self._fd, [buffer])


class GitOutput:
    """The output of a running git, which is ended after *limit_s* seconds.

    Reading raises OutOfTimeError if nothing comes for *silence_s*: a FIFO in place of a file, or a disk that hangs.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], limit_s: float | None, limit_bytes: int | None, silence_s: float
    ) -> None:
        if process.stdout is None:
            raise ValueError("git's stdout is no pipe")
        self._process = process
        self._limit_bytes = limit_bytes
        self._is_late = False
        self._timer = threading.Timer(limit_s, self._end_late) if limit_s else None
        if self._timer:
            self._timer.start()
        self.lines = io.BufferedReader(_Patient(process.stdout.fileno(), silence_s), 1 << 16)
        """Iterates over lines, each with its newline."""

    def iter_chunks(self) -> Iterator[bytes]:
        """Yield the output in pieces of 64 KiB; git itself writes 4 KiB at a time. Raises OutOfTimeError past the limits."""
        read = 0
        while chunk := self.lines.read(1 << 16):
            read += len(chunk)
            if self._limit_bytes is not None and read > self._limit_bytes:
                raise OutOfTimeError(f"git printed more than {self._limit_bytes:,} bytes")
            yield chunk

    def end(self) -> None:
        """End the process; what it has printed can still be read."""
        self._process.kill()

    def is_whole(self) -> bool:
        """Wait for git and return whether it ended by itself; to be called once all is read. Raises OutOfTimeError."""
        status = self._process.wait()
        if self._is_late:
            raise OutOfTimeError("git did not finish in time")
        return status == 0

    def close(self) -> None:
        """End git, whether it has finished or not."""
        if self._timer:
            self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()


class Stop(threading.Event):
    """Set, it ends the gits whose output is read within `ending`. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._reading: list[GitOutput] = []

    def set(self) -> None:
        """End them, and those that come later at once."""
        with self._lock:
            super().set()
            for output in self._reading:
                output.end()

    @contextmanager
    def ending(self, output: GitOutput) -> Iterator[None]:
        """While this context lasts, setting it ends the process of *output*."""
        with self._lock:
            self._reading.append(output)
            if self.is_set():
                output.end()
        try:
            yield
        finally:
            with self._lock:
                self._reading.remove(output)


def get_reason(stderr: bytes) -> str:
    """Return git's error as one line, without its `fatal: `."""
    text = stderr.decode("utf-8", "replace")
    return " ".join(text.rpartition("fatal: ")[2].split()) or "git ended without a word"


def _find_git() -> str:
    if git := shutil.which("git"):
        return os.path.abspath(git)  # git runs in another directory
    raise NotInstalledError("git is not on PATH", "install git 2.34 or newer")


def _unreadable(place: RepoPlace, reason: str) -> RepoUnreadableError:
    hint = "a newer git may be needed" if "extension" in reason else "`git fsck` there says more"
    return RepoUnreadableError(f"{place.root} cannot be read: {reason}", hint)
