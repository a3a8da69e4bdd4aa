"""Passages: the pieces of natural language that a commit added or removed, each with its kind and place. Pure.

A passage is the unit of evidence. It comes from the message or from changed lines; code, licences, templates, pragmas,
generated text and secrets are left out. A text that only moved or was rewrapped is no passage: `get_key` identifies a
text wherever it stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

from . import prose
from .comments import find_blocks, iter_test_names
from .languages import Role, find_language, find_role, is_test
from .natural import FEWEST_WORDS, is_generated, is_licence, is_natural, is_secret, is_too_short, without_pragma
from .paragraphs import iter_man_lines, split_paragraphs
from .reasons import Worth, rate_sentence, rate_subject
from .redaction import without_secrets

MOST_CHARS = 600
"""Of a passage; a longer paragraph becomes several, split between sentences."""

MOST_PASSAGES = 64
MOST_COMMIT_CHARS = 32 << 10
_LINE_CHARS = {"docs": 16_000, "changelog": 16_000}  # a longer line is data; in code, one of over 2,000
_CODE_LINE_CHARS = 2000
_FILE_CHARS = 256 << 10  # of one side of one file
_READ_CHARS = 1 << 20  # of one commit
_PARAGRAPH_CHARS = 8 * MOST_CHARS
_CACHED_CHARS = 1000  # of a block: 1,024 of them take 8 MB at most, usually some hundred KB
_HEAD_LINES = 8  # in which a generated file declares itself
_MINIFIED = 400  # characters a line, on average

Kind = Literal["message", "comment", "docstring", "docs", "changelog", "test"]


class Passage(NamedTuple):
    """A piece of natural language that a commit added or removed.

    path, line: where it begins after the change, before it where *is_removed*. For a message path is None, and *line*
    counts from the subject, 1. worth: how far it states a reason (`reasons.Worth`).
    """

    kind: Kind
    text: str
    path: str | None = None
    line: int | None = None
    is_removed: bool = False
    worth: int = 0


class CommitChanges(NamedTuple):
    """A commit's changed lines: their text, bounded, "" for none, and the passages among them."""

    sha: str
    text: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of one hunk, without signs and line ends. old_start, new_start: the number of the first of each side, from 1."""

    old_start: int
    new_start: int
    removed: Sequence[str] = ()
    added: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """A commit's change of one file: its path after the change (before it if the file is deleted), its hunks in order."""

    path: str
    hunks: Sequence[Hunk]
    old_path: str | None = None


def find_passages(changes: Iterable[FileChange], *, is_bounded: bool = True) -> list[Passage]:
    """Return the passages of a commit's changed lines, in their order, each text once; at most 64 and 32 Ki characters.

    Not *is_bounded*: all of them, as for a file read as it stands.

    Of more, those that state a reason are kept, then added ones, then the first.
    """
    found: dict[tuple[bytes, bool], Passage] = {}
    room = _READ_CHARS
    for change in changes:
        size = sum(sum(map(len, hunk.removed)) + sum(map(len, hunk.added)) for hunk in change.hunks)
        room -= size
        for passage in _read_file(change, size):
            found.setdefault((get_key(passage.text), passage.is_removed), passage)
        if room <= 0:
            break
    chosen = [one for (key, gone), one in found.items() if (key, not gone) not in found]
    rated = _rate(chosen)
    return _choose(rated) if is_bounded else rated


def split_message(message: str) -> list[Passage]:
    """Return the paragraphs of a message, the subject first, each bullet by itself; at most 64 and 32 Ki characters.

    A subject that goes on in the next line is one paragraph with it. Left out are trailers, quotes, code, logs, templates, a
    merge's subject if it has a body, and other commits' titles, but those of squashed ones that name a reason.
    """
    message = message[: prose.MOST_CHARS].lstrip("\n")
    subject, _, body = message.partition("\n")
    lines = prose.blank_unwritten(body)
    titles = prose.find_titles(subject, lines)
    lines = ["" if place in titles else line for place, line in enumerate(lines)]
    goes_on = bool(lines[0].strip()) and not prose.is_bullet(lines[0])
    first, read = (1, [subject, *lines]) if goes_on else (2, lines)
    texts = [
        (place + first, " ".join(text.split()))
        for place, text in split_paragraphs(read)
        if is_natural(text) and not _TEMPLATE.match(text)
    ]
    texts += [(place + 2, title) for place, title in titles.items() if rate_subject(title)]
    if subject.strip() and not goes_on and not (texts and prose.is_merge(subject)):
        texts.append((1, " ".join(subject.split())))
    passages: dict[bytes, Passage] = {}
    for line, text in sorted(texts):
        for part in _split_long(without_secrets(text).strip()):
            worth = _rate_beginning(part) if line == 1 else rate_passage(part)
            passages.setdefault(get_key(part), Passage("message", part, None, line, worth=int(worth)))
    return _choose(list(passages.values()))


