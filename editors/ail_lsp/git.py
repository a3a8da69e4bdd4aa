"""The few things that the server asks git itself: a commit's diff, and how a buffer differs from HEAD.

Nothing that a repository configures is run: no external diff, no textconv, no filter; nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

from ail_client.staged import PATCH_MAX_BYTES, QUIET
from ail_rpc.errors import NotInstalledError, OutOfTimeError

from .scratch import Scratch

DIFF_MAX_BYTES = 256 << 10
"""Of a commit that is shown."""

_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "-M", "-l200", "--submodule=short", "--no-relative")
_PREFIXES = ("--src-prefix=a/", "--dst-prefix=b/")


def read_commit_diff(root: str, sha: str, path: str | None, limit_s: float) -> str:
    """Return what the commit changed against its first parent, in *path* alone if one is given; cut at 256 KiB.

    "" where git cannot tell. Raises NotInstalledError, OutOfTimeError.
    """
    only = ["--", f":(top,literal){path}"] if path else ["--"]
    command = ["diff-tree", "-p", "--root", "--no-commit-id", "--diff-merges=first-parent", *_PLAIN, *_PREFIXES, sha]
    out = _run(root, [*command, *only], limit_s) or b""
    text = out[:DIFF_MAX_BYTES].decode("utf-8", "replace")
    return text + "\n… the rest is left out\n" if len(out) > DIFF_MAX_BYTES else text


def read_working_diff(root: str, file: str, text: str, scratch: Scratch, limit_s: float) -> str:
    """Return how *text* differs from *file* (from the root) in HEAD, as the daemon takes it; "" where it does not.

    Also "" where HEAD has no such file or the diff is larger than the daemon takes. scratch: where both are compared.
    Raises NotInstalledError, OutOfTimeError, UnavailableError.
    """
    committed = _run(root, ["cat-file", "blob", f"HEAD:{file}"], limit_s)
    if committed is None or committed == text.encode("utf-8", "surrogateescape"):
        return ""
    with tempfile.TemporaryDirectory(dir=scratch.get_directory()) as beside:
        for name, content in (("a", committed), ("b", text.encode("utf-8", "surrogateescape"))):
            with open(os.path.join(beside, name), "wb") as out:
                out.write(content)
        options = ["-U0", "-w", "--ignore-blank-lines", "--no-ext-diff", "--no-textconv", "--no-color", "--text"]
        diff = _run(beside, ["diff", "--no-index", *options, "--no-prefix", "--", "a", "b"], limit_s, (0, 1)) or b""
    hunks = diff.partition(b"\n@@ ")
    if not hunks[1] or len(diff) > PATCH_MAX_BYTES:
        return ""
    named = f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}"
    return named + (hunks[1] + hunks[2]).decode("utf-8", "surrogateescape")


def _run(directory: str, arguments: list[str], limit_s: float, well: tuple[int, ...] = (0,)) -> bytes | None:
    """Return what git prints; None where it exits with none of *well*."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | QUIET
    environment["GIT_CEILING_DIRECTORIES"] = os.path.dirname(directory)  # a home may be a repository, too
    command = ["git", "--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired as err:
        raise OutOfTimeError("git took too long", "allow more with the setting ail.timeout") from err
    except FileNotFoundError as err:
        raise NotInstalledError("git is not on PATH", "install git 2.34 or newer") from err
    return done.stdout if done.returncode in well else None
