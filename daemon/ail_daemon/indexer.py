"""Makes indexes equal to what their repositories' refs reach: one thread, one worker process at a time, newest first.

An update reads what is new, removes what is no longer reachable, embeds, then reads changed lines. Each batch is on disk
before the next is asked for, so an update that was killed goes on where it stopped. A repository that kills its worker
twice is set aside with a notice.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ail_rpc.errors import AilError

from . import heap
from .index import RepoIndex
from .model import Encoder, Tips
from .repos import Progress, Repo, Source
from .signature import read_signature
from .workers import WorkerDiedError, WorkerProcess

_FIRST_TEXTS, _TEXTS = 128, 2048  # texts a batch: a small first one, so that the newest are found by meaning at once
_CHANGES = 2048
_MAX_DEATHS = 2


@dataclass(frozen=True, slots=True)
class Bulk:
    """How the worker encodes: see `Worker.encode`."""

    model: str
    kind: str
    models_dir: str
    threads: int


class Indexer:
    """Updates repositories, one after the other. *get_encoder* returns None where no model is prepared: then words alone."""

    def __init__(
        self, bulk: Bulk, get_encoder: Callable[[], Encoder | None], on_error: Callable[[Repo, Exception], None]
    ) -> None:
        self._bulk = bulk
        self._get_encoder = get_encoder
        self._on_error = on_error
        self._wanted: queue.Queue[Repo | None] = queue.Queue()
        self._sources: dict[str, Source] = {}
        self._tried: dict[str, str] = {}  # signatures that an update was begun at, successful or not
        self._deaths: dict[str, int] = {}
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._current: Repo | None = None
        self._worker: WorkerProcess | None = None
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)

    def start(self) -> None:
        """Begin to take requests."""
        self._thread.start()

    def stop(self) -> None:
        """End the work at hand; what was done is kept, the rest is done after the next start."""
        self._is_stopping = True
        self._wanted.put(None)
        if worker := self._worker:
            worker.kill()
        self._thread.join()

    def request(self, repo: Repo, source: Source) -> None:
        """Ask for an update of *repo*; one that waits already is not asked for again."""
        with self._lock:
            if repo.key in self._sources:
                return
            self._sources[repo.key] = source
        if repo.progress.phase == "idle":
            repo.progress = Progress("waiting")
        self._wanted.put(repo)

    def request_if_moved(self, repo: Repo, source: Source) -> bool:
        """Ask for an update where *repo*'s refs may have moved since one was last begun; whether that is so."""
        moved = read_signature(repo.place) != self._tried.get(repo.key, repo.settled.get("signature"))
        if moved:
            self.request(repo, source)
        return moved

    def request_if_unsettled(self, repo: Repo, source: Source) -> None:
        """Ask for an update where anything is missing: commits, embeddings of the model that serves, changed lines."""
        encoder = self._get_encoder()
        is_settled = repo.settled.get("signature") == read_signature(repo.place)
        if not is_settled or (encoder is not None and repo.settled.get("model") != encoder.model_id):
            self.request(repo, source)

    def forget(self, repo: Repo) -> None:
        """Let a repository that was set aside have another try."""
        self._deaths.pop(repo.key, None)
        self._tried.pop(repo.key, None)

    def abandon(self, repo: Repo) -> None:
        """End the work on *repo*, which is about to be removed, and wait until none of it runs."""
        repo.is_removed = True
        if repo is self._current and (worker := self._worker):
            worker.kill()
        with self._working:
            self.forget(repo)

    def _run(self) -> None:
        while (repo := self._wanted.get()) is not None and not self._is_stopping:
            with self._lock:
                source = self._sources.pop(repo.key)
            with self._working:
                self._current = repo
                if not repo.is_removed and self._deaths.get(repo.key, 0) < _MAX_DEATHS:
                    self._update_safely(repo, source)
                self._current = None
            repo.progress = Progress()

    def _update_safely(self, repo: Repo, source: Source) -> None:
        signature = self._tried[repo.key] = read_signature(repo.place)
        try:
            self._update(repo, source, signature)
        except WorkerDiedError as err:
            self._count_death(repo, source, err)
        except AilError as err:
            self._give_up(repo, err, f"{err.message}; {err.hint}" if err.hint else err.message)
        except Exception as err:  # noqa: BLE001 - a background task must outlive a bug; the log gets the traceback
            self._give_up(repo, err, "indexing stopped at an internal error; the log has it")
        else:
            repo.notice, repo.updated_by = None, source
            self._deaths.pop(repo.key, None)

    def _give_up(self, repo: Repo, err: Exception, notice: str) -> None:
        repo.notice, repo.is_doubtful = notice, True
        self._on_error(repo, err)

    def _count_death(self, repo: Repo, source: Source, err: WorkerDiedError) -> None:
        if self._is_stopping or repo.is_removed:
            return
        self._on_error(repo, err)
        deaths = self._deaths[repo.key] = self._deaths.get(repo.key, 0) + 1
        if deaths < _MAX_DEATHS:
            self.request(repo, source)
        else:
            repo.notice = f"set aside: {err.message}, twice; check it with `git fsck`, then `ail-client add` it again"

    def _update(self, repo: Repo, source: Source, signature: str) -> None:
        encoder = self._get_encoder()
        repo.reopen_if_doubtful()
        index = repo.open_index(encoder)
        with WorkerProcess(repo.place) as worker:
            self._worker = worker
            try:
                _read_commits(worker, repo, index)
                self._embed(worker, repo, index)
                _read_changes(worker, repo, index)
                index.settle()
            finally:
                self._worker = None
                index.words.close()  # unstamped where the update failed: then it may be behind the store
                heap.trim()
        model = encoder.model_id if encoder else None
        commits, head = index.counts.commits, index.tips.head
        repo.settle(signature=signature, model=model, head=head, commits=commits, updated_by=source)

    def _embed(self, worker: WorkerProcess, repo: Repo, index: RepoIndex) -> None:
        """Embed what has no embedding yet, newest first; without a model there is nothing to do."""
        if (already := index.counts.embedded) is None:
            return
        repo.progress = Progress("embedding", 0, index.counts.commits - already)
        limit = _FIRST_TEXTS
        bulk = self._bulk
        while texts := index.store.find_unembedded(limit):
            embeddings = worker.encode(
                [text for _, text in texts],
                model=bulk.model,
                kind=bulk.kind,
                models_dir=bulk.models_dir,
                threads=bulk.threads,
            )
            index.add_embeddings(texts, embeddings)
            repo.progress.done, limit = (index.counts.embedded or 0) - already, _TEXTS


