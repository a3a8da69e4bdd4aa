"""The canonical wording of a question, by which the cache of similar questions decides that two ask the same. Pure.

Two questions are alike if their canonical wordings are equal: the kind (why, when, who, …) and every word that is left
after the frame is removed ("could you tell me why", "what made us"), in order, with every identifier, number, path, quoted
string, negation, preposition and time unchanged. No synonyms, no free order: a reversed question has the same words and
nearly the same embedding (cosine .83 to .9997), so its wording must differ.
"""

from __future__ import annotations

import re

Wording = tuple[str, ...]
"""Canonical: the kind, who acts ("" where it is "we" or nobody named), then the words that are left."""

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|so|well|and|but|please|kindly|just|exactly|quick question|question)\b[\s,:!.-]*"
    r"|(?:can|could|would|will) (?:you|anyone|anybody|someone|somebody) (?:please |kindly )?(?=tell|explain|say|show|remind)"
    r"|(?:do|does) (?:you|anyone|anybody|someone|somebody) (?:happen to )?(?:know|remember|recall)\b[\s,]*"
    r"|(?:i|we) (?:was |am |were |are )?(?:just )?(?:wonder(?:ing)?|(?:would like|want|need) to (?:know|understand))\b[\s,]*"
    r"|(?:i'd|i would) like to (?:know|understand)\b[\s,]*|i (?:do not|don't) (?:understand|see|get)\b[\s,]*"
    r"|(?:please )?(?:tell (?:me|us)|explain(?: to (?:me|us))?|remind (?:me|us)|say)\b[\s,]*"
    r"|(?:is|was) (?:it|there) (?:known|recorded)\b[\s,]*)",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"^(?:for (?:what|which) reasons?\b|how come\b"
    r"|what (?:is|was|were|are|'s) the (?:reason|reasons|rationale|reasoning|motivation)(?: (?:that|why|for|behind))?\b"
    r"|(?:the |any )?(?:reason|rationale|motivation)s? (?:that|why|for|behind)\b"
    r"|what (?:made|caused|led) (?=(?:us|them|you)\b)|why exactly\b|why on earth\b|why(?: is it|'s it| was it) that\b"
    r"|because of what\b|why\b)",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"^(when|who|whom|whose|how many|how much|how long|how|what|which|where|whether|if)\b", re.IGNORECASE
)
_SPELT_OUT = (
    (re.compile(r"[\u2018\u2019\u02bc]"), "'"), (re.compile(r"[\u201c\u201d\u201e]"), '"'),
    (re.compile(r"\bcan't\b|\bcannot\b", re.IGNORECASE), "can not"), (re.compile(r"\bwon't\b", re.IGNORECASE), "will not"),
    (re.compile(r"\b(\w+)n't\b", re.IGNORECASE), r"\1 not"), (re.compile(r"\b(we|you|they|i)'ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\b(we|you|they)'re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(what|why|it)'s\b", re.IGNORECASE), r"\1 is"),
)  # fmt: skip
_QUOTED = re.compile(r"(?<!\w)([`\"'])(?!\s)(.{1,200}?)(?<!\s)\1(?!\w)")
_ARTICLES = frozenset(("a", "an", "the"))
_ACTORS = frozenset(("we", "you", "they", "i", "us", "them"))
_DO = frozenset(("do", "does", "did"))
_BE = frozenset(("is", "are", "was", "were", "be", "been", "being", "am"))
_HAVE = frozenset(("has", "have", "had"))
_TIES = frozenset(("by", "before", "after", "until", "since", "while", "when", "if", "unless", "during"))
"""Words that connect what follows to what precedes: around them no verb is moved."""
_IRREGULAR = frozenset((
    "built", "broken", "brought", "bound", "caught", "chosen", "cut", "done", "drawn", "driven", "fed", "forbidden",
    "forgotten", "found", "frozen", "given", "gone", "held", "hidden", "hit", "kept", "known", "laid", "left", "lost",
    "made", "meant", "met", "overridden", "overwritten", "put", "read", "rebuilt", "rerun", "rewritten", "run",
    "seen", "sent", "set", "shown", "shut", "split", "spent", "stuck", "sunk", "taken", "thrown", "told", "undone",
    "unset", "woken", "written",
))  # fmt: skip


def canonical(question: str) -> Wording:
    """Return the canonical wording of *question*; equal ones ask the same. Never fails, whatever the text."""
    kind, rest = _split_kind(_unframe(_spell_out(" ".join(question.split()))))
    words = [word for word in _tokens(rest) if word not in _ARTICLES]
    return (kind, *(_settle(words) if kind == "why" else _plain(words)))


