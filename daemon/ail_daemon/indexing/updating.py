"""Makes one index equal to what its repository's refs reach. Knows a reader and an index; no threads, no queue.

A small update adds everything at once: one transaction, then changed lines and words. A large one adds newest commits first,
words first, each batch on disk before the next is read, so that a killed one goes on where it stopped. Either removes
unreachable commits before it adds any, and a large one goes on doing so while it runs (`takingback`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import monotonic

from ail_rpc.errors import RepoUnreadableError

from ..index.repoindex import RepoIndex
from ..index.rewrites import forget_unused_embeddings, purge_retired
from ..model import Commit, Encode, Tips
from ..repos.repo import Progress, Repo
from ..text.passages import CommitChanges
from . import skipping
from .batches import iter_newest_first
from .embedding import FindKept, MayEncode, embed_fresh, embed_rest
from .reading import Reader, check_commits
from .skipping import Part
from .takingback import LargeUpdate, find_gone, retire, take_back, without_reachable

SMALL = 64
"""Commits that the daemon indexes itself. More go to a worker: their messages would take over half a second."""

_MANY = 32_768
"""Commits from which on adding them is `Store.filling`, where they are most of the index: fewer fit into the usual page cache
well enough, and are not worth 32 MB."""

_NEWEST = 256
"""Commits that are found before the others are counted: git lists a million in ten seconds."""

_PUBLISH_S = 1.0
"""Seconds between two commits of the word index while a history is read: each waits for the disk several times."""

_CHANGES = 2048
_CUT: frozenset[Part] = frozenset(("paths", "limit"))
"""What an indexed commit can lack that reading the whole commit again brings."""

_WHOLE: frozenset[Part] = _CUT | {"commit"}
_UNFINISHED = "unfinished"
"""In the store's meta while commits are added batch by batch: an update killed then leaves more commits than its tips reach."""


def update_small(
    reader: Reader,
    encode: Encode,
    repo: Repo,
    index: RepoIndex,
    on_pruned: Callable[[], None],
    *,
    is_asked: bool = False,
    may_reuse: bool = True,
    may_encode: MayEncode = lambda _: True,
) -> bool:
    """Index what is new; False where that is more than SMALL commits' work: then unreachable commits were removed, no more.

    is_asked: a user asked to try again what could not be indexed.
    may_reuse: a message whose embedding is stored, as after an amend or a cherry-pick, is not encoded again.
    may_encode: asked before embedding what earlier updates left; what may not be embedded is not this one's work.
    """
    retried = skipping.find_retried(index.store, is_asked=is_asked)
    stored = index.store.get_tips()
    tips, is_known = _compare_tips(reader, index, stored, retried)
    gone = find_gone(reader, tips, index, stored, is_known) if stored.shas or index.counts.commits else []
    if _is_too_much(index, is_known, retried, may_encode):
        retire(index, without_reachable(index, gone, tips, []), stored)
        on_pruned()
        return False
    known = [] if is_known else list(index.store.iter_shas())
    stale = _find_stale(index, stored, tips, retried)
    reader.take_skipped()  # unreachable commits may be unreadable
    count, batches = _read_missing(reader, tips, stored, is_known, known, stale, SMALL)
    if count > SMALL:
        retire(index, without_reachable(index, gone, tips, []), stored)
        on_pruned()
        return False
    repo.progress = Progress("reading", 0, count)
    commits = [commit for batch in batches for commit in batch]
    _check_tips(reader, index, tips.shas - stored.shas.union(commit.sha for commit in commits))
    check_commits(index.counts.commits - len(gone) - len(stale) + len(commits), reader.limits.commits)
    gone = without_reachable(index, gone, tips, commits) + stale
    fresh, failed = embed_fresh(encode, repo, index, commits, may_reuse=may_reuse)
    if gone or commits or tips != stored:
        index.change(gone, commits, fresh, tips)
    on_pruned()
    _note_read(reader, tips, index, retried)
    skipping.note_cut(index.store, commits)
    skipping.note(index.store, failed, "text")
    embed_rest(encode, repo, index, None, may_encode)
    _read_changes(reader, repo, index, retried)
    _finish(index)
    return True


def _is_too_much(index: RepoIndex, is_known: bool, retried: frozenset[Part], may_encode: MayEncode) -> bool:
    if index.counts.unembeddable and "text" in retried:
        return True  # a user asked to retry texts that may crash the encoder, and this process with it
    counts = index.counts
    left = counts.pending if may_encode(counts.unembedded) else counts.unread
    return left > SMALL or (not is_known and index.counts.commits > SMALL)


