"""The enrolled repositories and where their indexes lie. No other repository is ever read.

Each has a directory below the state directory, named by a hash of git's common directory, so that worktrees share it:
`repo.json` says that it is enrolled and where it lies, the rest is its index.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, NotARepositoryError, NotEnrolledError, RepoError, UsageError

from ..process.underway import note_repo
from . import directories
from .finding import Finder
from .places import check_owner, get_key, get_main_place, hash_path, load_place, save_place
from .repo import Repo


class Repos:
    """All enrolled repositories below *directory*; *get_max_repos* returns how many there may be."""

    def __init__(self, directory: Path, get_max_repos: Callable[[], int] = lambda: sys.maxsize) -> None:
        self._directory = directory
        self._get_max_repos = get_max_repos
        self._finder = Finder()
        self._lock = threading.Lock()
        self._repos: dict[str, Repo] = {}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directories.finish_begun(directory)
        for enrolment in directory.glob("*/repo.json"):
            if place := load_place(enrolment):
                self._repos[enrolment.parent.name] = Repo(enrolment.parent, place)

    def __iter__(self) -> Iterator[Repo]:
        return iter(list(self._repos.values()))

    def add(self, start: str) -> Repo:
        """Enrol the repository that the directory *start* lies in, unless it is enrolled already, and return it.

        Raises RepoError if there are too many.
        """
        place = get_main_place(self._finder.find(start))
        check_owner(place)
        with self._lock:
            key = get_key(place)
            if key not in self._repos:
                self._check_room()
                directory = self._directory / key
                save_place(directory / "repo.json", place)
                self._repos[key] = Repo(directory, place)
            note_repo(key)
            return self._repos[key]

    def _check_room(self) -> None:
        most = self._get_max_repos()
        if len(self._repos) >= most:
            raise RepoError(
                f"{len(self._repos):,} repositories are enrolled, and no more than {most:,} may be",
                "remove one (`ail-client repos` lists them), or allow more with AIL_MAX_REPOS",
            )

    def get(self, key: str) -> Repo | None:
        """Return the enrolled repository with this key, None if there is none."""
        return self._repos.get(key)

    def find_enrolled(self, start: str) -> Repo | None:
        """Return the enrolled repository that *start* lies in, None if that was not added."""
        return self._repos.get(get_key(self._finder.find(start)))

    def is_within(self, start: str, repo: Repo | None = None) -> bool:
        """Whether the directory *start* lies in *repo*, or (None) in any repository that is enrolled."""
        try:
            found = self.find_enrolled(start)
        except (AilError, OSError):
            return False
        return found is not None and repo in (None, found)

    def find(self, start: str) -> tuple[Repo, RepoPlace]:
        """Return the enrolled repository that *start* lies in, and the worktree asked from. Raises NotEnrolledError."""
        return self._get_enrolled(self._finder.find(start))

    def find_owner(self, start: str, files: Sequence[str]) -> tuple[Repo, RepoPlace, list[str]]:
        """Return the enrolled repository of *files*, the worktree asked from, and the files as it is to be asked for them.

        They are given from the root of the repository that *start* lies in, and may all lie in a submodule or another clone in
        its work tree: then they are returned as absolute paths. Raises NotEnrolledError, UsageError where they lie in several.
        """
        around = self._finder.find(start)
        nearby = {os.path.dirname(file): file for file in files}  # one of each directory
        owners = {place.git_dir: place for place in (self._finder.find_owner(around, one) for one in nearby.values())}
        if len(owners) > 1:
            roots = ", ".join(sorted(place.root for place in owners.values()))
            raise UsageError(f"the files lie in {len(owners)} repositories: {roots}", "ask about one at a time")
        own = next(iter(owners.values()), around)
        is_around = own.git_dir == around.git_dir
        return *self._get_enrolled(own), [*files] if is_around else [os.path.join(around.root, file) for file in files]

    def _get_enrolled(self, place: RepoPlace) -> tuple[Repo, RepoPlace]:
        repo = self._repos.get(get_key(place))
        if repo is None:
            raise NotEnrolledError(
                f"{place.root} is not enrolled: AIL reads only what was added", f"ail-client add {place.root}"
            )
        note_repo(repo.key)
        return repo, place

    def find_even_gone(self, start: str) -> Repo:
        """Return the enrolled repository at or around *start*; one whose directory was deleted is found by its former path."""
        real = os.path.realpath(start)
        for repo in self:
            if real in (repo.place.root, repo.place.git_dir, repo.place.common_dir):
                return repo
        return self.find(start)[0]

    def remove(self, repo: Repo, *, purge: bool) -> None:
        """End the enrolment; with *purge* delete the index too. Raises StorageError if that fails; the next start tries again."""
        with self._lock:
            if self._repos.get(repo.key) is repo:
                del self._repos[repo.key]
        repo.retire()
        if purge:
            directories.discard(repo.directory)
        else:
            (repo.directory / "repo.json").unlink(missing_ok=True)

    def purge_left(self, start: str) -> bool:
        """Delete the index that an earlier `remove` kept of the repository at *start*; return whether there was one."""
        real = os.path.realpath(start)
        names = {hash_path(common_dir) for common_dir in (real, os.path.join(real, ".git"))}
        with contextlib.suppress(NotARepositoryError):
            names.add(get_key(self._finder.find(start)))
        left = [self._directory / name for name in names - self._repos.keys() if (self._directory / name).exists()]
        for directory in left:
            directories.discard(directory)
        return bool(left)

    @property
    def directory(self) -> Path:
        """Where each repository has a directory, named by its key."""
        return self._directory

    def take_over(self, coming: Path, place: RepoPlace) -> Repo:
        """Move the directory that *coming* holds for the repository at *place* into use, enrolled; return the repository.

        An older one under the same key must not be watched any more, and no update of it may run.
        """
        with self._lock:
            key = get_key(place)
            if old := self._repos.get(key):
                old.retire()
            directories.move_in(coming, key)
            self._repos[key] = Repo(self._directory / key, place)
            return self._repos[key]

    def close(self) -> None:
        """Close every index."""
        for repo in self:
            repo.close()
