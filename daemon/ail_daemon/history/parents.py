"""Reads single commits' times and parents through one `git cat-file` that is asked and answers in turn."""

from __future__ import annotations

import re
import subprocess

from .command import GitCommand

_PARENT = re.compile(rb"^parent ([0-9a-f]{40,64})$", re.MULTILINE)
_TIME = re.compile(rb"^committer .*> (-?\d{1,18}) ", re.MULTILINE)


class ParentReader:
    """Answers for damaged commits too: git dies of them and is started again. To be closed.

    A commit is damaged once two have died of it: one may have died of something else, a disk that failed for a moment.
    """

    def __init__(self, git: GitCommand, boundary: frozenset[str]) -> None:
        self._git = git
        self._boundary = boundary
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, sha: str) -> tuple[int, tuple[str, ...]] | None:
        """Return (commit time, parents), no parents at a shallow boundary; None for what is missing or damaged."""
        raw = self._read_raw(sha) or self._read_again(sha)
        if raw is None:
            self.close()
            return None
        head = raw.partition(b"\n\n")[0]
        time = _TIME.search(head)
        parents = () if sha in self._boundary else tuple(parent.decode() for parent in _PARENT.findall(head))
        return int(time[1]) if time else 0, parents

    def close(self) -> None:
        """End git."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _read_again(self, sha: str) -> bytes | None:
        self.close()
        return self._read_raw(sha)

    def _read_raw(self, sha: str) -> bytes | None:
        self._process = self._process or self._git.converse(["cat-file", "--batch=%(objecttype) %(objectsize)"])
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return None
        try:
            stdin.write(f"{sha}\n".encode())
            stdin.flush()
        except BrokenPipeError:  # git has died since it answered last
            return None
        kind, _, size = stdout.readline().partition(b" ")
        return stdout.read(int(size) + 1) if kind == b"commit" else None
