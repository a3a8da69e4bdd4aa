"""A commit's fate: whether another one reverted it, or replaced it.

Computed at question time for the few commits that are shown, so it is never stale: a revert that was indexed a moment
ago counts, one that was removed does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..index import lookups
from ..index.lookups import MentioningCommit
from ..index.store import Store
from ..model import Commit
from ..text.mentions import is_inverse, to_subject_key

_DEEPEST = 4  # a revert of a revert of a revert of a revert
_BRANCH_LENGTH = 30  # commits of a reverted branch that are searched for one that it merged
_LINE_LENGTH = 200  # and of the branch it was merged into, for the merge base


class Fate(NamedTuple):
    """The shas of the commits that reverted and that replaced it, None for none."""

    reverted_by: str | None = None
    replaced_by: str | None = None


def find_fate(store: Store, commit_id: int, commit: Commit) -> Fate:
    """Return the fate of *commit*.

    A revert that was itself reverted, by a message or by making the change again, does not count. A commit that another
    one redoes in another way, and says so, counts as replaced.
    """
    mentions = lookups.find_mentions(store, commit.sha, to_subject_key(commit.subject))
    replaced = next((one.sha for one in mentions if one.kind == "replaces"), None)
    reverts = _find_live_reverts(store, commit_id, commit, mentions, _DEEPEST)
    if not reverts:
        return Fate(None, replaced)
    last = max(reverts, key=lambda one: (one.commit_time, one.id))
    again = _find_again(store, mentions, last)
    return Fate(None, again) if again else Fate(last.sha, replaced)


def _find_live_reverts(
    store: Store, commit_id: int, commit: Commit, mentions: list[MentioningCommit], depth: int
) -> list[MentioningCommit]:
    """Return commits that revert *commit* and are not reverted themselves. mentions: what names it."""
    found = {one.id: one for one in _iter_reverts(store, commit_id, commit, mentions) if one.id != commit_id}
    if not found or not depth:
        return list(found.values())
    commits = store.get_commits(list(found))
    return [found[i] for i, revert in commits.items() if not _is_reverted(store, i, revert, depth - 1)]


def _is_reverted(store: Store, commit_id: int, commit: Commit, depth: int) -> bool:
    mentions = lookups.find_mentions(store, commit.sha, to_subject_key(commit.subject))
    return bool(_find_live_reverts(store, commit_id, commit, mentions, depth))


def _iter_reverts(
    store: Store, commit_id: int, commit: Commit, mentions: list[MentioningCommit]
) -> Iterator[MentioningCommit]:
    for one in mentions:
        is_later = one.commit_time >= commit.commit_time and not _names_another(store, one.id, commit)
        if one.kind == "reverts" and (one.target or is_later):
            yield one
    yield from _iter_merge_reverts(store, commit_id, commit)
    yield from _iter_inverse(store, commit_id, commit)


def _names_another(store: Store, commit_id: int, commit: Commit) -> bool:
    """Whether *commit_id* says by sha that it reverts another indexed commit than *commit*."""
    named = [target for target in lookups.find_targets(store, commit_id, "reverts") if target]
    return any(not commit.sha.startswith(target) and store.find_sha(target) for target in named)


def _iter_merge_reverts(store: Store, commit_id: int, commit: Commit) -> Iterator[MentioningCommit]:
    """Yield reverts of merges that brought *commit*."""
    for reverting, parents in lookups.find_merge_reverts(store, commit_id):
        if len(parents) > 1 and reverting.commit_time >= commit.commit_time and _is_brought(store, commit, parents):
            yield reverting


def _is_brought(store: Store, commit: Commit, parents: tuple[str, ...]) -> bool:
    """Whether a merge with *parents* brought *commit*: it is on the merged branch, and not on the first parent's."""
    is_there = commit.sha in _walk(store, parents[1], _BRANCH_LENGTH)
    return is_there and commit.sha not in _walk(store, parents[0], _LINE_LENGTH, stops_at_merges=False)


def _iter_inverse(store: Store, commit_id: int, commit: Commit) -> Iterator[MentioningCommit]:
    """Yield later commits on the same paths that undo what *commit* changed."""
    candidates = [one for one in lookups.find_alike(store, commit_id) if one.commit_time >= commit.commit_time]
    changed = store.get_changed(commit_id) if candidates else ""
    for one in candidates:
        if is_inverse(changed, store.get_changed(one.id)) and not _names_another(store, one.id, commit):
            yield one


def _find_again(store: Store, mentions: list[MentioningCommit], revert: MentioningCommit) -> str | None:
    """Return the sha of the commit that says it made the change again after *revert*, and was not reverted itself."""
    again = [one.id for one in mentions if one.kind == "reapplies" and one.commit_time >= revert.commit_time]
    commits = store.get_commits([i for i in again if i != revert.id])
    return next((one.sha for i, one in commits.items() if not _is_reverted(store, i, one, _DEEPEST)), None)


def _walk(store: Store, sha: str, longest: int, *, stops_at_merges: bool = True) -> list[str]:
    """Return *sha* and its first parents, at most *longest* of them."""
    walked = [sha]
    while len(walked) < longest:
        parents = lookups.find_parents(store, walked[-1])
        if not parents or (stops_at_merges and len(parents) > 1):
            return walked
        walked.append(parents[0])
    return walked
