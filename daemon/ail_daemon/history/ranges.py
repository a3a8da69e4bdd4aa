"""Reads what a range of commits changes: the diff from where the two sides parted, and the commits themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ail_rpc.errors import NotFoundError, UsageError

from .command import GitCommand
from .objects import peel_to_commits

_DIFF = (
    "diff-tree", "-p", "-r", "-U0", "-w", "--ignore-blank-lines", "-M", "-l200", "--no-ext-diff", "--no-textconv",
    "--no-color", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_FILE = b"diff --git "
_MOST_COMMITS = 10_000


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
    base = git.run(["merge-base", old, new], timeout_s=timeout_s).stdout.decode().split() or [old]
    listed = git.read(["rev-list", f"--max-count={_MOST_COMMITS}", new, f"^{old}"], timeout_s=timeout_s)
    patch, is_cut = _read_patch(git, base[0], new, size_bytes)
    return Range(patch.decode("utf-8", "surrogateescape"), frozenset(listed.decode().split()), is_cut)


def _resolve(git: GitCommand, name: str) -> str:
    """Return the commit that *name* leads to. Through stdin, so that no name is an option."""
    (sha,) = peel_to_commits(git, [name.encode("utf-8", "surrogateescape")])
    if sha is None:
        raise NotFoundError(f"{name!r:.200} names no commit", "see `git branch --all`")
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
