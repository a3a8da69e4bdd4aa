"""Chooses which of a repository's directories to watch, and which names in them mean that refs moved.

git writes a ref under `NAME.lock` and renames it, in the directory of the ref, so that each directory below refs/ needs a
watch of its own. BUDGET bounds them: beyond it, the directories first named here win, and moves in the others wait for the
next question or the timer. Reflogs are not watched: they change where a ref does, and bare repositories have none.
Links are never followed: what they name may lie outside the repository.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from ail_rpc.discovery import RepoPlace

BUDGET = 10  # watches a repository; 400 repositories then take 4,000 of a user's 8,192, the least a kernel allows

Role = Literal["git", "root", "refs", "reftable", "worktrees", "worktree", "plain"]

REBASES = ("rebase-merge", "rebase-apply")
"""Directories in a worktree's git directory for as long as a rebase, or `git am`, is under way there."""

_NAMES: dict[Role, frozenset[str]] = {
    "git": frozenset(("HEAD", "packed-refs", "shallow", "refs", "reftable", "worktrees", *REBASES)),
    "worktree": frozenset(("HEAD", "reftable", *REBASES)),
    "reftable": frozenset(("tables.list",)),
    "root": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A directory to watch, and what it is to the repository: its role decides which names in it count."""

    path: str
    role: Role


def tells_of_a_move(role: Role, name: str) -> bool:
    """Say whether a change of *name* in a directory of *role* may mean that a ref moved; a lock alone never does."""
    names = _NAMES.get(role)
    return not name.endswith(".lock") if names is None else name in names


def plan(place: RepoPlace) -> list[Spot]:
    """Return the directories of *place* to watch, at most BUDGET, the common directory first; [] where it is gone."""
    found = {spot.path: spot for spot in islice(_unlike(_candidates(place)), BUDGET)}
    return list(found.values()) if place.common_dir in found else []


def _unlike(spots: Iterator[Spot]) -> Iterator[Spot]:
    """Yield those of *spots* that are directories, each path once."""
    seen = set()
    for spot in spots:
        if spot.path not in seen and is_directory(spot.path):
            seen.add(spot.path)
            yield spot


def _candidates(place: RepoPlace) -> Iterator[Spot]:
    """Yield what may be watched, what matters most first; lazily, so that 100,000 refs are not listed for nothing."""
    common = place.common_dir
    refs, trees = os.path.join(common, "refs"), os.path.join(common, "worktrees")
    yield Spot(common, "git")
    yield Spot(refs, "refs")
    yield Spot(os.path.join(refs, "heads"), "refs")
    yield Spot(os.path.join(common, "reftable"), "reftable")
    yield Spot(place.root, "root")
    for git_dir in dict.fromkeys((place.git_dir, common)):
        yield from _find_branch_directory(git_dir, refs)
    yield Spot(trees, "worktrees")
    if place.git_dir != common:
        yield from _of_worktree(place.git_dir)
    for name in ("remotes", "tags"):
        yield Spot(os.path.join(refs, name), "refs")
    yield from (Spot(path, "refs") for path in _list_directories(os.path.join(refs, "remotes")))
    for path in _list_directories(trees):
        yield from _of_worktree(path)
        yield from _find_branch_directory(path, refs)
    yield from _walk(refs)


def _of_worktree(git_dir: str) -> Iterator[Spot]:
    yield Spot(git_dir, "worktree")
    yield Spot(os.path.join(git_dir, "reftable"), "reftable")


def _find_branch_directory(git_dir: str, refs: str) -> Iterator[Spot]:
    """Yield the deepest directory that exists on the way to the branch that *git_dir*'s HEAD names, if it names one."""
    parts = _read_branch(git_dir).split("/")[1:-1]
    path = refs
    for part in parts:
        below = os.path.join(path, part)
        if part in ("", ".", "..") or not is_directory(below):
            break
        path = below
    if path != refs:
        yield Spot(path, "refs")


def _read_branch(git_dir: str) -> str:
    """Return the ref that HEAD names, `refs/heads/…`; an empty text where it names none."""
    try:
        descriptor = os.open(os.path.join(git_dir, "HEAD"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as head:
            line = os.fsdecode(head.read(4096).split(b"\n", 1)[0])
    except OSError:
        return ""
    ref = line.removeprefix("ref: ")
    return ref if ref != line and ref.startswith("refs/") and "\0" not in ref else ""


def _walk(top: str) -> Iterator[Spot]:
    """Yield the directories below *top*, the shallow ones first."""
    waiting = deque([top])
    while waiting:
        for path in _list_directories(waiting.popleft()):
            yield Spot(path, "refs")
            waiting.append(path)


def _list_directories(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def is_rebasing(git_dir: str) -> bool:
    """Whether a rebase is under way in the worktree whose git directory is *git_dir*: it moves HEAD for each commit."""
    return any(os.path.lexists(os.path.join(git_dir, name)) for name in REBASES)


def is_directory(path: str) -> bool:
    """Say whether *path* is a directory itself, not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
