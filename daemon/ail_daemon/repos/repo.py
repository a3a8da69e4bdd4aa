"""One enrolled repository at run time: its index, the progress of its update, how fresh replies say it is."""

from __future__ import annotations

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import BusyError

from ..index.repoindex import RepoIndex
from ..index.store import SCHEMA_VERSION, STORE_FILE, DamagedError, break_seal, check_seal
from ..model import Encoder
from .places import load_json, save_json

_RETRY_S = 5.0


Phase = Literal["idle", "waiting", "reading", "embedding", "changes"]


Source = Literal["add", "hook", "event", "timer", "question"]
"""What caused an update; `add`: enrolling or building."""

_MEASURED_S = 1.0
"""Seconds of work before a rate is shown: a shorter sample is too noisy."""


class Progress:
    """How far an update is: *done* of *of* in *phase*.

    The rate is measured from the end of the first batch, which holds the start of the worker and the loading of its model:
    counted in, it made the first time left 20 and 30 times too long.
    """

    __slots__ = ("_began", "_done", "_latest", "of", "phase")

    def __init__(self, phase: Phase = "idle", done: int = 0, of: int = 0) -> None:
        self.phase = phase
        self.of = of
        self._done = done
        self._began: tuple[int, float] | None = (
            None  # done, and when (monotonic seconds), at the end of the first batch
        )
        self._latest = 0.0

    @property
    def done(self) -> int:
        """How many are done by now."""
        return self._done

    @done.setter
    def done(self, done: int) -> None:
        self._done, self._latest = done, monotonic()
        self._began = self._began or (done, self._latest)

    def describe(self) -> dict[str, Any]:
        """Return phase, done, of, rate (a second) and eta_s; both None until a second of work was measured."""
        rate = self._measure()
        eta_s = None if rate is None else round(max(0, self.of - self.done) / rate, 1)
        rounded = None if rate is None else round(rate, 1)
        return {"phase": self.phase, "done": self.done, "of": self.of, "rate": rounded, "eta_s": eta_s}

    def _measure(self) -> float | None:
        """Return how many are done in a second."""
        if self._began is None:
            return None
        first, began = self._began
        spent_s = self._latest - began
        return (self.done - first) / spent_s if spent_s >= _MEASURED_S and self.done > first else None


