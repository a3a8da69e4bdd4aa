"""Whether a change of some lines only concerns how they look: layout, quotes, a line broken elsewhere, spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

Cosmetic = Literal["reformatting", "spelling"]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_QUOTES = str.maketrans("'`", '""')
_SPELLING = re.compile(r"\b(?:typos?|misspell\w*|spelling|grammar|wording)\b", re.IGNORECASE)
_SPELLING_SHARE = 0.5
"""Least share of words that a correction of spelling leaves as they were: a subject alone may stand over more than that."""


def judge_change(
    subject: str, removed: Iterable[str], added: Iterable[str], *, is_listed: bool = False
) -> Cosmetic | None:
    """Return how a change of lines, from *removed* to *added*, is cosmetic; None where it is not, or where lines are new or go.

    is_listed: the project itself calls the commit a reformatting.
    """
    before, after = _read_tokens(removed), _read_tokens(added)
    if is_listed or before == after:
        return "reformatting"
    if _SPELLING.search(subject) and before and after and _measure_likeness(before, after) >= _SPELLING_SHARE:
        return "spelling"
    return None


def _read_tokens(lines: Iterable[str]) -> list[str]:
    """Return the text's tokens, with one kind of quotes, and without commas before a closing bracket or the end."""
    tokens = _TOKEN.findall("\n".join(lines).translate(_QUOTES))
    return [one for one, after in pairwise([*tokens, ""]) if one != "," or after not in ")]}"]


def _measure_likeness(before: list[str], after: list[str]) -> float:
    one, other = set(before), set(after)
    return len(one & other) / len(one | other)
