"""Which way a question or a commit goes: something is taken away or forbidden, or it is added or allowed. Pure."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal[-1, 0, 1]
"""-1: takes away, forbids; 1: adds, allows; 0: neither, or both."""

_ASKS_AWAY = re.compile(
    r"\b(?:remov(?:e[ds]?|ing|al)|delet(?:e[ds]?|ing|ion)|drop(?:s|ped|ping)?|gone|vanish\w*|disappear\w*|no longer|any ?more"
    r"|disabl(?:e[ds]?|ing)|disallow\w*|forb[aio]d\w*|ban(?:s|ned)?|withdr[ae]w\w*|revert\w*|(?:taken?|took) (?:out|away|back)"
    r"|g[eo]t(?:ting)? rid|there (?:is|are) no|(?:isn't|aren't|is not|are not) there)\b",
    re.I,
)
_ASKS_ADDED = re.compile(
    r"\b(?:add(?:s|ed|ing)?|introduc(?:e[ds]?|ing)|enabl(?:e[ds]?|ing)|allow(?:s|ed|ing)?|(?:br(?:ing|ought)|put|came|come) back"
    r"|restor(?:e[ds]?|ing))\b",
    re.I,
)
_PREFIX = r"^\W*(?:[\w./ -]{1,30}(?:\([^)]{0,40}\))?!?:\s+|\[[^\]]{0,40}\]\s*)?"
_TAKES_AWAY = re.compile(
    _PREFIX
    + r"(?:remov(?:e[ds]?|ing)|delet(?:e[ds]?|ing)|drop(?:s|ped|ping)?|disabl(?:e[ds]?|ing)|disallow\w*|forb[aio]d\w*|ban"
    r"|revert\w*|get rid|withdr[ae]w|kill|stop|no longer|(?:do not|don't) (?:allow|support|use))\b",
    re.I,
)
_ADDS = re.compile(
    _PREFIX + r"(?:add(?:s|ed|ing)?|introduc(?:e[ds]?|ing)|enabl(?:e[ds]?|ing)|allow(?:s|ed|ing)?|support|implement\w*"
    r"|creat(?:e[ds]?|ing)|restor(?:e[ds]?|ing)|bring back|re-?add\w*)\b",
    re.I,
)


def find_direction(question: str) -> Direction:
    """Return which way *question* asks: "why was it removed?" -1, "why was it added?" 1."""
    return _decide(bool(_ASKS_AWAY.search(question)), bool(_ASKS_ADDED.search(question)))


def find_commit_direction(subject: str) -> Direction:
    """Return which way the commit with this *subject* went, by the verb that it begins with."""
    return _decide(bool(_TAKES_AWAY.search(subject)), bool(_ADDS.search(subject)))


def _decide(is_away: bool, is_added: bool) -> Direction:
    return 0 if is_away == is_added else -1 if is_away else 1
