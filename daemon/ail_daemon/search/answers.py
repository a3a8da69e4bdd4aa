"""Ranked commits to a reply: sentences that stand in the commits, an outcome, citations. Pure; nothing is invented.

A commit says why where one of its sentences has a reason's words in it, or where its body tells in prose how things are (see
`prose`). One that only says what was done states no reason: then the outcome is `no_reason_recorded`, and what is said is
what changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from ..model import Commit, Outcome
from ..text.passages import Passage
from ..text.prose import (
    MOST_CHARS,
    Sentence,
    find_titles,
    get_title,
    is_trailer,
    read_sentences,
    split_sentences,
    without_forms,
)
from ..text.reasons import Worth, rate_sentence
from ..text.terms import STOP_WORDS
from .evidence import Found
from .ranking import Hit

EXCERPT_MAX_CHARS = 800
_EXCERPT_LEAST = 600  # where the body has them, with its trailers if need be
_SENTENCE_MAX_CHARS = 420  # a longer one is a list or a log; it is quoted only where nothing else is there
_PASSAGE_MAX_CHARS = 600
"""Of a passage that is quoted whole, as paragraphs are: with 420 one answer in eight left out the reason's key words."""

_SENTENCE_CHARS = 200  # up to which a passage is shown whole beside a citation: two lines of a terminal
_SENTENCES_WEIGHED = 8  # each may cost a look into the index
_SUPPORT_SHARE = 0.8  # a further commit is quoted beside the first only when its score comes this near
_LEANING = re.compile(
    r"^\W*(?:this|that|these|those|it|they|so|thus|therefore|hence|however|but|otherwise|then|instead|as a result|consequently"
    r"|in (?:that|this) case|for (?:this|that) reason|because of (?:this|that)|which|such|here|there|furthermore|moreover)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9_]+")
_BLANK = re.compile(r"\n(?:[^\S\n]*\n){2,}")


@dataclass(frozen=True, slots=True)
class Cited:
    """A hit with what a citation shows of it; path and line: where it touches what was asked, None where it does not."""

    hit: Hit
    commit: Commit
    reasons: tuple[str, ...]
    path: str | None
    line: int | None
    reverted_by: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question got: an outcome and up to four sentences, each with its commit's abbreviated sha; "" for no evidence."""

    outcome: Outcome
    text: str


def answer(
    question: str,
    cited: list[Cited],
    *,
    has_evidence: bool,
    is_repeated: Callable[[str], bool] = lambda _: False,
    quoted: Sequence[Passage] = (),
    is_unexplained: bool = False,
) -> Answer:
    """Return the outcome and the sentences of *cited*, best first, that answer *question*.

    is_repeated: whether a sentence is a template's, which says nothing of the commit it stands in. quoted: the passages of the
    first that are sure to hold the reason, none where none are. is_unexplained: the first is what was asked about, and says no
    reason.
    """
    if not cited or not has_evidence:
        return Answer("no_evidence", "")
    asked = _terms(question)
    if quoted:
        return Answer("answered", _quote_passages(cited[0].commit, quoted, asked, is_repeated))
    first = [] if is_unexplained else _choose(cited[0].commit, asked, is_repeated=is_repeated)
    if not first:
        sentences = _read(cited[0].commit)
        return Answer("no_reason_recorded", _quote(cited[0].commit, [get_title(cited[0].commit.subject, sentences)]))
    parts = [_quote(cited[0].commit, first)]
    said = _content(first)
    for other in cited[1:3]:
        further = _choose(other.commit, asked, most=1, is_repeated=is_repeated)
        if other.hit.score < _SUPPORT_SHARE * cited[0].hit.score:
            break
        if further and further[0].worth == Worth.REASON and asked & _content(further) and not _content(further) <= said:
            parts.append(_quote(other.commit, further))
            break
    return Answer("answered", " ".join(parts))


def describe_evidence(found: Found, cited: list[Cited], quoted: Sequence[Passage]) -> dict[str, Any]:
    """Return a passage as the contract has it, and whether it is one of the *quoted*.

    `is_current` is None where that was not looked for.
    """
    passage = found.passage
    sha = next(one.commit.sha for one in cited if one.hit.commit_id == found.commit_id)
    is_current = None if found.line_now is None else True
    return {
        "text": passage.text, "sha": sha, "path": passage.path, "line": passage.line if passage.path else None,
        "kind": passage.kind, "is_removed": passage.is_removed, "is_current": is_current, "line_now": found.line_now,
        "is_quoted": any(one is passage for one in quoted),
    }  # fmt: skip