def _rate_beginning(text: str) -> Worth:
    """Return the worth of a message's first paragraph, of which the first sentence is the title."""
    title, *others = prose.split_sentences(text) or [""]
    return max([rate_subject(title), *map(rate_sentence, others)])


def _rate(passages: Iterable[Passage]) -> list[Passage]:
    return [one._replace(worth=int(rate_passage(one.text))) for one in passages]


def get_key(text: str) -> bytes:
    """Return a hash of the words, whatever their wrapping, indentation, case and markup; 16 bytes."""
    return hashlib.blake2b(" ".join(_WORD.findall(text.lower())).encode("utf-8", "replace"), digest_size=16).digest()


def rate_passage(text: str) -> Worth:
    """Return how far *text* states a reason: its best sentence's worth (`reasons`)."""
    worth = Worth.WHAT
    for sentence in prose.split_sentences(text):
        worth = max(worth, rate_sentence(sentence))
        if worth == Worth.REASON:
            break
    return worth


_WORD = re.compile(r"\w+")
_RULES = frozenset("-=*#~_/")
_RULER = re.compile(r"^(?:[-=*#~_/]{2,} ?)+(?=\s|\w)|[-=*#~_/]{3,}$")
_TEMPLATE = re.compile(
    r"^\W*(?:thank(?:s| you) for (?:contribut|your (?:contribution|pull|pr\b|patch)|submitting"
    r"|opening|taking the time)"
    r"|(?:please|make sure|be sure|ensure)\b.{0,80}\b(?:contribut|checklist|pull request"
    r"|before submitting|this template|CONTRIBUTING)"
    r"|(?:by|before) (?:submitting|contributing|opening)\b|here is a quick checklist|if this (?:pr"
    r"|change|is a)\b.{0,40}(?:remove|delete|add)"
    r"|(?:are there|is (?:it|there)|does this|do these) .{0,80}\?$|what do these changes do"
    r"|choose the right|delete (?:this|the))",
    re.IGNORECASE,
)


def _read_file(change: FileChange, size: int) -> Iterator[Passage]:
    """Yield the passages of one file; size: characters of its changed lines."""
    role = find_role(change.path)
    if role == "none":
        return
    line_chars = _LINE_CHARS.get(role, _CODE_LINE_CHARS)
    for is_removed in (False, True):
        sides = [(one.old_start, one.removed) if is_removed else (one.new_start, one.added) for one in change.hunks]
        sides = [(start, lines) for start, lines in sides if lines]
        if size > line_chars:
            sides = _bound(sides, line_chars)
        if sides and not _is_written_by_program(sides, role, size):
            path = (change.old_path or change.path) if is_removed else change.path
            for start, lines in sides:
                for kind, number, text in _read_hunk(path, role, lines, start):
                    yield Passage(kind, text, path, start + number, is_removed)


