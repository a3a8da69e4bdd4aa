"""Keeps indexes equal to what their repositories' refs reach: schedules updates onto two threads, the lanes.

The live lane indexes a handful of new commits within the daemon, for any repository at once, while the bulk lane reads a
whole history in a worker process, one repository after the other. A repository is in one lane at a time. Events are
debounced: a rebase moves HEAD a hundred times. A repository that kills its worker twice is set aside with a notice.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from ail_rpc.errors import AilError, OutOfTimeError

from ..encoding.encoders import Serving
from ..flags import Flags
from ..history.signature import read_signature
from ..index.store import DamagedError
from ..repos.repo import Progress, Repo, Source
from .embedding import OpenKept
from .lanes import Lanes
from .takingback import LargeUpdate
from .workerprocess import WorkerDiedError

QUIET_S, LONGEST_S = 0.04, 0.4
"""An event is handled after QUIET_S without another, LONGEST_S at the latest. `git commit` moves HEAD's log, the
branch and HEAD within 10 ms."""

_MAX_DEATHS = 2
_MEANT: tuple[Source, ...] = ("add", "hook")
"""Sources by which a user or git announces a change."""
_RETRY_S = 1.0
_STOP_S = 0.4


@dataclass(slots=True)
class Update:
    """One comparison of a repository with its refs, asked for by *source*; *due* in monotonic seconds, no later than *latest*.

    pruned is set once no commit is found that was unreachable when the update was last asked for, done at its end;
    neither ever holds an error. is_bulk: it is in the bulk lane, or waits for the bulk update of its repository.
    is_asked: a user asked to try again what could not be indexed, and that is not done yet.
    """

    repo: Repo
    source: Source
    due: float
    latest: float
    pruned: Future[None] = field(default_factory=Future)
    done: Future[None] = field(default_factory=Future)
    is_bulk: bool = False
    is_asked: bool = False
    signature: str = ""
    large: LargeUpdate = field(default_factory=LargeUpdate)

    def finish_pruning(self) -> None:
        """Wake those that wait for `pruned`."""
        _finish(self.pruned)

    def finish(self) -> None:
        """Wake all that wait."""
        self.finish_pruning()
        _finish(self.done)


class Indexer:
    """Updates repositories. *get_serving* returns no encoder where no model is prepared: then words alone."""

    def __init__(
        self,
        flags: Flags,
        get_serving: Callable[[], Serving],
        on_error: Callable[[Repo, Exception], None],
        open_kept: OpenKept,
        is_on_battery: Callable[[], bool],
    ) -> None:
        self._flags = flags
        self._get_serving = get_serving
        self._on_error = on_error
        self._lanes = Lanes(flags, get_serving, open_kept, is_on_battery)
        self.on_updated: Callable[[Repo], None] = lambda _: None  # called in a lane, after each update
        self._changed = threading.Condition()  # guards what follows
        self._waiting: dict[str, Update] = {}
        self._active: dict[str, Update] = {}
        self._bulk_queue: deque[Update] = deque()
        self._beside: str | None = None  # the repository being pruned while its bulk update runs
        self._tried: dict[str, str] = {}  # signatures that an update was begun at, successful or not
        self._deaths: dict[str, int] = {}
        self._asked: set[str] = set()  # repositories of which all is to be tried again that could not be indexed
        self._is_stopping = False
        lanes = {"live": self._run_live, "bulk": self._run_bulk}
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in lanes.items()]

    def start(self) -> None:
        """Begin to take requests."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the current work; what was done is kept, the rest is done after the next start.

        A thread that a slow git or disk holds up for over _STOP_S ends with the process: as at a kill, nothing is lost.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._lanes.kill_worker()
        end = monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(max(0.0, end - monotonic()))

    # --- requests: from any thread, never block ----------------------------------------------------------------------

    def request(self, repo: Repo, source: Source, *, is_hint: bool = False) -> Update:
        """Ask for an update of *repo*; one that waits already is reused. A hint waits until events pause."""
        now = monotonic()
        with self._changed:
            update = self._waiting.get(repo.key)
            if update is None:
                latest = now + LONGEST_S if is_hint else now
                update = self._waiting[repo.key] = Update(repo, source, now, latest)
            elif update.pruned.done() or self._beside == repo.key:
                update.pruned = Future()  # what was pruned so far may predate this request
            active = self._active.get(repo.key)
            update.is_bulk = active is not None and active.is_bulk
            if source in _MEANT:
                update.source = source  # an event for the same change must not hide who announced it
            update.due = min(now + QUIET_S, update.latest) if is_hint else now
            if repo.progress.phase == "idle":
                repo.progress = Progress("waiting")  # under the lock: a lane might end the update first
            self._changed.notify_all()
        return update

    def freshen(self, repo: Repo, source: Source) -> Update | None:
        """Ask for an update where *repo*'s refs may have moved; return the one to wait for, None where nothing moved."""
        signature = read_signature(repo.place, self._flags.current.refs)
        with self._changed:
            if signature == self._tried.get(repo.key, repo.settled.get("signature")):
                waiting = self._waiting.get(repo.key)
                if waiting and not waiting.pruned.done():
                    return waiting
                return self._active.get(repo.key) or waiting
        return self.request(repo, source)

    def request_if_unsettled(self, repo: Repo, source: Source) -> None:
        """Ask for an update where anything is missing: commits, embeddings of the model that serves, changed lines."""
        encoder = self._get_serving().encoder
        is_settled = repo.settled.get("signature") == read_signature(repo.place, self._flags.current.refs)
        if is_settled and self._lanes.must_wait(repo):
            return
        if not is_settled or (encoder is not None and repo.settled.get("model") != encoder.model_id):
            self.request(repo, source)

    def forget(self, repo: Repo) -> None:
        """Allow another try for a repository that was set aside, or parts of which were; then `request` it."""
        with self._changed:
            if repo.settled.get("skipped"):
                self._asked.add(repo.key)
            self._deaths.pop(repo.key, None)
            self._tried.pop(repo.key, None)

    def abandon(self, repo: Repo) -> None:
        """Stop the work on *repo*, which is about to be removed, and wait until none runs."""
        repo.is_removed = True
        with self._changed:
            if update := self._waiting.pop(repo.key, None):
                update.finish()
            active = self._active.get(repo.key)
            if active and active.is_bulk:
                self._lanes.kill_worker(repo.place)
            self._changed.wait_for(lambda: repo.key not in self._active and repo.key != self._beside)
        self.forget(repo)
        self._asked.discard(repo.key)

    # --- lanes ------------------------------------------------------------------------------------------------------

    def _run_live(self) -> None:
        while update := self._take_due():
            if update.repo.key == self._beside:
                self._take_back(update)
            elif self._moved(update) and not self._guard(
                update, partial(self._lanes.update_live, is_asked=update.is_asked)
            ):
                with self._changed:
                    update.is_bulk = True
                    if waiting := self._waiting.get(update.repo.key):
                        waiting.is_bulk = True
                    self._bulk_queue.append(update)
                    self._changed.notify_all()
            else:
                self._end(update)

    def _run_bulk(self) -> None:
        while update := self._take_bulk():
            self._guard(update, partial(self._lanes.update_bulk, update=update.large, is_asked=update.is_asked))
            self._end(update)

    def _take_due(self) -> Update | None:
        """Wait for an update that is due and whose repository is in no lane, and put it into one. None: stopping.

        One whose repository is in the bulk lane stays waiting; only unreachable commits are removed: see `_take_back`.
        """
        with self._changed:
            while not self._is_stopping:
                ready = [one for one in self._waiting.values() if self._may_begin(one)]
                first = min(ready, key=lambda one: one.due, default=None)
                if first is None:
                    self._changed.wait()
                elif (wait_s := first.due - monotonic()) > 0:
                    self._changed.wait(wait_s)
                elif first.repo.key in self._active:
                    self._beside = first.repo.key
                    return first
                else:
                    del self._waiting[first.repo.key]
                    self._active[first.repo.key] = first
                    first.is_bulk = False
                    return first
        return None

    def _may_begin(self, update: Update) -> bool:
        active = self._active.get(update.repo.key)
        return active is None or (active.is_bulk and not update.pruned.done())

    def _take_back(self, update: Update) -> None:
        """Remove unreachable commits during the bulk update of the same repository, for which *update* waits."""
        repo, pruned = update.repo, update.pruned
        with self._changed:
            active = self._active.get(repo.key)
        try:
            if active:
                self._take_back_once(repo, active)
        except OutOfTimeError:
            update.due = monotonic() + _RETRY_S  # until then questions get OutOfTimeError
        except Exception as err:  # noqa: BLE001 - as in `_guard`; the update that follows gives up, and says so
            self._on_error(repo, err)
            _finish(pruned)
        else:
            if active:
                _finish(pruned)
                active.finish_pruning()
        with self._changed:
            self._beside = None
            self._changed.notify_all()

    def _take_back_once(self, repo: Repo, active: Update) -> None:
        signature = read_signature(repo.place, self._flags.current.refs)
        if signature != self._tried.get(repo.key) or not active.pruned.done():
            self._lanes.take_back(repo, active.large)
            self._tried[repo.key] = signature

    def _take_bulk(self) -> Update | None:
        with self._changed:
            self._changed.wait_for(lambda: self._bulk_queue or self._is_stopping)
            return None if self._is_stopping else self._bulk_queue.popleft()

    def _end(self, update: Update) -> None:
        repo = update.repo
        with self._changed:
            del self._active[repo.key]
            if update.is_asked:
                self._asked.add(repo.key)
            repo.progress = Progress("waiting") if repo.key in self._waiting else Progress()
            self._changed.notify_all()
        update.finish()
        self.on_updated(repo)

    def _moved(self, update: Update) -> bool:
        """Whether there is anything to do; a hint often comes after an update already saw the change."""
        repo = update.repo
        if repo.is_removed or self._deaths.get(repo.key, 0) >= _MAX_DEATHS:
            return False
        update.signature = read_signature(repo.place, self._flags.current.refs)
        model = encoder.model_id if (encoder := self._get_serving().encoder) else None
        settled = repo.settled
        is_settled = repo.is_sound and (settled.get("signature"), settled.get("model")) == (update.signature, model)
        with self._changed:
            self._tried[repo.key] = update.signature
            update.is_asked = repo.key in self._asked
            self._asked.discard(repo.key)
        is_retry = update.is_asked or (update.source in _MEANT and bool(settled.get("skipped")))
        return not is_settled or bool(repo.rewritten) or is_retry

    # --- one update -------------------------------------------------------------------------------------------------

    def _guard(self, update: Update, work: Callable[[Repo, Callable[[], None]], bool]) -> bool:
        """Do *work*; return what it returns, True where it failed and that was reported."""
        repo = update.repo
        try:
            is_done = work(repo, update.finish_pruning)
            if is_done:
                self._settle(update)
        except DamagedError as err:
            repo.distrust()
            self._count_death(update, err)
        except (WorkerDiedError, OutOfTimeError) as err:  # a repository that made git hang may do so again
            self._count_death(update, err)
        except AilError as err:
            self._give_up(repo, err, f"{err.message}; {err.hint}" if err.hint else err.message)
        except Exception as err:  # noqa: BLE001 - a background task must outlive a bug; the log gets the traceback
            self._give_up(repo, err, "indexing stopped at an internal error; the log has it")
        else:
            if is_done:
                self._deaths.pop(repo.key, None)
            return is_done
        return True

    def _give_up(self, repo: Repo, err: Exception, notice: str) -> None:
        is_new = repo.notice != notice
        repo.notice = notice
        if is_new and not repo.is_removed:  # the timer tries again every minute; one line of log is enough
            self._on_error(repo, err)

    def _count_death(self, update: Update, err: AilError) -> None:
        repo = update.repo
        if self._is_stopping or repo.is_removed:
            return
        self._on_error(repo, err)
        deaths = self._deaths[repo.key] = self._deaths.get(repo.key, 0) + 1
        if deaths < _MAX_DEATHS:
            self.request(repo, update.source)
        else:
            repo.notice = f"set aside: {err.message}, twice; check it with `git fsck`, then `ail-client add` it again"

    def _settle(self, update: Update) -> None:
        repo, index = update.repo, update.repo.index
        update.is_asked = False
        if index is not None:
            repo.settle(
                signature=update.signature,
                model=index.encoder.model_id if index.encoder and not repo.waits_for_power else None,
                head=index.tips.head,
                commits=index.counts.commits,
                generation=index.store.generation,
                skipped=index.counts.skipped,
                updated_by=update.source,
            )


def _finish(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
