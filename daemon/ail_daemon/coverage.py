"""Which of a question's terms stand in a text. Pure.

The word index finds candidates; this looks at two hundred of them again, in their own text. Analysing a message as the index does
takes 80 µs. Here each different word is compared with the question once, and looked up from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .terms import split_compound

MOST_CHARACTERS = 8_000
"""Of a text that are read: a message longer than that quotes a log."""

_TOKEN = re.compile(r"\w+")
_ENDING = 5  # letters that may follow a stem: connect, connections


class Reader:
    """Looks for one question's *terms* (as the word index stems them)."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._terms = tuple(terms)
        stems = "|".join(f"({re.escape(_shorten(term))})" for term in self._terms) or "(?!)"
        self._match = re.compile(rf"(?:{stems})\w{{0,{_ENDING}}}\Z").match
        self._known: dict[str, tuple[str, ...]] = {}

    def read(self, text: str) -> frozenset[str]:
        """Return the terms that stand in the first MOST_CHARACTERS of *text*."""
        known = self._known
        found: set[str] = set()
        for token in set(_TOKEN.findall(text[:MOST_CHARACTERS])):
            terms = known.get(token)
            if terms is None:
                terms = known[token] = self._compare(token)
            found.update(terms)
        return frozenset(found)

    def _compare(self, token: str) -> tuple[str, ...]:
        words = (token,) if token.islower() and "_" not in token else map(str.lower, split_compound(token))
        matches = [match for word in words if (match := self._match(word))]
        return tuple(self._terms[(match.lastindex or 1) - 1] for match in matches)


def weigh(terms: Iterable[str], rarity: Mapping[str, float]) -> float:
    """Return the sum of the rarities of *terms*."""
    return sum(rarity.get(term, 0.0) for term in terms)


def _shorten(term: str) -> str:
    """Return what every form of a stem begins with: the stemmer writes `retri` for retry and retries."""
    return term[:-1] if term.endswith("i") and len(term) > 3 else term
