"""Makes one index equal to what its repository's refs reach. Knows a reader and an index; no threads, no queue.

A small update takes everything in at once: one transaction, then changed lines and words. A large one goes newest first,
words first, each batch on disk before the next is asked for, so that one that was killed goes on where it stopped. Either
removes what is no longer reachable before it adds anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..index.repoindex import RepoIndex
from ..index.rewrites import forget_unused_embeddings, purge_retired
from ..model import Commit, CommitChanges, Encode, Tips
from ..repos.repo import Progress, Repo
from . import skipping
from .embedding import FindKept, MayEncode, embed_fresh, embed_rest
from .reading import Reader, check_commits

SMALL = 64
"""Commits that the daemon takes in itself. More are the worker's: their messages would take it over half a second."""

_CHANGES = 2048
_UNREAD: tuple[skipping.Part, ...] = ("commit", "paths")


def update_small(
    reader: Reader,
    encode: Encode,
    repo: Repo,
    index: RepoIndex,
    on_pruned: Callable[[], None],
    *,
    may_reuse: bool = True,
    may_encode: MayEncode = lambda _: True,
) -> bool:
    """Take in what is new; False where that is more than SMALL commits' work, and nothing was done.

    may_reuse: a message whose embedding is kept, of a commit that was amended or is somewhere else too, is not encoded.
    may_encode: asked of what earlier updates left alone; what they may not embed either is no work of this one's.
    """
    stored = index.store.get_tips()
    tips, is_known = _compare_tips(reader, repo, index, stored)
    if index.counts.unembeddable and repo.settled.get("signature", "") is None:
        return False  # somebody asks for another try of texts that the encoder, and this process with it, may die of
    counts = index.counts
    left = counts.pending if may_encode(counts.unembedded) else counts.commits - counts.changed
    if left > SMALL or (not is_known and index.counts.commits > SMALL):
        return False
    known = [] if is_known else list(index.store.iter_shas())
    stale = _find_stale(repo, index, stored, tips)
    gone = _find_gone(reader, tips, index, stored, is_known)
    reader.take_skipped()  # what is gone may well be unreadable
    count, batches = _read_missing(reader, tips, stored, is_known, known, stale, SMALL)
    if count > SMALL:
        _prune(index, _without_reachable(index, gone, tips, []) + stale, stored)
        on_pruned()
        return False
    repo.progress = Progress("reading", 0, count)
    commits = [commit for batch in batches for commit in batch]
    check_commits(index.counts.commits - len(gone) - len(stale) + len(commits), reader.limits.commits)
    gone = _without_reachable(index, gone, tips, commits) + stale
    fresh, failed = embed_fresh(encode, repo, index, commits, may_reuse=may_reuse)
    if gone or commits or tips != stored:
        index.change(gone, commits, fresh, tips)
    on_pruned()
    _note_read(reader, tips, index)
    skipping.note_cut(index.store, commits)
    skipping.note(index.store, failed, "text")
    embed_rest(encode, repo, index, None, may_encode)
    _read_changes(reader, repo, index)
    _finish(index)
    return True


def update_large(
    reader: Reader,
    encode: Encode,
    repo: Repo,
    index: RepoIndex,
    on_pruned: Callable[[], None],
    find_kept: FindKept | None,
    may_encode: MayEncode = lambda _: True,
) -> None:
    """Take in whatever is new, in batches; *find_kept* None: embeddings that are kept already are not used again.

    may_encode: asked before each batch of texts is embedded; the rest of the update goes on where they may not be.
    """
    stored = index.store.get_tips()
    tips, is_known = _compare_tips(reader, repo, index, stored)
    stale = _find_stale(repo, index, stored, tips)
    gone = _find_gone(reader, tips, index, stored, is_known) if stored.shas or index.counts.commits else []
    _prune(index, _without_reachable(index, gone, tips, []) + stale, stored)
    on_pruned()
    if find_kept is None:
        forget_unused_embeddings(index.store)
    known = [] if is_known else list(index.store.iter_shas())
    reader.take_skipped()  # as above
    if index.counts.unembeddable:
        skipping.retry_texts(index.store)
        index.recount()
    total, batches = _read_missing(reader, tips, stored, is_known, known, stale, None)
    check_commits(index.counts.commits + total, reader.limits.commits)
    repo.progress = Progress("reading", 0, total)
    parents: set[str] = set()
    for batch in batches:
        index.change(commits=batch)
        skipping.note_cut(index.store, batch)
        index.publish()
        repo.progress.done += len(batch)
        parents.update(parent for commit in batch for parent in commit.parents)
    _read_dangling(reader, index, parents)
    _note_read(reader, tips, index)
    index.change(tips=tips)
    embed_rest(encode, repo, index, find_kept, may_encode)
    _read_changes(reader, repo, index)
    _finish(index)