def _read_commits(worker: WorkerProcess, repo: Repo, index: RepoIndex) -> None:
    """Make the indexed set equal to what the refs reach."""
    stored, tips = index.store.get_tips(), worker.tips
    is_known = bool(stored.shas) and worker.has_all(sorted(stored.shas))
    known = [] if is_known else list(index.store.iter_shas())
    total, batches = worker.read_commits(sorted(tips.shas), sorted(stored.shas) if is_known else [], known)
    repo.progress = Progress("reading", 0, total)
    for batch in batches:
        index.add_commits(batch)
        repo.progress.done += len(batch)
    if is_known or known:
        index.remove_commits(_find_gone(worker, index, stored, is_known))
    index.set_tips(tips)


def _find_gone(worker: WorkerProcess, index: RepoIndex, stored: Tips, is_known: bool) -> list[str]:
    """Return the shas that are indexed and no longer reachable."""
    now = sorted(worker.tips.shas)
    if is_known:
        lost = stored.shas - worker.tips.shas
        return list(worker.iter_shas(sorted(lost), now)) if lost else []
    return sorted(set(index.store.iter_shas()) - set(worker.iter_shas(now, [])))


def _read_changes(worker: WorkerProcess, repo: Repo, index: RepoIndex) -> None:
    """Read changed lines where they were not read yet; a commit whose lines cannot be read has none."""
    repo.progress = Progress("changes", 0, index.counts.commits - index.counts.changed)
    while shas := index.store.find_unread(_CHANGES):
        for rows in _complete(worker.iter_changes(shas), shas):
            index.add_changed(rows)
            repo.progress.done += len(rows)


def _complete(batches: Iterator[list[tuple[str, str]]], shas: list[str]) -> Iterator[list[tuple[str, str]]]:
    """Yield *batches*, then an empty text for those of *shas* that were in none."""
    missing = set(shas)
    for rows in batches:
        missing.difference_update(sha for sha, _ in rows)
        yield rows
    if missing:
        yield [(sha, "") for sha in missing]
