"""Rates whether a sentence of a commit message says why, or only what was done. Pure; the words were chosen on real messages."""

from __future__ import annotations

import re
from enum import IntEnum

_LEAST_WORDS = 5  # fewer are a heading, a list's end, a greeting
_LEAST_CHARS = 12  # for scripts that write no spaces
_TELLING_WORDS = 9  # without a full stop, fewer are a title
_STOPS = ".!?)\u3002\uff01\uff1f"


class Worth(IntEnum):
    """How far a sentence says why."""

    WHAT = 0  # it says what was done
    STATE = 1  # it describes how things are: prose in a body usually explains something
    REASON = 2  # it has words of a reason, such as "because"


def rate_subject(text: str) -> Worth:
    """Return REASON for a subject that names a reason explicitly, else WHAT."""
    return Worth.REASON if _is_long_enough(text) and _has(_IN_SUBJECT, text.lower()) else Worth.WHAT


def rate_sentence(text: str) -> Worth:
    """Return the worth of a sentence of a body, which must not be empty."""
    if not _is_long_enough(text) or text.endswith(":"):
        return Worth.WHAT
    low = text.lower()
    if _has(_SURE, low):
        return Worth.REASON
    if _DOING.match(low) or ("now" in low and _NOW.search(low)):
        return Worth.WHAT
    if _LIKELY.search(low):
        return Worth.REASON
    return Worth.STATE if text[-1] in _STOPS or len(text.split()) >= _TELLING_WORDS else Worth.WHAT


def _is_long_enough(text: str) -> bool:
    return len(text.split()) >= _LEAST_WORDS or (not text.isascii() and len(text) >= _LEAST_CHARS)


def _has(words: re.Pattern[str], low: str) -> bool:
    return bool(words.search(low) or (not low.isascii() and _UNSPACED.search(low)))


def _any_of(*patterns: str) -> str:
    return "|".join(patterns)


def _compile(*patterns: str) -> re.Pattern[str]:
    """Return what finds any of *patterns*, each of which begins with a letter, in a text in lower case, where a word begins.

    The word's beginning is looked for once, before them all, and case is none of the pattern's: otherwise a search took eight
    times as long.
    """
    return re.compile(rf"\b(?=\w)(?:{_any_of(*patterns)})")


_SINCE = r"since (?!\d|v\d|version|python|pytest|then|the last|last|release)"
_OTHER_LANGUAGES = r"(?:weil|damit|deshalb|parce qu|afin de|sinon|porque|para que|perch\u00e9|poich\u00e9|omdat)\b"
_UNSPACED = re.compile(
    "\u043f\u043e\u0442\u043e\u043c\u0443|\u0447\u0442\u043e\u0431\u044b|\u0442\u0430\u043a \u043a\u0430\u043a|"
    "\u56e0\u4e3a|\u56e0\u70ba|\u7531\u4e8e|\u4ee5\u514d|\u907f\u514d|\u6240\u4ee5|\u305f\u3081|\u306e\u3067|\u304b\u3089|\ub54c\ubb38"
)
"""Reasons' words that endings are put on, or that no spaces stand around."""

