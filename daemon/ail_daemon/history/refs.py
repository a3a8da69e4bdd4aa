"""Reads where HEAD, branches, tags and the worktrees' HEADs point."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ail_daemon.model import Tips
from ail_rpc.errors import RepoUnreadableError

from .boundary import read_shallow_boundary
from .command import GitCommand
from .loose import find_overlooked
from .objects import find_unreadable, peel_to_commits

_NAMESPACES = {
    "branches": "refs/heads",
    "remotes": "refs/remotes",
    "tags": "refs/tags",
}  # not refs/stash, refs/notes, …


def read_tips(git: GitCommand, kinds: Iterable[str], most: int) -> Tips:
    """Return the tips; 1,000 packed refs to as many commits take 20 ms, of which the peeling is most.

    Raises RepoUnreadableError where there are more than *most* refs, and as `find_unreadable` does.
    """
    wanted = set(kinds)
    boundary = read_shallow_boundary(git.place)
    refs = _list_refs(git, [namespace for kind, namespace in _NAMESPACES.items() if kind in wanted], most)
    heads = _list_other_heads(git) if "worktrees" in wanted else []
    targets = list(dict.fromkeys([b"HEAD", *heads, *(sha for sha, _ in refs)]))
    commits = dict(zip(targets, peel_to_commits(git, targets), strict=True))
    named = [*((name, commits[sha]) for sha, name in refs), *((name, commits[name]) for name in heads)]
    found = {name.decode("utf-8", "surrogateescape"): sha for name, sha in named if sha}
    lost = find_unreadable(git, [sha for sha, _ in refs if not commits[sha]])
    damaged = {name.decode("utf-8", "surrogateescape"): sha.decode() for sha, name in refs if sha in lost}
    if commits[b"HEAD"] is None:
        _check_unborn(git, found)
    return Tips(commits[b"HEAD"], found, boundary, damaged)


def _check_unborn(git: GitCommand, found: dict[str, str]) -> None:
    """Raise RepoUnreadableError where HEAD names a branch that has commits, or cannot be read: "missing" is all that git says."""
    done = git.run(["symbolic-ref", "-q", "HEAD"])
    named = done.stdout.decode("utf-8", "surrogateescape").strip() or "HEAD"
    if named in found or done.returncode not in (0, 1):  # 1: it names a commit, which is damaged
        raise RepoUnreadableError(f"git finds {named} and not where it points", "it is tried again within a minute")


def _list_refs(git: GitCommand, namespaces: list[str], most: int) -> list[list[bytes]]:
    """Return [sha, name] of every ref below *namespaces*. Raises RepoUnreadableError where git passes over some, twice."""
    for _ in range(2):  # one may have been made since git looked
        refs = _ask_for_refs(git, namespaces, most)
        overlooked = find_overlooked(git.place.common_dir, namespaces, {name for _, name in refs})
        if not overlooked:
            return refs
    raise RepoUnreadableError(
        f"git passes over {len(overlooked):,} refs of {git.place.root} that lie there",
        "is the disk in order? it is tried again within a minute",
    )


def _ask_for_refs(git: GitCommand, namespaces: list[str], most: int) -> list[list[bytes]]:
    """Return what git lists below *namespaces*. Without one, it would list all that is there."""
    asked = [f"--count={most + 1}", "--format=%(objectname) %(refname)", *(namespaces or ["refs/none"])]
    lines = git.read(["for-each-ref", *asked]).splitlines()
    if len(lines) > most:
        raise RepoUnreadableError(
            f"{git.place.root} has more than {most:,} refs and is not read",
            "let fewer kinds of them count with AIL_REFS, or allow more with AIL_MAX_REFS",
        )
    return [line.split(b" ", 1) for line in lines]


def _list_other_heads(git: GitCommand) -> list[bytes]:
    """Return the names under which git knows the HEADs of the repository's other worktrees."""
    place = git.place
    try:
        ids = os.listdir(os.path.join(place.common_dir, "worktrees"))
    except OSError:
        return []
    others = [f"worktrees/{name}/HEAD" for name in sorted(ids) if name != os.path.basename(place.git_dir)]
    if place.git_dir != place.common_dir:
        others.insert(0, "main-worktree/HEAD")
    return [os.fsencode(name) for name in others if "\n" not in name]
