"""Reads where HEAD, branches, tags and the worktrees' HEADs point."""

from __future__ import annotations

import os

from ail_daemon.model import Tips

from .command import GitCommand
from .objects import peel_to_commits

_NAMESPACES = ("refs/heads", "refs/remotes", "refs/tags")  # not refs/stash, refs/notes, refs/original …


def read_tips(git: GitCommand) -> Tips:
    """Return the tips; 1,000 packed refs to as many commits take 20 ms, of which the peeling is most."""
    listing = git.read(["for-each-ref", "--format=%(objectname) %(refname)", *_NAMESPACES])
    refs = [line.split(b" ", 1) for line in listing.splitlines()]
    heads = _list_other_heads(git)
    targets = list(dict.fromkeys([b"HEAD", *heads, *(sha for sha, _ in refs)]))
    commits = dict(zip(targets, peel_to_commits(git, targets), strict=True))
    named = [*((name, commits[sha]) for sha, name in refs), *((name, commits[name]) for name in heads)]
    return Tips(commits[b"HEAD"], {name.decode("utf-8", "surrogateescape"): sha for name, sha in named if sha})


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
