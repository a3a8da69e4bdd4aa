"""Which words of a text are the question's, for highlighting only. The daemon alone decides what is found.

Stemming here is a handful of English endings; the daemon's is tantivy's. A word too many in bold is harmless.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

_WORD = re.compile(r"[^\W_]+")
_ENDINGS = (
    "ations", "ation", "ings", "ing", "ions", "ion", "ies", "ied", "ers", "er", "ed", "es", "ly", "s", "e", "y",
)  # fmt: skip
_STOP = frozenset(
    _WORD.findall("""
    a about after all also an and any are as at be because been before but by can could did do does for from get had has
    have how i if in into is it its made make must need no not of on or our out put should so some still such than that
    the their them then there these they this those to up us use used uses was we were what when where which while who
    why will with would you
    """)
)


def find_stems(question: str) -> frozenset[str]:
    """Return the stems of *question*'s words, but for those that say nothing about its subject."""
    words = (word.lower() for word in _WORD.findall(question))
    return frozenset(_stem(word) for word in words if word not in _STOP and len(word) > 1)


def count_matches(text: str, stems: AbstractSet[str]) -> int:
    """Return how many different *stems* stand in *text*."""
    return len({_stem(word.lower()) for word in _WORD.findall(text)} & stems) if stems else 0


def emphasise(text: str, stems: AbstractSet[str], paint: Callable[[str], str]) -> str:
    """Return *text*, every word with one of *stems* passed through *paint*."""
    if not stems:
        return text
    return _WORD.sub(lambda found: paint(found[0]) if _stem(found[0].lower()) in stems else found[0], text)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3:
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "lsz" else stem
    return word
