"""Programs of other people that tests drive: editors, shells, a terminal multiplexer. `.ci/packages` installs them. And a lock
for what parallel tests share.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest


def require(program: str) -> str:
    """Return the path of *program*. Where it is absent the test is skipped; with $AIL_REQUIRE_TOOLS set, it fails."""
    path = shutil.which(program)
    if path is not None:
        return path
    said = f"{program} is not installed: .ci/packages installs what the tests drive"
    if os.environ.get("AIL_REQUIRE_TOOLS"):
        pytest.fail(said)
    pytest.skip(said)


def one_fast(values: Iterable[object], fast: object) -> list[object]:
    """Return *values* for `pytest.mark.parametrize`, each but *fast* marked slow: of what takes long, one is always tried."""
    return [value if value == fast else pytest.param(value, marks=pytest.mark.slow) for value in values]


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time into the block, by a lock on the file *path*; for what workers of pytest-xdist share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file, also where the process is killed
        yield


def make_slow_git(directory: Path, command: str, seconds: float) -> str:
    """Return a PATH on which `git *command*` begins so many *seconds* late; *directory* is made for it."""
    directory.mkdir()
    program = directory / "git"  # sleep holds no pipe of git's: who ends this program need not wait for it
    late = f"case \" $* \" in *' {command} '*) sleep {seconds} >&- 2>&- ;; esac"
    program.write_text(f'#!/bin/sh\n{late}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"
