"""Reads what a range of commits changes: the diff from where the two sides parted, and the commits themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ail_rpc.errors import NotFoundError, UsageError

from .command import GitCommand
from .objects import peel_to_commits
from .refs import read_shallow_boundary

_DIFF = (
    "diff-tree", "-p", "-r", "-U0", "-w", "--ignore-blank-lines", "-M", "-l200", "--no-ext-diff", "--no-textconv",
    "--no-color", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_FILE = b"diff --git "
_MOST_COMMITS = 10_000
_DEEPEN = "`git fetch --unshallow` completes it; in CI check out with fetch-depth: 0 (GitHub) or GIT_DEPTH: 0 (GitLab)"


@dataclass(frozen=True, slots=True)
class Range:
    """patch: the diff as text, cut at a file's boundary where is_cut. shas: the range's own commits, 10,000 at most."""

    patch: str
    shas: frozenset[str]
    is_cut: bool


def read_range(git: GitCommand, text: str, size_bytes: int, timeout_s: float) -> Range:
    """Return the range *text* (`A..B`, an empty side is HEAD); see History.read_range."""
    since, dots, until = text.partition("..")
    until = until.removeprefix(".")
    if not dots or "\n" in text or "\0" in text:
        raise UsageError(f"{text!r:.200} is no range", "for example main..HEAD")
    old, new = (_resolve(git, side or "HEAD") for side in (since, until))
    base = _find_fork(git, text, old, new, timeout_s)
    listed = git.read(["rev-list", f"--max-count={_MOST_COMMITS}", new, f"^{old}"], timeout_s=timeout_s)
    patch, is_cut = _read_patch(git, base, new, size_bytes)
    return Range(patch.decode("utf-8", "surrogateescape"), frozenset(listed.decode().split()), is_cut)


def _find_fork(git: GitCommand, text: str, old: str, new: str, timeout_s: float) -> str:
    """Return the commit where both sides parted; *old* where they share nothing. Raises NotFoundError if it was cut off."""
    found = git.run(["merge-base", old, new], timeout_s=timeout_s).stdout.decode().split()
    if not found and read_shallow_boundary(git.place):
        raise NotFoundError(f"this clone is shallow: it lacks the commit where {text:.200} parted", _DEEPEN)
    return found[0] if found else old


def _resolve(git: GitCommand, name: str) -> str:
    """Return the commit that *name* leads to. Through stdin, so that no name is an option."""
    (sha,) = peel_to_commits(git, [name.encode("utf-8", "surrogateescape")])
    if sha is None:
        is_shallow = bool(read_shallow_boundary(git.place))
        raise NotFoundError(
            f"{name!r:.200} names no commit{' of this shallow clone' if is_shallow else ''}",
            _DEEPEN if is_shallow else "`git branch --all` lists them; one of a remote comes with `git fetch`",
        )
    return sha


def _read_patch(git: GitCommand, old: str, new: str, size_bytes: int) -> tuple[bytes, bool]:
    """Return the diff of two commits up to *size_bytes*, and whether it was longer."""
    kept = bytearray()
    with git.stream([*_DIFF, old, new], []) as output:
        for chunk in output.iter_chunks():
            kept += chunk
            if len(kept) > size_bytes:
                end = kept.rfind(b"\n" + _FILE, 0, size_bytes)
                return bytes(kept[: end + 1 if end >= 0 else size_bytes]), True
    return bytes(kept), False
