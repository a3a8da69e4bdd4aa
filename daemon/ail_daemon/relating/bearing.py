"""From files to the commits that a person about to change them should read.

Only for people who ask about files, so there is no bar: the best commits that state a reason are returned.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Commit, Encoder
from ail_daemon.search.repeated import Repeated
from ail_daemon.text.mentions import is_undoing

from .cochange import is_bot
from .reasons import find_reason, is_chore, is_trifle
from .relate import SWEEP_PATHS, Relation
from .tracing import Surroundings, Touching

_READ = 60  # commits whose messages are looked at closely
_BODY_CHARS = 400.0
_MOST_FILES = 50
_PART = re.compile(r"[A-Za-z]+")


def find_bearing(
    index: RepoIndex, encoder: Encoder | None, files: Sequence[str], around: Surroundings
) -> list[Relation]:
    """Return commits that touch *files* and say why, the weightiest first."""
    touching = Touching(index, around)
    asked = files[:_MOST_FILES]
    recent = touching.find_newest(asked)
    sizes = index.store.get_basket_sizes(recent)
    kept = [found for found in recent if sizes.get(found, SWEEP_PATHS + 1) <= SWEEP_PATHS]
    cosines = _compare(index, encoder, asked, kept)
    commits, is_repeated = index.store.get_commits(kept), Repeated(index)
    kept = [i for i in kept if not (is_trifle(commits[i].subject) or is_chore(commits[i].subject))]
    scored = sorted(((_weigh(commits[i], sizes[i], cosines.get(i, 0.0)), i) for i in kept), reverse=True)[:_READ]
    return [
        Relation(
            "similar", commits[i], round(score, 4), reason, _find_path(touching, asked, i), None, ("touches_file",)
        )
        for score, i in scored
        if not is_bot(commits[i].author) and (reason := find_reason(commits[i], is_repeated))
    ]


def _compare(index: RepoIndex, encoder: Encoder | None, files: Sequence[str], ids: list[int]) -> dict[int, float]:
    """Return the cosines of the files' names, as words, and the commits' messages."""
    words = " ".join(" ".join(_PART.findall(file)) for file in files)[:500]
    return index.score_near(encoder.encode([words]), ids) if encoder is not None and words and ids else {}


def _weigh(commit: Commit, size: int, cosine: float) -> float:
    """Return 0 to 1: more for a commit that changes few files, explains itself, or takes something back."""
    body = min(len(commit.body) / _BODY_CHARS, 1.0)
    return (
        0.35 * body + 0.3 / math.sqrt(max(size, 1)) + 0.25 * max(cosine, 0.0) + 0.1 * bool(is_undoing(commit.message))
    )


def _find_path(touching: Touching, files: Sequence[str], commit_id: int) -> str | None:
    return next((file for file in files if any(found == commit_id for _, found in touching.find(file))), None)
