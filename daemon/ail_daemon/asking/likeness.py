"""How alike two replies to one question are. Pure."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Any

from .sides import Comparison

_WORD = re.compile(r"\w+")


def compare(one: dict[str, Any], other: dict[str, Any]) -> Comparison:
    """Return how alike two replies' citations and answers are.

    overlap: commits that both cite, as a share of those that either does; likeness: the same of the answers' words. Two that
    cite, or say, nothing agree.
    """
    shas = [[citation["sha"] for citation in reply["citations"]] for reply in (one, other)]
    words = [frozenset(_WORD.findall(reply["answer"].casefold())) for reply in (one, other)]
    return Comparison(shas[0][:1] == shas[1][:1], _share({*shas[0]}, {*shas[1]}), _share(*words))


def _share(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