_PURPOSE = (
    r"(?:avoid|prevent|make sure|ensure|work ?around|guard|protect|reduce|silence|save|stay|comply|conform|reflect|keep|stop"
    r"|match|be able|allow|help|support)"
)
_SURE = _compile(
    r"(?:because|so that|so as (?:to|not)|in order (?:to|not)|otherwise|or else|due to|owing to|the reasons?|rationale)\b",
    r"(?:that(?:'s| is)|this is|which is) why\b|(?:as a result|therefore|thus|hence|consequently|given that|now that)\b",
    r"(?:caus(?:ed?|es|ing)|led to|leads to|result(?:ed|s|ing)? in|the (?:problem|trouble|culprit) (?:is|was))\b",
    rf"(?:not )?to {_PURPOSE}\b|(?:avoids|prevents|avoiding|preventing)\b",
    r"so (?:i|we|it|they|you|users|there|the \w+) (?=\w)",
    rf"{_SINCE}|as (?:it|this|that|they|these|there|we|otherwise) (?!well|follows)",
    r"would (?:otherwise|fail|break|crash|raise|hang|never|lead|cause|end up)\b|(?:turns|turned) out\b",
    _OTHER_LANGUAGES,
)
_LIKELY = _compile(
    r"(?:broke|broken|breaks|breaking|hangs?|hung|deadlocks?)\b",
    r"(?:fail(?:s|ed|ing|ure)?|crash(?:es|ed|ing)?|leak(?:s|ed|ing)?)\b",
    r"(?:race condition|rais(?:ed|es) an?|regression|vulnerab\w+|unsafe|incompatib\w+|workaround)\b",
    r"(?:wrong|incorrect)(?:ly)?\b",
    r"(?:would|could|cannot|can't|couldn't|doesn't|didn't|isn't|wasn't|aren't|won't)\b",
    r"(?:does|did|is|was|are|were|could|can) not\b",
    r"(?:no longer|not needed|unnecessar\w+|redundant|useless|needed|necessary|requires?|required|must)\b",
    r"(?:impossible|hard to)\b",
    r"too (?:slow|many|much|large|long|early|late|small|strict|easy)\b",
    r"(?:more|less) (?:than|\w+ than|likely|robust|consistent)\b",
    r"(?:inconsisten\w+|confus(?:ing|ed|es|ion)|misleading|error-prone|surprising|slower|faster)\b",
    r"(?:deprecated|previously|used to)\b",
    r"(?:until now|before this|the (?:issue|bug|problem|idea|goal|point)|instead of|rather than|allow(?:s|ing))\b",
    r"in (?:this|that) case\b",
)
_IN_SUBJECT = _compile(
    r"(?:because|so that|so as (?:to|not)|in order to|otherwise|due to|to (?:avoid|prevent|make sure|work ?around))\b",
    rf"{_SINCE}|as (?:it|they|this|that) |(?:could|would|might) ",
    r"so (?:i|we|it|they|you|users|there) (?=\w)",
    r"which (?:broke|breaks|caused|causes|made|makes)\b",
    _OTHER_LANGUAGES,
)
_ACTIONS = (
    "adds?", "added", "adding", "removes?", "removed", "removing", "renames?", "renamed", "moves?", "moved", "moving",
    "updates?", "updated", "updating", "bumps?", "bumped", "fix", "fixes", "fixed", "fixing", "refactor(?:s|ed|ing)?",
    "documents?", "documented", "implements?", "implemented", "introduces?", "introduced", "change", "changed", "changing",
    "use", "uses", "used", "using", "make", "makes", "making", "test", "tested", "cleans?", "cleaned", "drops?", "dropped",
    "dropping", "replaces?", "replaced", "rewrites?", "rewritten", "rewrote", "simplif(?:y|ies|ied)", "improves?",
    "improved", "includes?", "included", "converts?", "converted", "creates?", "created", "deletes?", "deleted", "exposes?",
    "exposed", "extracts?", "extracted", "merges?", "merged", "reverts?", "reverted", "set", "switch(?:es|ed)?", "tweaks?",
    "tweaked", "reformat(?:s|ted)?", "format", "adjusts?", "adjusted", "corrects?", "corrected", "enables?", "enabled",
    "disables?", "disabled", "split", "provides?", "provided", "support", "supported", "allow", "allowed", "ensures?",
    "ensured", "handle", "handled", "regenerates?", "regenerated", "upgrades?", "upgraded", "release", "import", "mention",
    "mentioned", "rework", "reworked", "port", "ported", "apply", "applied", "call", "note", "resolved?", "closes?",
    "closed", "bring", "brought", "put",
)  # fmt: skip
_DOING = re.compile(
    r"^\W*(?:(?:also|now|then|and|i|we|it)[,\s]+)*"
    r"(?:(?:this|the) (?:commit|change|patch|pr|pull request|branch|diff)\s+(?:also\s+)?)?"
    rf"(?:{_any_of(*_ACTIONS)}|this is an? (?:\w+ )?backport|backport|wip|typo|nit|todo|see|thanks|credits?|more|some|minor"
    r"|(?:as )?(?:suggested|discussed|requested|reported|noticed|spotted|found|pointed out) (?:by|on|in|at|with)"
    r"|discussion (?:on|in|at)"
    r"|initial|first|work in progress)\b",
)
_NOW = re.compile(r"\b(?:can|is|are|will|does|has|have|it) now\b|\bnow (?:supports?|allows?|uses?|accepts?|returns?)\b")