def _bound(sides: list[tuple[int, Sequence[str]]], line_chars: int) -> list[tuple[int, Sequence[str]]]:
    """Return *sides* up to the most that is read of a file, lines too long for handwriting blanked."""
    room = _FILE_CHARS
    kept: list[tuple[int, Sequence[str]]] = []
    for start, lines in sides:
        size = sum(map(len, lines))
        if size > line_chars:
            lines = [line if len(line) <= line_chars else "" for line in lines]
            size = sum(map(len, lines))
        while size > room and lines:
            lines = lines[: len(lines) // 2]
            size = sum(map(len, lines))
        room -= size
        kept.append((start, lines))
    return kept


def _is_written_by_program(sides: list[tuple[int, Sequence[str]]], role: str, most: int) -> bool:
    """Whether a program wrote *sides*, of at most *most* characters."""
    start, lines = sides[0]
    if start <= _HEAD_LINES and is_generated("\n".join(lines[:_HEAD_LINES])):
        return True
    if role != "code" or most <= _MINIFIED:
        return False
    return sum(sum(map(len, lines)) for _, lines in sides) > _MINIFIED * sum(len(lines) for _, lines in sides)


def _read_hunk(path: str, role: Role, lines: Sequence[str], start: int) -> Iterator[tuple[Kind, int, str]]:
    if role == "docs" or role == "changelog":
        yield from _finish(role, 0, lines)
    elif role == "man":
        yield from _finish("docs", 0, list(iter_man_lines(lines)))
    else:
        has_tests = is_test(path)
        for kind, number, block in find_blocks(lines, find_language(path), is_first=start == 1):
            yield from _finish("test" if has_tests and kind == "docstring" else kind, number, block)
        if has_tests:
            for number, name in iter_test_names(lines):
                if len(name.split()) >= FEWEST_WORDS:
                    yield "test", number, without_secrets(name)[:MOST_CHARS]


def _finish(kind: Kind, start: int, lines: Sequence[str]) -> list[tuple[Kind, int, str]]:
    """Return the passages of one block: kind, number of the first line, text."""
    if len(lines) == 1 and is_too_short(lines[0]):
        return []
    is_short = len(lines) < _CACHED_CHARS and sum(map(len, lines)) < _CACHED_CHARS
    found = _judge_once(kind, tuple(lines)) if is_short else _judge(kind, lines)
    return [(kind, start + number, text) for number, text in found]


@lru_cache(maxsize=1024)
def _judge_once(kind: Kind, lines: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Return what `_judge` yields: two blocks in five were among the thousand before, mostly moved ones."""
    return tuple(_judge(kind, lines))


def _judge(kind: Kind, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the passages of one block: number of the first line, text; of a comment nothing from where a licence begins.

    What stands above one says what the file is for: in 54 of redis's 152 files that begin with one.
    """
    paragraphs = split_paragraphs([without_pragma(line) for line in lines] if kind == "comment" else lines)
    if kind == "comment":
        paragraphs = list(takewhile(lambda one: not is_licence(one[1]), paragraphs))
    for number, text in paragraphs:
        text = _without_rulers(" ".join(text[:_PARAGRAPH_CHARS].split()))
        if is_natural(text) and not is_secret(text) and (kind == "comment" or not is_licence(text)):
            for part in _split_long(without_secrets(text).strip()):
                yield number, part


def _without_rulers(text: str) -> str:
    return _RULER.sub("", text) if text[:1] in _RULES or text[-1:] in _RULES else text


def _split_long(text: str) -> list[str]:
    """Return *text* in parts of at most 600 characters, split between sentences, else at a blank, else anywhere."""
    if len(text) <= MOST_CHARS:
        return [text]
    parts = [""]
    for sentence in prose.split_sentences(text):
        while len(sentence) > MOST_CHARS:
            cut = sentence.rfind(" ", 0, MOST_CHARS)
            parts.append(sentence[: cut if cut > 0 else MOST_CHARS])
            sentence = sentence[cut + 1 if cut > 0 else MOST_CHARS :]
        if len(parts[-1]) + len(sentence) < MOST_CHARS:
            parts[-1] = f"{parts[-1]} {sentence}".strip()
        else:
            parts.append(sentence)
    return [part for part in parts if len(part.split()) >= FEWEST_WORDS or not part.isascii()]


def _choose(passages: list[Passage]) -> list[Passage]:
    """Return the worthiest of the rated *passages* within a commit's bounds, in their order."""
    if len(passages) <= MOST_PASSAGES and sum(len(one.text) for one in passages) <= MOST_COMMIT_CHARS:
        return passages
    ranked = sorted(range(len(passages)), key=lambda place: (-passages[place].worth, passages[place].is_removed, place))
    room = MOST_COMMIT_CHARS
    kept: list[int] = []
    for place in ranked[:MOST_PASSAGES]:
        room -= len(passages[place].text)
        if room < 0:
            break
        kept.append(place)
    return [passages[place] for place in sorted(kept)]
