"""The enrolled repositories: which there are, where their indexes lie, how far each is. The only way one is ever read.

One directory a repository under the state directory, named by a hash of git's common directory, so that worktrees share
it: `repo.json` says that it is enrolled and where it lies, the rest is its index.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import AilError, BusyError, NotARepositoryError, NotEnrolledError, RepoError

from ..index.repoindex import RepoIndex
from ..index.store import STORE_FILE, DamagedError
from ..model import Encoder
from ..process.underway import note_repo
from . import directories
from .finding import Finder
from .places import check_owner, get_key, get_main_place, hash_path, load_json, load_place, save_json, save_place

_RETRY_S = 5.0

Phase = Literal["idle", "waiting", "reading", "embedding", "changes"]
Source = Literal["hook", "event", "timer", "question"]


@dataclass(slots=True)
class Progress:
    """How far an update is: *done* of *of* in *phase*, begun at *started* (monotonic seconds)."""

    phase: Phase = "idle"
    done: int = 0
    of: int = 0
    started: float = field(default_factory=monotonic)

    def describe(self) -> dict[str, Any]:
        """Return phase, done, of, rate (a second) and eta_s (None: not known)."""
        rate = self.done / max(monotonic() - self.started, 1e-3)
        eta_s = round((self.of - self.done) / rate, 1) if self.done else None
        return {"phase": self.phase, "done": self.done, "of": self.of, "rate": round(rate, 1), "eta_s": eta_s}


class Repo:
    """One enrolled repository at run time. Its index is opened at first use and may be used by several threads."""

    def __init__(self, directory: Path, place: RepoPlace) -> None:
        self.directory = directory
        self.key = directory.name  # its id in logs and on disk; says nothing of its path
        self.place = place
        self.progress = Progress()
        self.notice: str | None = None
        self.updated_by: Source | None = None
        self.watched: str | None = None  # why events do not tell of its moves; None: they do
        self.encoded = 0  # texts, since the daemon started
        self.reused = 0  # texts whose embedding was kept already, by content
        self.rewritten: deque[tuple[str, str]] = deque()  # (old, new), told by a hook and not yet kept
        self.is_removed = False
        self.token = os.urandom(8)  # this enrolment, unlike one that was purged and made again
        self.is_doubtful = False  # an update failed: its caches may be behind the store, and are to be opened anew
        self.settled = load_json(directory / "settled.json")
        self.on_damage: Callable[[Repo], None] = lambda _: None  # told where the index is not what it was left as
        self._index: RepoIndex | None = None
        self._tried_at = 0.0  # when vectors could not be served last, monotonic
        self._opening = threading.Lock()
        self._is_retired = False

    @property
    def index(self) -> RepoIndex | None:
        """The index where it is open, else None."""
        return self._index

    @property
    def is_sound(self) -> bool:
        """Whether the last update ended well."""
        return bool(self.settled) and not self.notice and not self.is_doubtful

    @property
    def is_settled(self) -> bool:
        """Whether the last update ended well and none is under way."""
        return self.progress.phase == "idle" and self.is_sound

    def settle(self, *, updated_by: Source, **state: str | int | None) -> None:
        """Keep what the index was made equal to, so that a start need neither open it nor read git where nothing moved."""
        save_json(self.directory / "settled.json", {**state, "updated_by": updated_by}, is_synced=False)
        self.settled = {**state, "updated_by": updated_by}
        self.notice, self.updated_by = None, updated_by

    def open_index(self, encoder: Encoder | None) -> RepoIndex:
        """Return the index, opened with *encoder*; a model that came later is taken up.

        Vectors that could not be served are tried again after 5 s at the earliest: it takes reading all of them.
        """
        if (index := self._index) is not None and (index.vectors is not None or encoder is None):
            return index  # the usual case, at every question: no lock
        if index is not None and index.no_vectors and monotonic() - self._tried_at < _RETRY_S:
            return index
        with self._opening:
            if self._is_retired:
                raise BusyError(f"{self.place.root} is being removed or restored just now", "ask again in a moment")
            if self._index is None:
                self._index = self._open(encoder)
            elif encoder is not None and self._index.vectors is None:
                self._index.use_encoder(encoder)
            if self._index.no_vectors:
                self._tried_at = monotonic()
            return self._index

    def _open(self, encoder: Encoder | None) -> RepoIndex:
        """Open the index; one that is damaged is set aside for a new one, and one behind what was settled is told of too."""
        settled = self.settled
        try:
            index = RepoIndex(self.directory, encoder)
        except DamagedError:
            self._move_aside()
            index = RepoIndex(self.directory, encoder)
        if settled and settled.get("generation") != index.opened_at:
            self.settled = {}
            self.on_damage(self)
        return index

    def open_for_update(self, encoder: Encoder | None) -> RepoIndex:
        """Return the index as `open_index` does, of *encoder*'s model from now on; only where no other update runs."""
        index = self.open_index(encoder)
        if encoder is not None and index.encoder is not None and index.encoder.model_id != encoder.model_id:
            with self._opening:
                self._index = index = index.with_encoder(encoder)
        return index

    def reopen_if_doubtful(self) -> None:
        """Close an index whose last update failed, so that opening it makes its caches equal to the store again."""
        if self.is_doubtful:
            self.close()
            self.is_doubtful = False

    def set_aside(self) -> None:
        """Close a damaged index and keep its files beside, once; the next opening begins a new one."""
        self.close()
        self._move_aside()

    def _move_aside(self) -> None:
        beside = self.directory / "damaged"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        for path in (*self.directory.glob(f"{STORE_FILE}*"), self.directory / "words", self.directory / "words.json"):
            if path.exists():
                os.replace(path, beside / path.name)
        self.settled, self.is_doubtful = {}, False

    def retire(self) -> None:
        """Close the index for good: a question that is on its way must not make files where they are being removed."""
        with self._opening:
            self._is_retired = True
        self.close()

    def close(self) -> None:
        """Close the index."""
        with self._opening:
            if self._index is not None:
                self._index.close()
                self._index = None