def update_large(
    reader: Reader,
    encode: Encode,
    repo: Repo,
    index: RepoIndex,
    on_pruned: Callable[[], None],
    find_kept: FindKept | None,
    update: LargeUpdate | None = None,
    *,
    is_asked: bool = False,
    may_encode: MayEncode = lambda _: True,
) -> None:
    """Index all that is new, in batches; *find_kept* None: existing embeddings are not reused.

    update: shared with the live lane, which removes commits from it meanwhile; None: not shared.
    is_asked: as in `update_small`.
    may_encode: asked before each batch of texts is embedded; if it may not be, the rest of the update goes on.
    """
    update = update or LargeUpdate()
    with update.lock:
        retried = skipping.find_retried(index.store, is_asked=is_asked)
        stored = index.store.get_tips()
        tips, is_known = _compare_tips(reader, index, stored, retried)
        stale = _find_stale(index, stored, tips, retried)
        gone = find_gone(reader, tips, index, stored, is_known) if stored.shas or index.counts.commits else []
        with index.changing, index.store.transaction():
            index.store.set_meta(**{_UNFINISHED: "1"})
            retire(index, without_reachable(index, gone, tips, []), stored, stale)
        update.tips = tips
        if update.latest:
            take_back(reader, index, update, update.latest)
    on_pruned()
    if find_kept is None:
        forget_unused_embeddings(index.store)
    reader.take_skipped()  # as above
    missing: set[str] = set()
    newest = 0 if index.counts.commits else _add_newest(reader, index, update, tips, missing)
    known = [] if is_known else list(index.store.iter_shas())
    if index.counts.unembeddable:
        skipping.retry_texts(index.store)
        index.recount()
    total, batches = _read_missing(reader, tips, stored, is_known, known, stale, None)
    check_commits(index.counts.commits + total, reader.limits.commits)
    repo.progress = Progress("reading", newest, newest + total)
    is_filling = total > max(_MANY, index.counts.commits)
    with index.store.filling() if is_filling else contextlib.nullcontext():
        _add_all(reader, repo, index, update, batches, missing)
    _check_tips(reader, index, tips.shas - stored.shas)
    _note_read(reader, tips, index, retried)
    with index.changing, index.store.transaction():
        update.is_read = True
        index.change(tips=update.get_tips())
        index.store.set_meta(**{_UNFINISHED: "1" if update.is_uncertain else ""})
    if is_filling:
        index.settle()  # embedding may take an hour: a daemon that is started again meanwhile need not build the words anew
    embed_rest(encode, repo, index, find_kept, may_encode)
    _read_changes(reader, repo, index, retried)
    _finish(index)


def _is_known(reader: Reader, index: RepoIndex, stored: Tips, tips: Tips) -> bool:
    """Whether the index holds just what *stored* reaches in the repository now; else all of it is compared."""
    if not stored.shas or stored.boundary != tips.boundary:
        return False
    if index.store.get_meta(_UNFINISHED):
        return False
    lost = stored.shas - tips.shas
    return not lost or reader.has_all(sorted(lost))


def _compare_tips(reader: Reader, index: RepoIndex, stored: Tips, retried: frozenset[Part]) -> tuple[Tips, bool]:
    """Return the tips to index, and whether only moved refs need comparing (see `_is_known`): not to read a commit again."""
    tips = _stand_in(reader, stored)
    is_whole = not skipping.find(index.store, *retried.intersection(_WHOLE))
    return tips, is_whole and _is_known(reader, index, stored, tips)


def _stand_in(reader: Reader, stored: Tips) -> Tips:
    """Return the tips to index.

    A ref that names a damaged commit keeps its former commit, as long as that exists: older history is sound.
    """
    tips = reader.tips
    if tips.damaged:
        old = {ref: stored.refs[ref] for ref in tips.damaged if ref in stored.refs}
        sound = {ref: sha for ref, sha in old.items() if reader.has_all([sha])}
        head = stored.head if tips.head is None and stored.head and reader.has_all([stored.head]) else tips.head
        tips = Tips(head, tips.refs | sound, tips.boundary, tips.damaged)
    return tips


def take_back_beside(reader: Reader, index: RepoIndex, update: LargeUpdate) -> None:
    """Remove commits that no ref reaches any more, while *update* runs or waits. Its lock is held, as it was to read the refs."""
    if update.tips is not None:
        take_back(reader, index, update, _stand_in(reader, update.tips))
        return
    stored = index.store.get_tips()
    now, is_known = _compare_tips(reader, index, stored, frozenset())
    if stored.shas or index.counts.commits:
        retire(index, without_reachable(index, find_gone(reader, now, index, stored, is_known), now, []), stored)
    update.latest = now


def _note_read(reader: Reader, tips: Tips, index: RepoIndex, retried: frozenset[Part]) -> None:
    unread = [*reader.take_skipped(), *tips.damaged.values()]
    skipping.note_read(index.store, unread, is_retry="commit" in retried)