def _quote_passages(
    commit: Commit, passages: Sequence[Passage], asked: frozenset[str], is_repeated: Callable[[str], bool]
) -> str:
    """Return what each of *passages* says, one after the other; what says nothing further is left out."""
    parts: list[str] = []
    said: frozenset[str] = frozenset()
    for passage in passages:
        chosen = _choose_of_passage(passage, asked, is_repeated)
        if not parts or not _content(chosen) <= said:
            parts.append(_quote(commit, chosen))
        said |= _content(chosen)
    return " ".join(parts)


def _choose_of_passage(
    passage: Passage,
    asked: frozenset[str],
    is_repeated: Callable[[str], bool] = lambda _: False,
    most_chars: int = _PASSAGE_MAX_CHARS,
) -> list[Sentence]:
    """Return up to two neighbouring sentences of *passage*: what fits the question best and says why, or all of a short one.

    What many commits repeat is left out, unless there is nothing else. most_chars: up to which a passage is short.
    """
    text = " ".join(passage.text.split())
    parts = split_sentences(text)
    own = [part for part in parts if not is_repeated(part)] or parts
    if len(text) <= most_chars:
        return [Sentence(text if own == parts else " ".join(own), 1, Worth.REASON)]
    sentences = [Sentence(part, place, rate_sentence(part)) for place, part in enumerate(parts, 1) if part in own]
    best = max(sentences, key=lambda one: (_rate(one, asked), -one.place))
    beside = [one for one in sentences if abs(one.place - best.place) == 1 and len(one.text) <= _SENTENCE_MAX_CHARS]
    if _LEANING.match(best.text):
        beside = [one for one in beside if one.place < best.place] or beside
    more = max(beside, key=lambda one: (one.worth, _rate(one, asked)), default=None)
    is_room = more is not None and len(best.text) + len(more.text) < _EXCERPT_LEAST
    return sorted([best, more] if more and is_room else [best], key=lambda one: one.place)


def says_why(commit: Commit) -> bool:
    """Whether *commit* states a reason, whatever is asked."""
    return bool(_choose(commit, frozenset(), most=1))


def find_sentences(question: str, found: Sequence[Found], cited: Sequence[Cited]) -> dict[int, str]:
    """Return commit id -> what it says, besides its title, that fits *question* best; *found*: passages of *cited*, best first.

    Left out is what tells nothing, and what a commit took out: a comment says nothing of the commit that removed it.
    """
    asked = _terms(question)
    titles = {one.hit.commit_id: " ".join(one.commit.subject.split()) for one in cited}
    best: dict[int, Passage] = {}
    for one in found:
        if one.passage.worth and not one.passage.is_removed and one.commit_id not in best:
            said = one.passage.text.removeprefix(titles[one.commit_id]).strip()
            if said:
                best[one.commit_id] = one.passage._replace(text=said)
    return {
        commit_id: " ".join(one.text for one in _choose_of_passage(passage, asked, most_chars=_SENTENCE_CHARS))
        for commit_id, passage in best.items()
    }


def citation(cited: Cited, sentence: str = "") -> dict[str, Any]:
    """Return a citation as the contract has it; *sentence*: what the commit says that fits the question best, "" if unknown."""
    commit = cited.commit
    return {
        "sha": commit.sha, "subject": commit.subject, "author": commit.author, "author_time": format_time(commit),
        "score": round(cited.hit.score, 4), "excerpt": excerpt(commit, sentence), "sentence": sentence,
        "path": cited.path, "line": cited.line,
        "reasons": list(cited.reasons), "reverted_by": cited.reverted_by, "replaced_by": cited.replaced_by,
        "pull_request": None,
    }  # fmt: skip


