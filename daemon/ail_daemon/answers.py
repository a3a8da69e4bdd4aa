"""Ranked commits to a reply: sentences that stand in the commits, an outcome, citations. Pure; nothing is invented.

Which sentence says *why*? One with a reason's words in it ("because", "so that", "otherwise", …) that shares terms with the
question. Trailers, quoted text and references to issues are left out. A commit whose message has a subject alone, and no
reason in it, says what was done and not why: then the outcome is `no_reason_recorded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .model import Commit, Outcome
from .ranking import Hit
from .terms import STOP_WORDS

EXCERPT_MAX_CHARS = 800
_SENTENCES_MAX = 3
_PROSE_WORDS = 6  # fewer are a heading, a list's end, a greeting
_SUPPORT_SHARE = 0.8  # a further commit is quoted beside the first only when its score comes this near
_REASON = re.compile(
    r"\b(because|since|so that|so as to|in order to|otherwise|to (?:avoid|prevent|allow|make|fix|support|ensure|keep|work around)"
    r"|due to|caused?(?:s|d)? by|the (?:reason|problem|issue|bug|cause)|avoids?|prevents?|instead of|rather than|therefore|thus"
    r"|hence|need(?:s|ed)? to|would|broke|breaks?|broken|fail(?:s|ed|ing|ure)?|wrong|leak(?:s|ed)?|race|deadlock|regression"
    r"|workaround|allows?|ensures?|no longer|unnecessary|deprecated|security|performance|faster|slow(?:er)?)\b",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"^[A-Z][A-Za-z]*(?:-[A-Za-z]+)+: \S|^git-svn-id:|^--HG--|^branch :"
    r"|^\(?(?i:fixe?[sd]?|close[sd]?|resolve[sd]?|refs?|see|related)\b[:\s]*#?\d+"
)
_QUOTED = re.compile(r"^\s*(?:>|\||@@|diff |\+\+\+|---|\$ |>>> |    )")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\[])")
_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Cited:
    """A hit with what a citation shows of it; path and line: where it touches what was asked, None where it does not."""

    hit: Hit
    commit: Commit
    reasons: tuple[str, ...]
    path: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question got: an outcome and up to three sentences, each with its commit's abbreviated sha; "" for no evidence."""

    outcome: Outcome
    text: str


def answer(question: str, cited: list[Cited], *, has_evidence: bool) -> Answer:
    """Return the outcome and the sentences of *cited*, best first, that answer *question*."""
    if not cited or not has_evidence:
        return Answer("no_evidence", "")
    asked = _terms(question)
    first = _best_sentences(cited[0].commit, asked)
    states_reason = any(reason for _, reason, _ in first)
    if not states_reason:
        return Answer("no_reason_recorded", _quote(cited[0].commit, [cited[0].commit.subject]))
    parts = [_quote(cited[0].commit, _distinct(text for _, _, text in first)[: _SENTENCES_MAX - 1])]
    for other in cited[1:3]:
        further = [text for overlap, reason, text in _best_sentences(other.commit, asked) if reason and overlap]
        if further and other.hit.score >= _SUPPORT_SHARE * cited[0].hit.score:
            parts.append(_quote(other.commit, further[:1]))
            break
    return Answer("answered", " ".join(parts))


def citation(cited: Cited) -> dict[str, Any]:
    """Return a citation as the contract has it."""
    commit = cited.commit
    return {
        "sha": commit.sha, "subject": commit.subject, "author": commit.author, "author_time": format_time(commit),
        "score": round(cited.hit.score, 4), "excerpt": excerpt(commit), "path": cited.path, "line": cited.line,
        "reasons": list(cited.reasons), "reverted_by": None, "replaced_by": None, "pull_request": None,
    }  # fmt: skip


def excerpt(commit: Commit) -> str:
    """Return the body, or the subject where there is none, without trailers; at most 800 characters, cut at a word."""
    text = "\n".join(line for line in commit.body.splitlines() if not _TRAILER.match(line)).strip() or commit.subject
    if len(text) <= EXCERPT_MAX_CHARS:
        return text
    return text[:EXCERPT_MAX_CHARS].rsplit(None, 1)[0] + " …"


def format_time(commit: Commit) -> str:
    """Return the author's time with the author's own offset, ISO 8601; a time no calendar has becomes the first of 1970."""
    try:
        zone = timezone(timedelta(minutes=commit.author_offset_min))
        return datetime.fromtimestamp(commit.author_time, zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00+00:00"


def split_sentences(commit: Commit) -> list[str]:
    """Return the sentences of a message: its subject first, then those of its body's prose and bullets."""
    paragraphs = [commit.subject, *_paragraphs(commit.body.splitlines())]
    return [part.strip() for paragraph in paragraphs for part in _SENTENCE_END.split(paragraph) if part.strip()]


def _paragraphs(lines: Iterable[str]) -> list[str]:
    """Join wrapped lines; trailers, quoted text and diffs are left out, a bullet begins a paragraph."""
    joined: list[str] = [""]
    for line in lines:
        if not line.strip() or _TRAILER.match(line) or _QUOTED.match(line):
            joined.append("")
        elif _BULLET.match(line):
            joined.append(_BULLET.sub("", line).strip())
        else:
            joined[-1] = f"{joined[-1]} {line.strip()}".strip()
    return [paragraph for paragraph in joined if paragraph]


def _best_sentences(commit: Commit, asked: frozenset[str]) -> list[tuple[int, bool, str]]:
    """Return (shared terms, states a reason, sentence), the best first.

    What the question is about counts most, then a reason's words, then being prose behind the subject: whoever writes some
    explains something.
    """
    rated = []
    for place, sentence in enumerate(split_sentences(commit)[:200]):
        shared = len(asked & _terms(sentence))
        has_reason = bool(_REASON.search(sentence))
        is_prose = place > 0 and len(sentence.split()) >= _PROSE_WORDS
        rated.append((shared + 1.5 * has_reason + 0.5 * is_prose, shared, has_reason or is_prose, sentence))
    return [(shared, reason, sentence) for _, shared, reason, sentence in sorted(rated, key=lambda row: -row[0])]


def _distinct(sentences: Iterable[str]) -> list[str]:
    """Leave out sentences that say no more than one before them: a body often begins with its subject."""
    kept: dict[str, frozenset[str]] = {}
    for sentence in sentences:
        said = frozenset(term for term in _terms(sentence) if not term.isdigit())
        if not any(said <= other for other in kept.values()):
            kept = {text: other for text, other in kept.items() if not other <= said} | {sentence: said}
    return list(kept)


def _quote(commit: Commit, sentences: list[str]) -> str:
    """Return sentences in the order they stand in the message, with the sha behind them."""
    order = split_sentences(commit)
    inside = sorted(dict.fromkeys(sentences), key=lambda text: order.index(text) if text in order else 0)
    return f"{' '.join(inside)} ({commit.sha[:10]})"


def _terms(text: str) -> frozenset[str]:
    return frozenset(word.lower()[:6] for word in _WORD.findall(text)) - STOP_WORDS
