"""Candidates as one side alone sees them: by words, or by meaning. Pure.

What was gathered for both serves each: gathering costs ten times what ranking does.
"""

from __future__ import annotations

from collections.abc import Mapping

from .features import Signals


def by_words(candidates: Mapping[int, Signals]) -> dict[int, Signals]:
    """Return what the lexical side looks at: without cosines, and without what only its meaning brought up."""
    return {commit_id: signals._replace(cosine=None) for commit_id, signals in candidates.items() if _has_more(signals)}


def by_meaning(candidates: Mapping[int, Signals]) -> dict[int, Signals]:
    """Return what meaning alone looks at, with file, lines and a commit that is named: those are no words to compare."""
    return {
        commit_id: signals._replace(
            words=0.0, changed=0.0, coverage=0.0, coverage_anywhere=0.0, named=0, named_changed=0
        )
        for commit_id, signals in candidates.items()
    }


def _has_more(signals: Signals) -> bool:
    return bool(
        signals.words or signals.changed or signals.named_changed or signals.touches_file or signals.is_reference
    )