class Repo:
    """One enrolled repository at run time. Its index is opened at first use and may be used by several threads."""

    def __init__(self, directory: Path, place: RepoPlace) -> None:
        self.directory = directory
        self.key = directory.name  # its id in logs and on disk; says nothing of its path
        self.place = place
        self.progress = Progress()
        self.notice: str | None = None
        self.updated_by: Source | None = None
        self.watched: str | None = None  # why events do not report its moves; None: they do
        self.encoded = 0  # texts, since the daemon started
        self.reused = 0  # texts whose embedding was stored already
        self.rewritten: deque[tuple[str, str]] = deque()  # (old, new) from a hook, not stored yet
        self.waits_for_power = False  # embedding does, on battery; words and changed lines do not
        self.bundle_notice: str | None = None  # why the last update could not use a bundle
        self.is_removed = False
        self.token = os.urandom(8)  # this enrolment, unlike one that was purged and made again
        self.is_doubtful = False  # an update failed: its caches may be behind the store, and are to be opened anew
        self.settled = _load_settled(directory)
        self.on_damage: Callable[[Repo], None] = lambda _: None  # called if the index is not as it was left
        self._index: RepoIndex | None = None
        self._tried_at = 0.0  # when vectors could not be served last, monotonic
        self._opening = threading.Lock()
        self._is_retired = False
        self._is_suspect = False  # its database was found damaged: it is to be looked over when it is opened next
        self._looked_at: tuple[int, int] | None = None  # size and time of the database when it was found whole

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
        """Store what the index was made equal to, so that after a start it is neither opened nor compared if nothing moved."""
        self.settled = {**state, "schema": SCHEMA_VERSION, "updated_by": updated_by}
        save_json(self.directory / "settled.json", self.settled, is_synced=False)
        self.notice, self.updated_by = None, updated_by

    def open_index(self, encoder: Encoder | None) -> RepoIndex:
        """Return the index, opened with *encoder*; if it was opened without a model, *encoder* is added.

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
        """Open the index; a damaged one is set aside for a new one. Calls `on_damage` for it, and for one older than settled."""
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

    def distrust(self) -> None:
        """Have the next update look the database over, which somebody found damaged, and make it anew where that is true."""
        self.settled, self.is_doubtful, self._is_suspect = {}, True, True

    def is_damaged_at_rest(self) -> bool:
        """Whether a database that is not open is not what was sealed; read again only where its file is another by size or time.

        60 ms for each 50 MB. One without a seal counts too: opening it tells.
        """
        path = self.directory / STORE_FILE
        try:
            stat = path.stat()
            looked_at = stat.st_size, stat.st_mtime_ns
            if self._index is not None or looked_at == self._looked_at:
                return False
            if check_seal(path):
                self._looked_at = looked_at
                return False
            with self._opening:  # one that is just being closed has no seal until that is done
                return self._index is None and not check_seal(path)
        except OSError:
            return False  # nothing is there, or it cannot be read: opening it says so

    def reopen_if_doubtful(self) -> None:
        """Close an index whose last update failed: opening it again makes words and vectors equal to the store."""
        if self.is_doubtful:
            with self._opening:
                was_open = self._index is not None
                self._close()
                # Closing sealed it as it was; of one that was not open the seal tells.
                if self._is_suspect and was_open:
                    break_seal(self.directory / STORE_FILE)
            self.is_doubtful = self._is_suspect = False

    def set_aside(self) -> None:
        """Close a damaged index and keep its files beside, once; the next opening begins a new one.

        A question that opened it in between would read on from files that are moved away, and an update would write there.
        """
        with self._opening:
            self._close()
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
        """Close the index for good: a question under way must not create files in a directory that is being removed."""
        with self._opening:
            self._is_retired = True
        self.close()

    def close(self) -> None:
        """Close the index."""
        with self._opening:
            self._close()

    def _close(self) -> None:
        # Given out no more before it is closed, which takes a checkpoint and a hash: a question meanwhile waits for the new one.
        # The other way round it was given the closed one, as often as it asked again, until it was refused.
        index, self._index = self._index, None
        if index is not None:
            index.close()


def _load_settled(directory: Path) -> dict[str, Any]:
    """Return what `settle` stored last; {} where a version of another schema did: its index is to be brought up to date."""
    kept = load_json(directory / "settled.json")
    return kept if kept.get("schema") == SCHEMA_VERSION else {}


def is_first_read(progress: Progress, index: RepoIndex) -> bool:
    """Whether the history is being read for the first time, so that what is found is the newest part of it."""
    return progress.phase in ("waiting", "reading") and not index.tips.shas


def describe_first_read(repo: Repo, index: RepoIndex) -> str | None:
    """Say how much of a history has been read that is read for the first time; None for another."""
    if not is_first_read(repo.progress, index):
        return None
    of = repo.progress.of
    return f"indexing: {index.counts.commits:,} {f'of {of:,} ' if of else ''}commits so far"


def describe_index(repo: Repo, index: RepoIndex, place: RepoPlace | None = None) -> dict[str, Any]:
    """Return how fresh the index is: head (of the worktree *place*), commits, pending, complete; is_shallow: older ones lack."""
    counts, progress = index.counts, repo.progress
    unread = progress.of - progress.done if progress.phase == "reading" else 0
    return {
        "head": _get_head(repo, index, place),
        "commits": counts.commits,
        "pending": counts.pending + unread,
        "complete": repo.is_settled and not counts.pending,
        "is_shallow": bool(index.tips.boundary),
    }


def _get_head(repo: Repo, index: RepoIndex, place: RepoPlace | None) -> str | None:
    if place is None or place.git_dir == repo.place.git_dir:
        return index.tips.head
    return index.tips.refs.get(f"worktrees/{os.path.basename(place.git_dir)}/HEAD")