def excerpt(commit: Commit, sentence: str = "") -> str:
    """Return the body without trailers and forms, or *sentence*, or the subject; at most 800 characters, cut at a word.

    A title of a squashed commit is left out where it says the subject once more.
    """
    lines, subject = without_forms(commit.body[:MOST_CHARS]), commit.subject
    body = _close_gaps("\n".join(lines))
    titles = find_titles(subject, lines).items()
    repeated = {place for place, title in titles if title and subject.startswith(title)}
    said = [line for place, line in enumerate(lines) if place not in repeated and not is_trailer(line)]
    text = _close_gaps("\n".join(said)) or sentence or subject
    if len(text) < _EXCERPT_LEAST <= len(body):
        text = body
    if len(text) <= EXCERPT_MAX_CHARS:
        return text
    kept = text[:EXCERPT_MAX_CHARS]
    return (kept[: max(kept.rfind(" "), kept.rfind("\n"), _EXCERPT_LEAST)]).rstrip() + " …"


def _close_gaps(text: str) -> str:
    """Return *text* with one blank line where several are, none around it."""
    return _BLANK.sub("\n\n", text).strip()


def format_time(commit: Commit) -> str:
    """Return the author's time with the author's own offset, ISO 8601; a time no calendar has becomes the first of 1970."""
    try:
        zone = timezone(timedelta(minutes=commit.author_offset_min))
        return datetime.fromtimestamp(commit.author_time, zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00+00:00"


def _read(commit: Commit) -> list[Sentence]:
    return read_sentences(commit.subject, commit.body)


def _choose(
    commit: Commit, asked: frozenset[str], most: int = 2, is_repeated: Callable[[str], bool] = lambda _: False
) -> list[Sentence]:
    """Return the *most* sentences of *commit* that say why, in their order; [] where none does.

    A sentence that leans on the one before it ("This …", "Otherwise …") brings that along.
    """
    sentences = _read(commit)
    stating = [one for one in sentences if one.worth and not one.is_bullet] or [one for one in sentences if one.worth]
    fitting = [one for one in stating if len(one.text) <= _SENTENCE_MAX_CHARS] or stating
    rated = sorted(fitting, key=lambda one: (-_rate(one, asked), one.place))
    ranked = list(islice((one for one in rated if not is_repeated(one.text)), _SENTENCES_WEIGHED))
    chosen = ranked[:1]
    if most > 1 and chosen:
        if _LEANING.match(chosen[0].text) and (before := _before(sentences, chosen[0])):
            chosen.append(before)
        else:
            chosen += [one for one in ranked[1:] if _adds(one, chosen[0])][: most - 1]
    return sorted(chosen, key=lambda one: one.place)


def _rate(sentence: Sentence, asked: frozenset[str]) -> float:
    """Return how well a sentence serves: what the question is about, then a reason's words; early ones set the scene."""
    shared = min(len(asked & _terms(sentence.text)), 5)
    return shared + 2.0 * (sentence.worth == Worth.REASON) - 0.1 * min(sentence.place, 10)


def _before(sentences: list[Sentence], one: Sentence) -> Sentence | None:
    """Return the sentence of the body that *one* leans on, None where there is none or it is too long."""
    before = sentences[one.place - 1] if one.place > 1 else None
    return before if before and _ends(before) and len(before.text) <= _SENTENCE_MAX_CHARS else None


def _adds(one: Sentence, first: Sentence) -> bool:
    """Whether *one* says more than *first* (a body often begins with its subject), and the two can be read in a row."""
    mine, its = _terms(one.text), _terms(first.text)
    return not (mine <= its or its <= mine) and _ends(min(one, first, key=lambda each: each.place))


def _ends(one: Sentence) -> bool:
    return one.text[-1] in ".!?)\u3002\uff01\uff1f"


def _content(sentences: Iterable[Sentence]) -> frozenset[str]:
    return frozenset(term for one in sentences for term in _terms(one.text) if not term.isdigit())


def _quote(commit: Commit, sentences: list[Sentence]) -> str:
    """Return sentences in the order they stand in the message, with the sha behind them."""
    return f"{' '.join(_cut(one.text) for one in sentences)} ({commit.sha[:10]})"


def _cut(text: str) -> str:
    longest = 2 * _SENTENCE_MAX_CHARS
    return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0] + " …"


def _terms(text: str) -> frozenset[str]:
    return frozenset(word.lower()[:6] for word in _WORD.findall(text)) - STOP_WORDS
