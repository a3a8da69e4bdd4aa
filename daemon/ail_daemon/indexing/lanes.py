"""One update in either lane: a handful of commits within the daemon, a whole history in a worker process. Knows no queue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import OutOfTimeError, StorageError

from ..encoding.encoders import Serving
from ..flags import Flags
from ..index.repoindex import RepoIndex
from ..index.rewrites import note_successors
from ..model import Encoder
from ..process import heap
from ..repos.repo import Repo
from .embedding import OpenKept, encode_with
from .reading import LocalReader
from .takingback import LargeUpdate
from .updating import SMALL, take_back_beside, update_large, update_small
from .workerprocess import WorkerDiedError, WorkerProcess

_LIVE_LIMITS: dict[str, Any] = {"limit_s": 10.0, "limit_bytes": 64 << 20}
"""For one git process of the daemon: a hanging file system must not delay other repositories. Beyond: a worker."""

_GIVE_BACK_EVERY = 32
"""Updates within the daemon. They fragment the heap, which grows: by 5 MB after 4,000 commits, without end in sight."""


class Lanes:
    """Updates indexes, one at a time in each lane. *get_serving* returns no encoder where no model is prepared: words alone."""

    def __init__(
        self,
        flags: Flags,
        get_serving: Callable[[], Serving],
        open_kept: OpenKept,
        is_on_battery: Callable[[], bool],
    ) -> None:
        self._flags = flags
        self._get_serving = get_serving
        self._open_kept = open_kept
        self._is_on_battery = is_on_battery
        self._worker: WorkerProcess | None = None
        self._live_updates = 0

    def kill_worker(self, place: RepoPlace | None = None) -> None:
        """Kill the running worker if it reads the repository at *place* (None: any)."""
        if (worker := self._worker) and place in (None, worker.place):
            worker.kill()

    def may_encode(self, count: int) -> bool:
        """Whether *count* texts may be encoded now: a few always, more not on battery, unless the settings say so."""
        return count <= SMALL or self._flags.current.embed_on_battery or not self._is_on_battery()

    def must_wait(self, repo: Repo) -> bool:
        """Whether *repo* waits for mains power, and there is none."""
        index = repo.index
        return repo.waits_for_power and index is not None and not self.may_encode(index.counts.unembedded)

    def update_live(self, repo: Repo, on_pruned: Callable[[], None], *, is_asked: bool) -> bool:
        """Index a handful of commits here; False where there are more, or it takes too long.

        on_pruned: called once no commit is found that was unreachable at the beginning; so below.
        is_asked: a user asked to try again what could not be indexed; so below.
        """
        encoder, settings = self._get_serving().encoder, self._flags.current
        limits = self._flags.history_limits
        try:
            reader = LocalReader(repo.place, settings.refs, limits, **_LIVE_LIMITS)
            with _changing(repo, encoder) as index:
                return update_small(
                    reader,
                    encode_with(encoder),
                    repo,
                    index,
                    on_pruned,
                    is_asked=is_asked,
                    may_reuse=settings.faiss_cache,
                    may_encode=self.may_encode,
                )
        except OutOfTimeError:
            return False
        finally:
            self._live_updates += 1
            if self._live_updates % _GIVE_BACK_EVERY == 0:
                heap.give_back()

    def update_bulk(self, repo: Repo, on_pruned: Callable[[], None], update: LargeUpdate, *, is_asked: bool) -> bool:
        """Index all there is, read by a worker; True. Raises WorkerDiedError."""
        settings = self._flags.current
        encoder, bulk = self._get_serving()
        with contextlib.ExitStack() as begun:
            with update.lock:  # refs read after this are newer than those that the worker reads
                update.latest = None
                limits = self._flags.history_limits
                worker = begun.enter_context(WorkerProcess(repo.place, settings.refs, bulk, limits))
                self._worker = worker
                begun.callback(self._forget_worker)
                index = begun.enter_context(_changing(repo, encoder))
            is_reusing = settings.faiss_cache
            find_kept = begun.enter_context(self._open_kept(repo, index, worker.encode)) if is_reusing else None
            update_large(
                worker,
                worker.encode,
                repo,
                index,
                on_pruned,
                find_kept,
                update,
                is_asked=is_asked,
                may_encode=self.may_encode,
            )
        return True

    def take_back(self, repo: Repo, update: LargeUpdate) -> None:
        """Remove commits no longer reachable, while a large *update* runs or waits. Raises OutOfTimeError."""
        encoder, limits = self._get_serving().encoder, self._flags.history_limits
        with update.lock:
            reader = LocalReader(repo.place, self._flags.current.refs, limits, **_LIVE_LIMITS)
            take_back_beside(reader, repo.open_index(encoder), update)

    def _forget_worker(self) -> None:
        self._worker = None
        heap.trim()


@contextlib.contextmanager
def _changing(repo: Repo, encoder: Encoder | None) -> Iterator[RepoIndex]:
    """Open the index for one update, and note how that ended: its caches are doubtful where it failed.

    A worker ends between two batches, at a stop too: what came from it until then stands in the store and in the words alike,
    and these need not be built anew, which takes a minute for 300,000 commits.
    """
    repo.reopen_if_doubtful()
    index = repo.open_for_update(encoder)
    try:
        while repo.rewritten:
            note_successors(index.store, [repo.rewritten.popleft()])
        yield index
    except BaseException as err:
        repo.is_doubtful = True
        if isinstance(err, WorkerDiedError):
            with contextlib.suppress(StorageError):
                index.publish()
                index.settle()
        raise
    finally:
        index.drop_words()  # without a stamp where the update failed: it may lack commits
