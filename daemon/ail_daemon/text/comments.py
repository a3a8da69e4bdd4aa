"""Finds comment blocks, docstrings and names of tests in a hunk of code. Pure; linear in the lines' length.

A hunk may begin in the middle of a comment or a docstring: an unopened closing marker shows that, and without
one, lines that are clearly sentences count as a docstring's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .languages import Language
from .natural import is_code_line, is_sentence

BlockKind = Literal["comment", "docstring"]
Block = tuple[BlockKind, int, list[str]]
"""Its kind, the number of its first line among those given, its lines without their markers."""

_SPECIAL = {
    "//": r"//+[!<]?",
    "#": r"#+[:|.]?",
    "--": r"--+(?: ?[|^])?",
    ";": r";+",
    "%": r"%+",
    "!": r"!+[<>]?",
    '"': r'"(?= )',
    "@": r"@(?= )",
}
_STAR = re.compile(r"\s*\*+(?:\s|$)")
_STARS = re.compile(r"^\s*[*!|]+(?=\s|$)")
_DOC_PREFIX = r"(?:@\w+\s+)?[rRuUbBfF]{0,2}"
_BEGIN_SENTENCE = r"[ \t]*(?:[(`*:]{0,2}[^\W\d_][\w'\u2019-]{0,30}[.,;:)`*]{0,3} ){3}"
_SENTENCE = re.compile(_BEGIN_SENTENCE)
_LATER_SENTENCE = re.compile(r"\n" + _BEGIN_SENTENCE)  # a line's end is found much faster than `^`
_QUOTES = frozenset("'\"`@#<")
_CODE_TAIL = re.compile(r"[({\[,=]$|^\s*\"\"\"$")


@dataclass(frozen=True, slots=True)
class _Patterns:
    """A language's markers as patterns. hint: whether a hunk can hold any. line: a comment to the line's end."""

    hint: re.Pattern[str]
    line: re.Pattern[str] | None
    trailing: re.Pattern[str] | None
    opening: re.Pattern[str] | None
    closing: dict[str, str]
    has_stars: bool


@lru_cache(maxsize=128)
def _get_patterns(language: Language) -> _Patterns:
    flags = re.IGNORECASE if language.ignores_case else 0
    blocks = (*language.blocks, *((one, one) for one in language.docs), *language.at_start)
    blocks = tuple(sorted(blocks, key=lambda pair: -len(pair[0])))
    starts = "|".join(re.escape(start) for start, _ in blocks)
    lines = "|".join(_SPECIAL.get(marker, re.escape(marker)) for marker in language.line)
    words = {*language.line, *(one for pair in blocks for one in pair)}
    has_stars = ("/*", "*/") in language.blocks
    hint = "|".join([*map(re.escape, sorted(words)), *([r"\*[ \t]"] if has_stars else [])])
    return _Patterns(
        re.compile(hint or r"(?!)", flags),
        re.compile(rf"\s*(?:{lines})(?P<text>.*)", flags) if lines else None,
        re.compile(rf"\s(?:{lines})\s+(?P<text>\S.*)", flags) if lines else None,
        re.compile(rf"\s*(?:{_DOC_PREFIX if language.docs else ''})(?P<open>{starts})") if starts else None,
        dict(blocks),
        has_stars,
    )


def find_blocks(lines: Sequence[str], language: Language, *, is_first: bool) -> list[Block]:
    """Return the comment blocks and docstrings of *lines*; is_first: they begin the file."""
    patterns = _get_patterns(language)
    joined = "\n" + "\n".join(lines)
    may_be_inside = bool(language.blocks or language.docs) and bool(_LATER_SENTENCE.search(joined))
    has_marks = bool(patterns.hint.search(joined))
    if not may_be_inside and not has_marks:
        return []
    scanner = _Scanner(lines, language, patterns, is_first)
    if has_marks:
        scanner.take_all()
    else:
        scanner.loose = dict(enumerate(lines))
    if may_be_inside:
        scanner.add_sentences()
    scanner.found.sort(key=lambda block: block[1])
    return scanner.found


class _Scanner:
    """Scans the lines of a hunk once; `loose` are those without a marker."""

    def __init__(self, lines: Sequence[str], language: Language, patterns: _Patterns, is_first: bool) -> None:
        self.found: list[Block] = []
        self._lines = lines
        self._language = language
        self._patterns = patterns
        self._is_first = is_first
        self._block: Block | None = None
        self._closing = ""  # what ends the current block
        self._is_string = False  # a triple-quoted string that is no docstring
        self._last_comment = -2
        self.loose: dict[int, str] = {}

    def take_all(self) -> None:
        may_hold = self._patterns.hint.search
        for number, line in enumerate(self._lines):
            if self._closing or may_hold(line):
                self._take(number, line)
            else:
                self.loose[number] = line
        self.end()

    def _take(self, number: int, line: str) -> None:
        patterns = self._patterns
        if self._closing:
            self._go_on(number, line)
        elif patterns.line and (found := patterns.line.match(line)) and not self._opens_block(line):
            self._add_comment(number, found["text"])
        elif patterns.opening and (found := patterns.opening.match(line)):
            self._open(number, line, found)
        elif patterns.has_stars and _STAR.match(line):
            self._add_comment(number, self._close_stars(line))
        else:
            self._take_code(number, line)

    def end(self) -> None:
        if self._block:
            self.found.append(self._block)
            self._block = None

    def add_sentences(self) -> None:
        """Add runs of loose lines with sentences as the middle of a docstring or comment."""
        kind: BlockKind = "docstring" if self._language.docs else "comment"
        last = -1
        for number in [number for number, line in self.loose.items() if _SENTENCE.match(line)]:
            if number <= last:
                continue
            start, last = number, number
            while self._is_prose(start - 1):
                start -= 1
            while self._is_prose(last + 1):
                last += 1
            run = [self.loose[one] for one in range(start, last + 1)]
            if not _is_code(self.loose[number]) and is_sentence(" ".join(run)):
                self.found.append((kind, start, run))

    def _is_prose(self, number: int) -> bool:
        line = self.loose.get(number, "")
        return bool(line.strip()) and not _is_code(line)

    def _opens_block(self, line: str) -> bool:
        """Whether a line comment's marker begins a block's, as in `--[[`."""
        text = line.lstrip()
        return any(text.startswith(opening) for opening in self._patterns.closing if len(opening) > 2)

    def _add_comment(self, number: int, text: str) -> None:
        if self._block is None or self._last_comment != number - 1:
            self.end()
            self._block = ("comment", number, [])
        self._block[2].append(text)
        self._last_comment = number

    def _add_trailing(self, number: int, text: str) -> None:
        """Add a trailing comment: the next line's continues it only if it begins in mid-sentence."""
        is_middle = self._block is not None and text[:1].islower() and self._block[2][-1].rstrip()[-1:] not in ".!?:;"
        if not is_middle:
            self._last_comment = -2
        self._add_comment(number, text)

    def _close_stars(self, line: str) -> str:
        text = _STARS.sub("", line, count=1)
        before, _, _ = text.partition("*/")
        return before

    def _open(self, number: int, line: str, found: re.Match[str]) -> None:
        opening = found["open"]
        closing = self._patterns.closing[opening]
        rest = line[found.end() :]
        if opening == closing and not rest.strip(" \t);,.") and self._ends_here(number):
            self._take_loose_back(number)
            return
        self.end()
        text, end, _ = rest.partition(closing)
        kind: BlockKind = "docstring" if opening in self._language.docs else "comment"
        self._block = (kind, number, [_STARS.sub("", text, count=1) if kind == "comment" else text])
        if end:
            self.end()
        else:
            self._closing = closing

    def _ends_here(self, number: int) -> bool:
        """Whether quotes alone on a line end a docstring that began before the hunk."""
        if number == 0:
            return not self._is_first and (
                len(self._lines) == 1 or is_code_line(self._lines[1]) or not self._lines[1].strip()
            )
        before = self._lines[number - 1].rstrip()
        return number - 1 in self.loose and not before.endswith(":") and not _CODE_TAIL.search(before)

    def _take_loose_back(self, number: int) -> None:
        """Make the loose lines before *number* that are not code a block."""
        start = number
        while start - 1 in self.loose and not (self._lines[start - 1].strip() and is_code_line(self._lines[start - 1])):
            start -= 1
        if start < number:
            kind: BlockKind = "docstring" if self._language.docs else "comment"
            self.found.append((kind, start, [self.loose.pop(one) for one in range(start, number)]))

    def _go_on(self, number: int, line: str) -> None:
        text, end, _ = line.partition(self._closing)
        if self._is_string:
            self.loose[number] = text
        elif self._block:
            self._block[2].append(_STARS.sub("", text, count=1) if self._block[0] == "comment" else text)
        if end:
            self.end()
            self._closing, self._is_string = "", False

    def _take_code(self, number: int, line: str) -> None:
        patterns = self._patterns
        if (
            patterns.trailing
            and (found := patterns.trailing.search(line))
            and _is_outside_strings(line[: found.start()])
        ):
            self._add_trailing(number, found["text"])
            return
        for opening, closing in patterns.closing.items():
            if opening == closing and line.count(opening) % 2:
                self._take_odd_quotes(number, line, opening)
                return
            if opening != closing and closing in line and opening not in line:
                self.loose[number] = line.partition(closing)[0]
                self._take_loose_back(number + 1)
                return
            if opening != closing and opening in line:
                self._take_inner(number, line, opening, closing)
                return
        self.loose[number] = line

    def _take_odd_quotes(self, number: int, line: str, quotes: str) -> None:
        """Read a line with an odd number of triple quotes: it begins a string, or ends a docstring with a sentence."""
        before = line.partition(quotes)[0]
        if _SENTENCE.match(before) or (before.rstrip()[-1:] in ".!?`" and number - 1 in self.loose):
            self.loose[number] = before
            self._take_loose_back(number + 1)
        else:
            self._closing, self._is_string = quotes, True

    def _take_inner(self, number: int, line: str, opening: str, closing: str) -> None:
        """Read a trailing comment, which may go on below."""
        before, _, rest = line.partition(opening)
        if not _is_outside_strings(before):
            return
        text, end, _ = rest.partition(closing)
        self.end()
        self._block = ("comment", number, [text.lstrip("*!")])
        if end:
            self.end()
        else:
            self._closing = closing