def _prune(index: RepoIndex, gone: list[str], stored: Tips) -> None:
    """Retire *gone* before anything is added: nobody may be shown a commit that is no longer there."""
    if gone:
        lost = set(gone)
        left = {ref: sha for ref, sha in stored.refs.items() if sha not in lost}
        index.change(gone, tips=Tips(None if stored.head in lost else stored.head, left, stored.boundary))


def _is_known(reader: Reader, stored: Tips, tips: Tips) -> bool:
    """Whether the indexed set is what *stored* reaches in today's repository: else all of it is compared."""
    if not stored.shas or stored.boundary != tips.boundary:
        return False
    lost = stored.shas - tips.shas
    return not lost or reader.has_all(sorted(lost))


def _compare_tips(reader: Reader, repo: Repo, index: RepoIndex, stored: Tips) -> tuple[Tips, bool]:
    """Return the tips to go by, and whether all but what moved is known (see `_is_known`); not while a commit is missing.

    A ref that names a damaged commit stands where it stood before, as long as that is there: what is older is sound.
    """
    tips = reader.tips
    if tips.damaged:
        old = {ref: stored.refs[ref] for ref in tips.damaged if ref in stored.refs}
        sound = {ref: sha for ref, sha in old.items() if reader.has_all([sha])}
        head = stored.head if tips.head is None and stored.head and reader.has_all([stored.head]) else tips.head
        tips = Tips(head, tips.refs | sound, tips.boundary, tips.damaged)
    is_whole = not any(skipping.find(index.store, part) for part in _UNREAD) and not _find_cut(repo, index)
    return tips, is_whole and _is_known(reader, stored, tips)


def _note_read(reader: Reader, tips: Tips, index: RepoIndex) -> None:
    skipping.note_read(index.store, [*reader.take_skipped(), *tips.damaged.values()])


def _find_stale(repo: Repo, index: RepoIndex, stored: Tips, tips: Tips) -> list[str]:
    """Return indexed commits that read otherwise since the clone was deepened or cut off elsewhere, or that lack their paths.

    Those that went past a limit as well, where somebody asks for it.
    """
    again = [*skipping.find(index.store, "paths"), *_find_cut(repo, index)]
    return sorted(index.store.get_ids((stored.boundary ^ tips.boundary).union(again)))


def _find_cut(repo: Repo, index: RepoIndex) -> list[str]:
    """Return the commits that went past a limit, where somebody asks for another try: it may be another limit now."""
    return skipping.find(index.store, "limit") if repo.settled.get("signature", "") is None else []


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


def _find_gone(reader: Reader, tips: Tips, index: RepoIndex, stored: Tips, is_known: bool) -> list[str]:
    """Return the shas that are indexed and no longer reachable."""
    now = sorted(tips.shas)
    if is_known:
        lost = stored.shas - tips.shas
        return list(reader.iter_shas(sorted(lost), now)) if lost else []
    gone = set(index.store.iter_shas())
    gone.difference_update(reader.iter_shas(now, []) if now else ())
    return sorted(gone)


def _without_reachable(index: RepoIndex, gone: list[str], tips: Tips, added: list[Commit]) -> list[str]:
    """Return *gone* without what is a tip, or a parent of what stays or is *added*, and their ancestors.

    git goes by commit dates when it tells what one side reaches and the other does not: where a clock jumped, it lists
    commits that both reach.
    """
    if not gone:
        return []
    lost = set(map(bytes.fromhex, gone))
    links = index.store.iter_links()
    parents = {sha: named for _, sha, named in links if sha in lost or not lost.isdisjoint(named)}
    kept = [sha for sha, named in parents.items() if sha not in lost for sha in named if sha in lost]
    kept += map(bytes.fromhex, [*tips.shas, *(sha for commit in added for sha in commit.parents)])
    while kept:
        sha = kept.pop()
        if sha in lost:
            lost.discard(sha)
            kept.extend(parents.get(sha, ()))
    return sorted(sha.hex() for sha in lost)


def _read_dangling(reader: Reader, index: RepoIndex, parents: set[str]) -> None:
    """Read what a commit names as a parent and is not here: it was taken for gone before its child was known."""
    known = index.store.get_ids(parents)
    dangling = sorted(parents - known.keys())
    if dangling:
        _, batches = reader.read_commits(dangling, [], list(index.store.iter_shas()))
        for batch in batches:
            index.change(commits=batch)
        index.publish()


def _read_changes(reader: Reader, repo: Repo, index: RepoIndex) -> None:
    """Read changed lines where they were not read yet; a commit whose lines cannot be read has none, and is skipped."""
    if skipping.find(index.store, "changes"):
        skipping.retry_changes(index.store)
        index.recount()
    if index.counts.changed == index.counts.commits:
        return
    repo.progress = Progress("changes", 0, index.counts.commits - index.counts.changed)
    while shas := index.store.find_unread(_CHANGES):
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