def _find_stale(index: RepoIndex, stored: Tips, tips: Tips, retried: frozenset[Part]) -> list[str]:
    """Return indexed commits to read again: their parents changed as the clone's boundary moved, or a part is *retried*."""
    again = skipping.find(index.store, *retried.intersection(_CUT))
    return sorted(index.store.get_ids((stored.boundary ^ tips.boundary).union(again)))


def _read_missing(
    reader: Reader,
    tips: Tips,
    stored: Tips,
    is_known: bool,
    known: list[str],
    stale: list[str],
    most: int | None,
) -> tuple[int, Iterator[list[Commit]]]:
    if is_known:
        added = sorted(tips.shas - stored.shas)
        return reader.read_commits(added, sorted(stored.shas), [], most) if added else (0, iter(()))
    again = set(stale)
    return reader.read_commits(sorted(tips.shas), [], [sha for sha in known if sha not in again], most)


def _check_tips(reader: Reader, index: RepoIndex, new: frozenset[str]) -> None:
    """Raise RepoUnreadableError where one of the *new* tips did not come and cannot be read any more, as its ref could.

    git lists nothing of a tip that it cannot read, and ends well: stored as read, it would not be looked at again. The next
    try reads the refs anew, and finds it damaged or whole.
    """
    lost = new - index.store.get_ids(new).keys()
    if lost and not reader.has_all(sorted(lost)):
        raise RepoUnreadableError("the repository changed while it was read", "it is tried again within a minute")


def _add(index: RepoIndex, update: LargeUpdate, batch: list[Commit], missing: set[str]) -> int:
    """Add the commits of *batch* not removed since; return how many. Their words are to be published.

    missing: gains the parents of what was added, and loses what was added: as children come first, never more than a few.
    """
    with index.changing:
        kept = update.keep(batch)
        index.change(commits=kept)
    skipping.note_cut(index.store, kept)
    missing.update(parent for commit in kept for parent in commit.parents)
    missing.difference_update(commit.sha for commit in kept)
    return len(kept)


def _add_newest(reader: Reader, index: RepoIndex, update: LargeUpdate, tips: Tips, missing: set[str]) -> int:
    """Add the newest commits of a history that was never read, as it may take seconds until all are counted; return how many."""
    batches = reader.read_newest(sorted(tips.shas), _NEWEST)
    added = sum(_add(index, update, batch, missing) for batch in batches)
    index.publish()
    return added


def _add_all(
    reader: Reader,
    repo: Repo,
    index: RepoIndex,
    update: LargeUpdate,
    batches: Iterator[list[Commit]],
    missing: set[str],
) -> None:
    """Add *batches*; their words are found within a second, those of the first batch at once."""
    published_at = -_PUBLISH_S
    for batch in batches:
        _add(index, update, batch, missing)
        if monotonic() - published_at >= _PUBLISH_S:
            index.publish()
            published_at = monotonic()
        repo.progress.done += len(batch)
    _read_dangling(reader, index, update, missing)
    index.publish()


def _read_dangling(reader: Reader, index: RepoIndex, update: LargeUpdate, parents: set[str]) -> None:
    """Read missing parents: they were removed as unreachable before their child was known."""
    known = index.store.get_ids(parents)
    dangling = sorted(parents - known.keys())
    if dangling:
        _, batches = reader.read_commits(dangling, [], list(index.store.iter_shas()))
        for batch in batches:
            _add(index, update, batch, set())


def _read_changes(reader: Reader, repo: Repo, index: RepoIndex, retried: frozenset[Part]) -> None:
    """Read the changed lines still missing; a commit whose lines cannot be read gets none, and is skipped."""
    if "changes" in retried and skipping.find(index.store, "changes"):
        skipping.retry_changes(index.store)
        index.recount()
    if not (unread := index.counts.unread):
        return
    repo.progress = Progress("changes", 0, unread)
    for shas in iter_newest_first(index.store.find_unread, lambda: index.counts.unread, _CHANGES):
        for rows in _complete(reader.iter_changes(shas), shas):
            index.add_changed(rows)
            repo.progress.done += len(rows)
        skipping.note(index.store, reader.take_skipped(), "changes")
        index.publish()


def _finish(index: RepoIndex) -> None:
    purge_retired(index.store)
    index.recount()
    index.publish()
    index.settle()


def _complete(batches: Iterator[list[CommitChanges]], shas: list[str]) -> Iterator[list[CommitChanges]]:
    """Yield *batches*, then no changes for those of *shas* that were in none."""
    missing = set(shas)
    for rows in batches:
        missing.difference_update(row.sha for row in rows)
        yield rows
    if missing:
        yield [CommitChanges(sha, "") for sha in missing]
