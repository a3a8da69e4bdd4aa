"""Which repositories to build: a file that lists them, or a directory in which they lie."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ail_daemon.bundles.fetching import NAME
from ail_daemon.repos.places import get_main_place
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError, NotARepositoryError, NotFoundError, RepoUnreadableError

DEPTH = 4
"""How deep below a directory repositories are looked for: group/subgroup/team/project.git."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/\s]+@[^/\s]+:")


class Repository(NamedTuple):
    """A repository to build: its directory, the same on every machine, and the bundle that gets its embeddings."""

    root: str
    out: str


class Listed(NamedTuple):
    """The repositories, each once, in the order of the list; what was left out and why; and what else the user should know."""

    repositories: list[Repository]
    problems: list[tuple[str, AilError]]
    notes: list[str]


def list_repositories(source: Path, out: str) -> Listed:
    """Return the repositories that *source* names, with the bundle of each.

    source: a file with a directory a line (`#` begins a comment; relative ones start at the file), or a directory in which they
    lie, itself one or not. out: where the bundles go; `{name}` in it stands for the name of the repository's directory, as in
    AIL_BUNDLES. Raises NotFoundError where *source* is not there, or names nothing.
    """
    named = _read_list(source) if source.is_file() else list(_iter_below(source, DEPTH))
    if not named:
        raise NotFoundError(
            f"{source} names no repository", "name a file with a directory a line, or a directory of repositories"
        )
    found: dict[str, Repository] = {}
    problems: list[tuple[str, AilError]] = []
    for path in named:
        try:
            place = _find(path)
        except AilError as err:
            problems.append((path, err))
        else:
            name = Path(place.root).name.removesuffix(".git")
            found.setdefault(place.common_dir, Repository(place.root, out.replace(NAME, name)))
    repeated = len(named) - len(problems) - len(found)
    return Listed([*found.values()], problems, [*_describe(repeated, found.values(), NAME in out)])


def _read_list(file: Path) -> list[str]:
    try:
        lines = os.fsdecode(file.read_bytes()).splitlines()
    except OSError as err:
        raise NotFoundError(f"{file} cannot be read: {err.strerror}", "check its permissions") from err
    paths = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [path if _ADDRESS.match(path) else os.path.join(file.parent, os.path.expanduser(path)) for path in paths]


def _iter_below(directory: Path, depth: int) -> Iterator[str]:
    """Yield the repositories in *directory*, itself or below; links to directories are not followed."""
    if _is_repository(directory):
        yield str(directory)
        return
    try:
        entries = sorted(directory.iterdir()) if depth >= 0 else []
    except OSError as err:
        if depth == DEPTH:
            raise NotFoundError(f"{directory} cannot be read: {err.strerror}", "name another") from err
        yield str(directory)  # it is named as a problem
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield from _iter_below(entry, depth - 1)


def _is_repository(directory: Path) -> bool:
    return (directory / ".git").exists() or all((directory / name).exists() for name in ("HEAD", "objects", "refs"))


def _find(path: str) -> RepoPlace:
    """Return the main worktree of the repository at *path*. Raises NotARepositoryError, RepoUnreadableError."""
    if _ADDRESS.match(path):
        raise NotARepositoryError(
            f"{path} is an address, and AIL never runs git over the network", f"clone it: `git clone --mirror {path}`"
        )
    try:
        os.listdir(path)
    except FileNotFoundError as err:  # `find_repository` would find one around it
        raise NotARepositoryError(f"{path} is not there", "clone it, or take it off the list") from err
    except OSError as err:
        raise RepoUnreadableError(
            f"{path} cannot be read: {err.strerror}", "let this user read it, or take it off the list"
        ) from err
    return get_main_place(find_repository(path))


def _describe(repeated: int, repositories: Collection[Repository], has_name: bool) -> Iterator[str]:
    if repeated:
        yield f"{repeated:,} of the names are of repositories that were named before: each is read once"
    for out, count in Counter(one.out for one in repositories).items():
        if count > 1 and has_name:
            yield f"{count:,} repositories have the same name, and so one bundle: {out}"