def _is_code(line: str) -> bool:
    """Whether a line without a marker is code, or a string in code."""
    text = line.strip()
    return text[0] in _QUOTES or text[-1] in "'\"([{=,;\\" or is_code_line(text)


def _is_outside_strings(code: str) -> bool:
    return not (code.count('"') % 2 or code.count("'") % 2 or code.count("`") % 2)


_NAMES = re.compile(
    r"\n[ \t]*(?:(?:async[ \t]+)?def[ \t]+(test\w+)|func[ \t]+(?:\([^)\n]{0,60}\)[ \t]*)?([Tt]est\w+)\("
    r"|(?:pub[ \t]+)?(?:async[ \t]+)?fn[ \t]+(\w{12,100})[ \t]*\(\)"
    r"|(?:@\w+[ \t]+)?(?:public[ \t]+|private[ \t]+|async[ \t]+|static[ \t]+|final[ \t]+)*(?:void"
    r"|Task|fun)[ \t]+(`[^`\n]{1,200}`|\w{12,120})[ \t]*\("
    r"|(?:it|test|describe|specify|context|scenario|feature|@test|t\.Run|@DisplayName)(?:\.\w+){0,3}[ \t]*\(?[ \t]*"
    r"(\"[^\"\n]{1,300}\"|'[^'\n]{1,300}'|`[^`\n]{1,300}`))",
)
"""Names of tests, each after the previous line's end: much faster to search than `^`."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")


def iter_test_names(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield (number of the line, name in words) of the tests that *lines* begin: `test_exit_code` is "test exit code"."""
    joined = "\n" + "\n".join(lines)
    number, last = -1, 0
    for found in _NAMES.finditer(joined):
        number += joined.count("\n", last, found.start(found.lastindex or 0))
        last = found.start(found.lastindex or 0)
        name = found[found.lastindex or 0]
        yield number, name[1:-1] if name[0] in "\"'`" else " ".join(_split(name))


def _split(name: str) -> list[str]:
    """Return the words of an identifier in lower case, acronyms as they are."""
    return [word if len(word) > 1 and word.isupper() else word.lower() for word in _PART.findall(name)]