def _spell_out(text: str) -> str:
    for pattern, plain in _SPELT_OUT:
        text = pattern.sub(plain, text)
    return text


def _unframe(text: str) -> str:
    """Remove phrases that only ask for an answer, as "could you tell me"."""
    while (match := _POLITE.match(text)) and match.end() < len(text):
        text = text[match.end() :].lstrip()
    return text


def _split_kind(text: str) -> tuple[str, str]:
    if match := _WHY.match(text):
        return "why", text[match.end() :]
    if match := _KIND.match(text):
        return match[1].lower(), text[match.end() :]
    return "", text


def _tokens(text: str) -> list[str]:
    """Split at spaces; a quoted string is one token with its quotes; a sentence's own punctuation goes.

    Plain words become lower case; names and all that has capitals inside, digits or signs stay as they are.
    """
    tokens: list[str] = []
    place = 0
    for match in _QUOTED.finditer(text):
        tokens += _unquoted(text[place : match.start()])
        tokens.append(f"`{match[2]}`")
        place = match.end()
    return tokens + _unquoted(text[place:])


def _unquoted(text: str) -> list[str]:
    words = (word.lstrip("(,;").rstrip("?!.,;:)") or word for word in text.split())
    return [word.lower() if re.fullmatch(r"[A-Z]?[a-z]+", word) else word for word in words if word not in "?!.,;"]


def _plain(words: list[str]) -> list[str]:
    return ["be" if word in _BE else "have" if word in _HAVE else "do" if word in _DO else word for word in words]


def _settle(words: list[str]) -> list[str]:
    """Bring a why-question into one form: "do we VERB x" = "is x VERBed" = "VERBing x"; with a subject: class, words."""
    words = [word for word in words if word not in ("that", "exactly", "really", "actually")]
    helper, words = _take_helper(words)
    if helper == "have" and "been" in words:  # "has x been VERBed" = "was x VERBed"
        helper, words = "be", [word for word in words if word != "been"]
    if len(words) > 1 and words[0] == "not" and words[1] in _ACTORS:  # "do not we" = "do we not"
        words = [words[1], "not", *words[2:]]
    if (words and words[0] in _ACTORS) or (helper == "" and words and words[0].endswith("ing")):
        return _without_actor(helper, words)
    if helper == "be" and not _TIES & set(words) and (at := _participle(words)):
        return ["", _stem(words[at]), *_plain(words[:at] + words[at + 1 :])]
    return [helper or "do", *_plain(words)]


def _take_helper(words: list[str]) -> tuple[str, list[str]]:
    """Return the class of the auxiliary and the words without it: the first word, or in "why the page is blue" the first be."""
    if words and (found := _class(words[0])):
        return found, words[1:]
    for at, word in enumerate(words[1:], 1):
        if word in _BE:
            return "be", words[:at] + words[at + 1 :]
        if word in _HAVE | _DO or word in _ACTORS:
            break
    return "", words


def _class(word: str) -> str:
    return "do" if word in _DO else "be" if word in _BE else "have" if word in _HAVE else ""


def _without_actor(helper: str, words: list[str]) -> list[str]:
    """Return the form of "do we VERB x": who "we" are makes no difference."""
    if words[0] in _ACTORS:
        words = words[1:]
    if helper == "" and len(words) > 1 and words[0] in _DO and words[1] == "not":
        helper, words = "do", words[1:]
    acts = {"be": "ing", "have": "ed"}.get(helper, "")  # "we are using", "we have used"; "we are limited" is done to us
    if not words or not words[0].endswith(acts):
        return [helper, "we", *_plain(words)]
    return ["", _stem(words[0]), *_plain(words[1:])]


def _participle(words: list[str]) -> int:
    """Return where the verb of a passive stands, 0 where there is none; at 0 it would be an adjective."""
    return next((at for at, word in enumerate(words) if at and (word.endswith("ed") or word in _IRREGULAR)), 0)


def _stem(verb: str) -> str:
    """Return what a regular verb's forms share; only ever used for the verb of a question, where a noun cannot stand."""
    if not re.fullmatch("[a-z]{3,}", verb):
        return verb
    for ending in ("ing", "ed"):
        if verb.endswith(ending) and len(verb) >= len(ending) + 2:
            root = verb[: -len(ending)]
            doubled = root[-1] == root[-2] and root[-1] not in "lsfz"
            verb = root[:-1] if doubled else root
            break
    verb = verb[:-1] + "y" if verb.endswith("i") else verb
    return verb[:-1] if verb.endswith("e") else verb
