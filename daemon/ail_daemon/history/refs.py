"""Reads where HEAD, branches, tags and the worktrees' HEADs point."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ail_daemon.model import Tips
from ail_rpc.errors import RepoUnreadableError

from .boundary import read_shallow_boundary
from .command import GitCommand
from .objects import is_object, peel_to_commits

_NAMESPACES = {
    "branches": "refs/heads",
    "remotes": "refs/remotes",
    "tags": "refs/tags",
}  # not refs/stash, refs/notes, …


def read_tips(git: GitCommand, kinds: Iterable[str]) -> Tips:
    """Return the tips; 1,000 packed refs to as many commits take 20 ms, of which the peeling is most."""
    wanted = set(kinds)
    boundary = read_shallow_boundary(git.place)
    refs = _list_refs(git, [namespace for kind, namespace in _NAMESPACES.items() if kind in wanted])
    heads = _list_other_heads(git) if "worktrees" in wanted else []
    targets = list(dict.fromkeys([b"HEAD", *heads, *(sha for sha, _ in refs)]))
    commits = dict(zip(targets, peel_to_commits(git, targets), strict=True))
    named = [*((name, commits[sha]) for sha, name in refs), *((name, commits[name]) for name in heads)]
    found = {name.decode("utf-8", "surrogateescape"): sha for name, sha in named if sha}
    lost = _find_damaged(git, [sha for sha, _ in refs if not commits[sha]])
    damaged = {name.decode("utf-8", "surrogateescape"): sha.decode() for sha, name in refs if sha in lost}
    if commits[b"HEAD"] is None:
        _check_unborn(git, found)
    return Tips(commits[b"HEAD"], found, boundary, damaged)


def _check_unborn(git: GitCommand, found: dict[str, str]) -> None:
    """Raise RepoUnreadableError where HEAD names a branch that has commits: a failing disk, which git tells as "missing"."""
    named = git.run(["symbolic-ref", "-q", "HEAD"]).stdout.decode("utf-8", "surrogateescape").strip()
    if named in found:
        raise RepoUnreadableError(f"git finds {named} and not where HEAD points", "it is tried again within a minute")


def _find_damaged(git: GitCommand, shas: list[bytes]) -> set[bytes]:
    """Return those of *shas*, which lead to no commit, that are not there or cannot be read: not a tree, a blob, a tag of one."""
    return {sha for sha in shas if not is_object(git, sha)}


def _list_refs(git: GitCommand, namespaces: list[str]) -> list[list[bytes]]:
    """Return [sha, name] of every ref below *namespaces*. Without one, git would list them all."""
    asked = ["for-each-ref", "--format=%(objectname) %(refname)", *(namespaces or ["refs/none"])]
    return [line.split(b" ", 1) for line in git.read(asked).splitlines()]


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
