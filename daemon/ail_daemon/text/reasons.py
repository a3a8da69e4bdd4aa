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
    """Return REASON for a subject that explicitly names a reason, else WHAT."""
    return Worth.REASON if _is_long_enough(text) and _IN_SUBJECT.search(text) else Worth.WHAT


def rate_sentence(text: str) -> Worth:
    """Return the worth of a sentence of a body, which must not be empty."""
    if not _is_long_enough(text) or text.endswith(":"):
        return Worth.WHAT
    if _SURE.search(text):
        return Worth.REASON
    if _DOING.match(text) or _NOW.search(text):
        return Worth.WHAT
    if _LIKELY.search(text):
        return Worth.REASON
    return Worth.STATE if text[-1] in _STOPS or len(text.split()) >= _TELLING_WORDS else Worth.WHAT


def _is_long_enough(text: str) -> bool:
    return len(text.split()) >= _LEAST_WORDS or (not text.isascii() and len(text) >= _LEAST_CHARS)


def _any_of(*patterns: str) -> str:
    return "|".join(patterns)


_SINCE = r"since (?!\d|v\d|version|python|pytest|then|the last|last|release)"
_OTHER_LANGUAGES = _any_of(
    r"\b(?:weil|damit|deshalb|parce qu|afin de|sinon|porque|para que|perch\u00e9|poich\u00e9|omdat)\b",
    "\u043f\u043e\u0442\u043e\u043c\u0443|\u0447\u0442\u043e\u0431\u044b|\u0442\u0430\u043a \u043a\u0430\u043a",
    "\u56e0\u4e3a|\u56e0\u70ba|\u7531\u4e8e|\u4ee5\u514d|\u907f\u514d|\u6240\u4ee5|\u305f\u3081|\u306e\u3067|\u304b\u3089|\ub54c\ubb38",
)
_PURPOSE = (
    r"(?:avoid|prevent|make sure|ensure|work ?around|guard|protect|reduce|silence|save|stay|comply|conform|reflect|keep|stop"
    r"|match|be able|allow|help|support)"
)
_SURE = re.compile(
    _any_of(
        r"\b(?:because|so that|so as (?:to|not)|in order (?:to|not)|otherwise|or else|due to|owing to|the reasons?|rationale)\b",
        r"\b(?:that(?:'s| is)|this is|which is) why\b|\b(?:as a result|therefore|thus|hence|consequently|given that|now that)\b",
        r"\b(?:caus(?:ed?|es|ing)|led to|leads to|result(?:ed|s|ing)? in|the (?:problem|trouble|culprit) (?:is|was))\b",
        rf"\b(?:not )?to {_PURPOSE}\b|\b(?:avoids|prevents|avoiding|preventing)\b",
        r"\bso (?:i|we|it|they|you|users|there|the \w+) (?=\w)",
        rf"\b{_SINCE}|\bas (?:it|this|that|they|these|there|we|otherwise) (?!well|follows)",
        r"\bwould (?:otherwise|fail|break|crash|raise|hang|never|lead|cause|end up)\b|\b(?:turns|turned) out\b",
        _OTHER_LANGUAGES,
    ),
    re.IGNORECASE,
)
_LIKELY = re.compile(
    _any_of(
        r"\b(?:broke|broken|breaks|breaking|hangs?|hung|deadlocks?)\b",
        r"\b(?:fail(?:s|ed|ing|ure)?|crash(?:es|ed|ing)?|leak(?:s|ed|ing)?)\b",
        r"\b(?:race condition|rais(?:ed|es) an?|regression|vulnerab\w+|unsafe|incompatib\w+|workaround)\b",
        r"\b(?:wrong|incorrect)(?:ly)?\b",
        r"\b(?:would|could|cannot|can't|couldn't|doesn't|didn't|isn't|wasn't|aren't|won't)\b",
        r"\b(?:does|did|is|was|are|were|could|can) not\b",
        r"\b(?:no longer|not needed|unnecessar\w+|redundant|useless|needed|necessary|requires?|required|must)\b",
        r"\b(?:impossible|hard to)\b",
        r"\btoo (?:slow|many|much|large|long|early|late|small|strict|easy)\b",
        r"\b(?:more|less) (?:than|\w+ than|likely|robust|consistent)\b",
        r"\b(?:inconsisten\w+|confus(?:ing|ed|es|ion)|misleading|error-prone|surprising|slower|faster)\b",
        r"\b(?:deprecated|previously|used to)\b",
        r"\b(?:until now|before this|the (?:issue|bug|problem|idea|goal|point)|instead of|rather than|allow(?:s|ing))\b",
        r"\bin (?:this|that) case\b",
    ),
    re.IGNORECASE,
)
_IN_SUBJECT = re.compile(
    _any_of(
        r"\b(?:because|so that|so as (?:to|not)|in order to|otherwise|due to|to (?:avoid|prevent|make sure|work ?around))\b",
        rf"\b{_SINCE}|\bas (?:it|they|this|that) |\b(?:could|would|might) ",
        r"\bso (?:i|we|it|they|you|users|there) (?=\w)",
        r"\bwhich (?:broke|breaks|caused|causes|made|makes)\b",
        _OTHER_LANGUAGES,
    ),
    re.IGNORECASE,
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
    r"|initial|first|work in progress)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\b(?:can|is|are|will|does|has|have|it) now\b|\bnow (?:supports?|allows?|uses?|accepts?|returns?)\b", re.I
)