class Repos:
    """All enrolled repositories below *directory*; *get_most* tells how many may be added."""

    def __init__(self, directory: Path, get_most: Callable[[], int] = lambda: sys.maxsize) -> None:
        self._directory = directory
        self._get_most = get_most
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
        """Enrol the repository that the directory *start* lies in; one that is enrolled already is returned as it is.

        Raises RepoError where there are too many.
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
        most = self._get_most()
        if len(self._repos) >= most:
            raise RepoError(
                f"{len(self._repos):,} repositories are enrolled, and no more than {most:,} may be",
                "remove one (`ail-client repos` lists them), or allow more with AIL_MAX_REPOS",
            )

    def get(self, key: str) -> Repo | None:
        """Return the repository with this key, None where none is enrolled under it any more."""
        return self._repos.get(key)

    def find_enrolled(self, start: str) -> Repo | None:
        """Return the enrolled repository that *start* lies in, None for one that was not added."""
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
        place = self._finder.find(start)
        repo = self._repos.get(get_key(place))
        if repo is None:
            raise NotEnrolledError(
                f"{place.root} is not enrolled: AIL reads only what was added", f"ail-client add {place.root}"
            )
        note_repo(repo.key)
        return repo, place

    def find_even_gone(self, start: str) -> Repo:
        """Return the enrolled repository at or around *start*; one whose directory vanished is found by the path it had."""
        real = os.path.realpath(start)
        for repo in self:
            if real in (repo.place.root, repo.place.git_dir, repo.place.common_dir):
                return repo
        return self.find(start)[0]

    def remove(self, repo: Repo, *, purge: bool) -> None:
        """End the enrolment; with *purge* the index goes too. Raises StorageError where it cannot; a start tries again."""
        with self._lock:
            if self._repos.get(repo.key) is repo:
                del self._repos[repo.key]
        repo.retire()
        if purge:
            directories.discard(repo.directory)
        else:
            (repo.directory / "repo.json").unlink(missing_ok=True)

    def purge_left(self, start: str) -> bool:
        """Remove the index that an earlier `remove` left of the repository at *start*; whether there was one."""
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
        """Put the directory that *coming* holds for the repository at *place* in its place, enrolled; return it.

        An older one under the same key must be at rest: watched no more, and no update of it running.
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
