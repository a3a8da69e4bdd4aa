"""The daemon's end of the process that asks GitHub: starts it for a few commits, passes the token through a pipe, ends it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..model import PullRequest
from ..settings import get_child_environment

LIMIT_S = 30.0
"""For all commits of one order; what was answered by then counts."""

PROBLEMS: Mapping[str, tuple[str, str]] = {
    "bad_token": ("GitHub refuses the token", "set another GITHUB_TOKEN, and `ail-client reload`"),
    "forbidden": ("GitHub forbids it to this token", "give the token leave to read pull requests"),
    "not_found": (
        "GitHub knows no such repository, or not for this token",
        "check GITHUB_OWNER and GITHUB_REPO, and what the token may read",
    ),
    "redirected": ("GITHUB_API_URL leads to another host, which gets no token", "set the address it leads to"),
    "limited": ("GitHub's rate limit is reached", "it goes on by itself"),
    "offline": ("GitHub cannot be reached", "it is tried again by itself; a hardened service has no network"),
    "failing": ("GitHub answers with errors", "it is tried again by itself"),
    "garbled": ("what GitHub answers makes no sense", "check GITHUB_API_URL"),
    "late": (f"GitHub did not answer within {LIMIT_S:g} s", "it is tried again by itself"),
    "died": ("the process that asks GitHub ended too soon", "it is tried again by itself"),
}
"""Why GitHub could not be asked: a word, what happened, what to do."""


@dataclass(frozen=True, slots=True)
class Project:
    """A repository on GitHub, the API it is asked of, and by which token."""

    api: str
    owner: str
    name: str
    token: str = field(repr=False)


class Fetched(NamedTuple):
    """The answers: sha -> its pull request, None if there is none. problem: why some are missing, a key of PROBLEMS, else None.

    wait_s: how long GitHub asks to be left alone, None where it does not.
    """

    found: dict[str, PullRequest | None]
    problem: str | None = None
    wait_s: int | None = None


class Fetching:
    """One child at a time. `kill` may be called from another thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_stopped = False

    def fetch(self, project: Project, shas: Sequence[str]) -> Fetched:
        """Ask about *shas*; takes LIMIT_S at the most."""
        order = {
            "api": project.api,
            "owner": project.owner,
            "name": project.name,
            "token": project.token,
            "shas": [*shas],
        }
        with self._lock:
            if self._is_stopped:
                return Fetched({}, "died")
            child = self._process = _start()
        try:
            written, _ = child.communicate(json.dumps(order).encode(), timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            written, _ = child.communicate()
            return _read(written)._replace(problem="late")
        return _read(written)

    def kill(self) -> None:
        """End the child at once, if there is one."""
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()  # reaped by `fetch`

    def stop(self) -> None:
        """End the child, and start no other."""
        self._is_stopped = True
        self.kill()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ail_daemon.github"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,  # a traceback might quote the token
        cwd="/", start_new_session=True, env=get_child_environment(),
    )  # fmt: skip


def _read(written: bytes) -> Fetched:
    """Return what a child wrote; its last line may be cut off."""
    found: dict[str, PullRequest | None] = {}
    for line in written.split(b"\n")[:-1]:
        reply: dict[str, Any] = json.loads(line)
        if "end" in reply:
            return Fetched(found, reply["end"], reply.get("wait_s"))
        found[reply["sha"]] = PullRequest(**reply["request"]) if reply["request"] else None
    return Fetched(found, "died")
