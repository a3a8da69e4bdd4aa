"""Text to terms: what the word index holds and what a question looks for. Pure.

A term is a word as the index holds it. Identifiers count whole and in parts: `retryBudget` is found by "retry budget",
`retry_budget` by "retrybudget". The index itself does stemming and lower-casing (see `words`).
"""

from __future__ import annotations

import re

_STOP_WORDS = """
a about an and are as at be because been but by can could did do does for from had has have how i if in into is it its
me my no not of on or our please reason reasons should so than that the their them then there these they this to us was
we were what when where which who why will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words of questions that say nothing about their subject. Measured on 245 questions: leaving them in the query costs the
word index .07 MRR (.685 to .611)."""

_COMPOUND = re.compile(
    r"\b(?=\w{3,64}\b)(?:_*[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)+|[A-Za-z0-9]*[a-z0-9][A-Z][A-Za-z0-9]*)_*\b"
)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"(?<!\w)[`\"']([^`\"'\n]{3,120})[`\"'](?!\w)")
_NAME = re.compile(
    r"(?<![\w-])--?[a-z][\w-]{2,40}|\b[A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{1,60})+|\b[A-Z]{2,20}[/-]?[0-9][\d.]*\b"
    r"|(?:\w[\w.-]{0,60}/){1,12}\w[\w.-]{0,60}|\b[A-Z]{2,20}(?:_[A-Z0-9]+)+\b|\b\w{3,60}(?=\(\))"
)
# The bounds keep it linear: without them a word of 90,000 letters took minutes.


def expand(text: str) -> str:
    """Return *text* with the parts of its camelCase words and the joined form of its snake_case words appended."""
    extra: list[str] = []
    # Most words are in lower case, but for their first letter: to look at the others alone takes half the time.
    unusual = " ".join([word for word in text.split() if "_" in word or not word[1:].islower()])
    for compound in _COMPOUND.findall(unusual):
        if "_" in compound:
            extra.append(compound.replace("_", ""))
        else:
            extra.extend(_PART.findall(compound))
    return f"{text}\n{' '.join(extra)}" if extra else text


def without_stop_words(question: str) -> str:
    """Return the question's words except stop words, in their order; "" if none is left."""
    return " ".join(word for word in _WORD.findall(question) if word.lower() not in STOP_WORDS)


def find_names(question: str) -> list[str]:
    """Return what a question spells as it stands in code or in an error's text, the longest first.

    Quoted text, options (`--foo`), paths, calls, dotted names, snake_case, camelCase, and capitals with a digit or a slash
    (HTTP/3).
    """
    quoted = _QUOTED.findall(question)
    return sorted(
        {*_COMPOUND.findall(question), *_NAME.findall(question), *quoted}, key=lambda name: (-len(name), name)
    )


def join_name(name: str) -> str:
    """Return the joined form of a snake_case word; anything else as it is."""
    joined = name.replace("_", "")
    return joined if joined.isalnum() else name


def to_printable(text: str) -> str:
    """Return *text* with `?` for bytes that were no UTF-8, which the word index cannot hold."""
    return text.encode("utf-8", "replace").decode()
