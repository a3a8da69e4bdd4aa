"""Reads where HEAD, branches, tags and the worktrees' HEADs point, and where a shallow or partial history is cut off.

git silently ignores a directory of loose refs that it cannot open (a repository with commits then looks empty, at exit status
0), so `find_overlooked` looks at the disk itself.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from ail_daemon.model import Tips
from ail_rpc import SHALLOW
from ail_rpc.discovery import RepoPlace, read_regular
from ail_rpc.errors import RepoUnreadableError

from .command import GitCommand
from .objects import find_unreadable, peel_to_commits

_NAMESPACES = {
    "branches": "refs/heads",
    "remotes": "refs/remotes",
    "tags": "refs/tags",
}  # not refs/stash, refs/notes, …


def read_tips(git: GitCommand, kinds: Iterable[str], most: int) -> Tips:
    """Return the tips; 1,000 packed refs to as many commits take 20 ms, of which the peeling is most.

    Raises RepoUnreadableError if there are more than *most* refs, and as `find_unreadable` does.
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
    """Raise RepoUnreadableError if HEAD cannot be read, or names a branch that has commits: git says "missing" of both."""
    done = git.run(["symbolic-ref", "-q", "HEAD"])
    named = done.stdout.decode("utf-8", "surrogateescape").strip() or "HEAD"
    if named in found or done.returncode not in (0, 1):  # 1: it names a commit, which is damaged
        raise RepoUnreadableError(f"git finds {named} and not where it points", "it is tried again within a minute")


def _list_refs(git: GitCommand, namespaces: list[str], most: int) -> list[list[bytes]]:
    """Return [sha, name] of every ref below *namespaces*. Raises RepoUnreadableError if git leaves out some, twice."""
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
    """Return what git lists below *namespaces*, [] for none."""
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


_SHA = re.compile(rb"(?!0+\s*$)(?:[0-9a-f]{40}|[0-9a-f]{64})\s*")
# git-check-ref-format(1)
_REFUSED = re.compile(rb"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|\.(?:/|$)|\.lock(?:/|$)")
_REF_BYTES = 100


def find_overlooked(common_dir: str, namespaces: Iterable[str], listed: Collection[bytes]) -> list[bytes]:
    """Return the names of refs below *namespaces* that lie in *common_dir* and are not among those *listed*.

    Raises RepoUnreadableError where a directory of refs cannot be read.
    """
    try:
        found = [name for namespace in namespaces for name in _iter_names(common_dir, namespace)]
    except OSError as err:
        raise RepoUnreadableError(
            f"refs in {common_dir} cannot be read: {err.strerror}", "it is tried again within a minute"
        ) from err
    return [name for name in found if name not in listed and _is_ref(common_dir, name)]


def _iter_names(common_dir: str, namespace: str) -> Iterator[bytes]:
    top, waiting = os.fsencode(common_dir), [os.fsencode(namespace)]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(top + b"/" + name) as entries:
            for entry in entries:
                below = name + b"/" + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(below)
                elif entry.is_file(follow_symlinks=False):
                    yield below


def _is_ref(common_dir: str, name: bytes) -> bool:
    """Whether git must list *name*: well formed, and its file holds a sha, that of a missing object too."""
    if _REFUSED.search(name):
        return False
    try:
        return bool(_SHA.fullmatch(read_regular(os.path.join(common_dir, os.fsdecode(name)), _REF_BYTES)))
    except OSError:
        return False  # deleted a moment ago


_SHALLOW_BYTES = 16 << 20  # 400,000 commits


def read_shallow_boundary(place: RepoPlace) -> frozenset[str]:
    """Return the commits whose parents were not fetched; empty unless the clone is shallow."""
    try:
        listed = read_regular(os.path.join(place.common_dir, "shallow"), _SHALLOW_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as err:  # read as a whole clone, its oldest commits would seem to add all files
        raise RepoUnreadableError(
            f"{place.root}: where it is cut off cannot be read: {err.strerror or err}",
            "it is tried again within a minute",
        ) from err
    if len(listed) > _SHALLOW_BYTES:
        raise RepoUnreadableError(
            f"{place.root} is cut off at too many commits to be read", "fetch more of its history"
        )
    return frozenset(listed.decode("ascii", "replace").split())


_PACKED_BYTES = 16 << 20
_PARTIAL = "this clone is partial: what commits changed, comments too, is read as far as git has fetched it"


def describe_unread(place: RepoPlace) -> str | None:
    """Say what of a history is not there, or not read: replace refs and grafts change what git shows. None where all is."""
    is_there = (("replace refs", _has_replacements), ("grafts", _has_grafts))
    found = [name for name, is_found in is_there if is_found(place)]
    notes = [SHALLOW] if read_shallow_boundary(place) else []
    notes += [_PARTIAL] if is_partial(place) and _has_promisor(place) else []
    notes += [f"{' and '.join(found)} are not read: history is as it was committed"] if found else []
    return "; ".join(notes) or None


def _has_grafts(place: RepoPlace) -> bool:
    with contextlib.suppress(OSError):
        return os.stat(os.path.join(place.common_dir, "info", "grafts")).st_size > 0
    return False


def _has_replacements(place: RepoPlace) -> bool:
    with contextlib.suppress(OSError):
        if os.listdir(os.path.join(place.common_dir, "refs", "replace")):
            return True
    packed = os.path.join(place.common_dir, "packed-refs")
    with contextlib.suppress(OSError):
        found = os.stat(packed)
        return _lists_replacements(packed, found.st_mtime_ns, found.st_size)
    return False


@lru_cache(1024)
def _lists_replacements(packed: str, changed_ns: int, size: int) -> bool:
    """Whether a file of packed refs, in the state that its stat tells, has replace refs."""
    del changed_ns, size
    return b" refs/replace/" in read_regular(packed, _PACKED_BYTES)


_CONFIG_BYTES = 1 << 20
_PROMISOR = re.compile(rb"^\s*(?:promisor\s*=\s*(?:true|yes|on|1)|partialclone\s*=)", re.IGNORECASE | re.MULTILINE)


def _has_promisor(place: RepoPlace) -> bool:
    """Whether git would fetch what is missing: the marks of packs alone are copied by `git clone DIR`, which takes everything."""
    with contextlib.suppress(OSError):
        return bool(_PROMISOR.search(read_regular(os.path.join(place.common_dir, "config"), _CONFIG_BYTES)))
    return False


def is_partial(place: RepoPlace) -> bool:
    """Whether objects may be missing on purpose (`clone --filter`)."""
    try:
        return any(name.endswith(".promisor") for name in os.listdir(os.path.join(place.common_dir, "objects", "pack")))
    except OSError:
        return False
