"""From a change to the files that usually change with it and do not."""

from __future__ import annotations

from collections.abc import Sequence

from ail_daemon.index.repoindex import RepoIndex

from .cochange import BASKET_MAX, BASKETS, Companion, find_companions, holds_version, is_bot, is_mutual, is_test
from .patches import FileChange
from .tracing import Surroundings, Touching

MOST_FILES = 6
"""Files of a change that are looked up; a larger change gets no hint about missing files."""

LEAST_TIMES_REVIEWED = 10
"""... and in a review so many times: of those that had changed along fewer times, none of five was worth a reviewer's while."""

_LOOKED_AT = 300  # commits of a file from which the baskets are taken: merges and sweeps are passed over
_MOST_CHECKED = 5


def find_missing(
    index: RepoIndex, changes: Sequence[FileChange], touching: Touching, around: Surroundings
) -> list[Companion]:
    """Return existing paths that usually change with those of *changes* and are not among them; the surest first."""
    changed = {path for change in changes for path in (change.path, change.old_path)}
    steady = [change.old_path for change in changes if not (change.is_new or change.is_gone or is_test(change.path))]
    if not steady or len(changes) > MOST_FILES:
        return []
    baskets = [(path, _collect_baskets(index, path, touching)) for path in steady]
    found = find_companions(baskets, changed)
    there = [companion for companion in found if around.has_path(companion.path)][:_MOST_CHECKED]
    least = LEAST_TIMES_REVIEWED if around.is_review else 0
    there = [one for one in there if one.times >= least]
    apart = [one for one in there if not (holds_version(one.path) and holds_version(one.beside))]
    return [one for one in apart if is_mutual(one, _collect_baskets(index, one.path, touching))]


def _collect_baskets(index: RepoIndex, path: str, touching: Touching) -> list[set[str]]:
    ids = [found for _, found in touching.find(path)[:_LOOKED_AT]]
    sizes = index.store.get_basket_sizes(ids)
    authors = index.store.get_authors(ids)
    kept = [i for i in ids if 0 < sizes.get(i, 0) <= BASKET_MAX and not is_bot(authors.get(i, ""))][:BASKETS]
    return list(index.store.get_baskets(kept).values())
