"""Splits the lines of a page, comment or docstring into paragraphs of one line. Pure; the lines may begin in mid-block.

Left out: fenced and literal blocks, code, tables, directives that hold no text, link targets, rulers. A bullet, a field
(`:param x:`, `@return`) and a heading begin a paragraph of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .natural import FEWEST_WORDS, is_code_line, is_natural

Paragraph = tuple[int, str]
"""The number of its first line among those given, and its text."""

_BULLET = re.compile(r"(?:[-*+\u2022\u2013]|\(?\d{1,3}[.)]|\(?[a-z]\)|o|\[\d{1,3}\])\s+")
_HEADING = re.compile(r"(?:#{1,6}|={1,6})\s+(?=\S)")
_FIELD = re.compile(r":[\w*][\w *.,|-]{0,60}:(?:\s|$)|[@\\][a-z]\w{1,20}\b|[A-Z]\w{1,20}:$|\[\^?\w{1,20}\]:")
_PARAMETER = re.compile(
    r"(?::(?:param|parameter|arg|argument|key|keyword|returns?|rtype|type|raises?|except|exception|i?var|cvar|vartype)\b"
    r"|[@\\](?:t?param|arg|returns?|type|typedef|typeParam|template|throws?|exception|raises?|prop|property|retval|in|out)\b)"
)
_EMPTY_FIELD = re.compile(
    r":(?:tags|tickets|versions?|released|include_notes_from|class|name|caption|alt|width|target):"
)
_DIRECTIVE = re.compile(r"\.\. (?:\|[^|]{1,60}\| )?([\w:.-]{1,60})::\s*")
_WORDLESS = re.compile(
    r"(?:code|code-block|sourcecode|literalinclude|image|figure|toctree|math|highlight|include|contents|raw|list-table|csv-table"
    r"|graphviz|plot|parsed-literal|testcode|doctest|testoutput|testsetup|ipython|prompt|auto\w+|program-output|currentmodule"
    r"|module|default-domain|tab-set|grid|replace|towncrier\S*|py:\w+|c:\w+|function|method|class|attribute|data|option|versions?)$"
)
_TARGET = re.compile(r"(?:\.\. )?_[^:]{1,100}:|\.\. \[[^\]]{1,60}\]|\[[^\]]{1,100}\]:\s|https?://\S+$|!\[")
_TAGS = re.compile(r"(?:</?[a-zA-Z!][^<>]{0,300}>\s*)+$")
_TABLE = re.compile(r"\||\+[-=]")
_RULER = re.compile(r"[\W_]*$")
_FENCES = ("```", "~~~")
_SENTENCE_CHARS = 500  # of a sentence with the list that it introduces
_QUOTE = re.compile(r"(?:>\s?)+")


def split_paragraphs(lines: Sequence[str]) -> list[Paragraph]:
    """Return the paragraphs of *lines*, which have no comment markers."""
    splitter = _Splitter(lines)
    for number, line in enumerate(lines):
        splitter.take(number, line)
    splitter.end()
    return splitter.found


def is_parameter_field(text: str) -> bool:
    """Whether a paragraph is the field of a parameter, a result, a type or an error (`:param x:`, `@return`)."""
    return bool(_PARAMETER.match(text))


class _Splitter:
    def __init__(self, lines: Sequence[str]) -> None:
        self.found: list[Paragraph] = []
        self._fences = _pair_fences(lines)
        self._fence = False
        self._literal: int | None = None  # the indentation of the line before a literal block
        self._start = 0
        self._parts: list[str] = []
        self._may_list = True  # the paragraph is no list item, and may introduce some

    def end(self) -> None:
        if self._parts:
            self.found.append((self._start, " ".join(self._parts)))
            self._parts = []
        self._may_list = True

    def take(self, number: int, line: str) -> None:
        text = line.strip()
        if not text or number in self._fences:
            self.end()
            self._fence = self._fences.get(number, self._fence)
            return
        indent = len(line) - len(line.lstrip())
        if self._fence or (self._literal is not None and indent > self._literal):
            return
        self._literal = None
        text = self._begin(text, indent)
        if text:
            if self._parts and self._parts[-1][-1] == ":" and _is_label(" ".join(self._parts)):
                self._parts = []
            if not self._parts:
                self._start = number
            self._parts.append(text)
            if text.endswith("::"):
                self.end()
                self._literal = indent

    def _begin(self, text: str, indent: int) -> str:
        """Return the prose of a non-blank line, "" for none; end the previous paragraph if it is complete."""
        if text[0].isalpha() and not self._is_code(text):  # most lines, quickly
            if text[1:2].isspace() or text[-1] == ":":
                return self._begin_marked(text)
            return text
        if found := _DIRECTIVE.match(text):
            self.end()
            self._literal = indent if _WORDLESS.match(found[1]) else None
            return "" if self._literal is not None else text[found.end() :]
        if _RULER.match(text) or _TARGET.match(text) or _TAGS.match(text) or _TABLE.match(text):
            self.end()
            return ""
        return self._begin_marked(text)

    def _begin_marked(self, text: str) -> str:
        text = text.removeprefix("<!--").removesuffix("-->").strip().removeprefix(".. ")
        if quote := _QUOTE.match(text):
            text = text[quote.end() :]
        if marker := _BULLET.match(text) or _HEADING.match(text):
            if self._goes_on(text[marker.end() :]):
                return text
            self.end()
            self._may_list = False
            return "" if self._is_code(text[marker.end() :]) else text[marker.end() :]
        if _FIELD.match(text):
            self.end()
        if _EMPTY_FIELD.match(text) or self._is_code(text):
            self.end()
            return ""
        return text

    def _goes_on(self, item: str) -> bool:
        """Whether an item of a list is part of the sentence above it: `has()` and `get()` "led to:", then "- wrong results"."""
        if (
            not self._parts
            or not self._may_list
            or self._parts[-1][-1] in ".!?"
            or not (item[:1].islower() or item[:1] == "`")
        ):
            return False
        return sum(map(len, self._parts)) + len(item) < _SENTENCE_CHARS

    def _is_code(self, text: str) -> bool:
        """Whether a line is code; a sentence's last line may look like a call, and is none."""
        if not is_code_line(text):
            return False
        return not (
            self._parts and self._parts[-1][-1:] not in ".:;{}" and text[-1] in ".," and is_natural(self._parts[-1])
        )


def _is_label(text: str) -> bool:
    """Whether *text* only names what stands below it: `Description:`, a branch's name above its subjects."""
    return text.endswith(":") and text.count(" ") < FEWEST_WORDS - 1


def _pair_fences(lines: Sequence[str]) -> dict[int, bool]:
    """Return the lines that are fences, and whether each begins a block. The first may end an earlier one."""
    numbers = [
        number for number, line in enumerate(lines) if ("`" in line or "~" in line) and line.lstrip()[:3] in _FENCES
    ]
    fences: dict[int, bool] = {}
    is_open = False
    for place, number in enumerate(numbers):
        is_named = len(lines[number].strip()) > 3
        if not fences and not is_named and len(numbers) % 2 and not _is_code_next(lines, number):
            is_open = False
        else:
            is_open = is_named or not is_open
        fences[number] = is_open and (place + 1 < len(numbers) or _is_code_next(lines, number))
    return fences


def _is_code_next(lines: Sequence[str], number: int) -> bool:
    following = next((line for line in lines[number + 1 :] if line.strip()), "")
    return bool(following) and not is_natural(following)


_MACRO = re.compile(r"[.'][ \t]*([A-Za-z\\\"]{1,3})\s?")
_BREAKS = frozenset(
    "Pp It Bl El Sh Ss Bd Ed D1 Dl PP P LP TP IP SH SS"  # noqa: SIM905
    " RS RE nf fi sp br Dd Dt Os Nm Nd TH de ds if ie el EX EE HP TQ UR UE".split()
)
_ARGUMENTS_ARE_TEXT = frozenset(
    "Ic Fl Ar Ql Xr Em Va Pa Li Sy Cm Dq Sq Op Ev Ns Nm B I BR IR RB BI IB RI SM It No Qq Pq Aq Ap An".split()  # noqa: SIM905
)
_FONT = re.compile(r"\\f[A-Z]|\\&|\\-|\\\((?:aq|dq|em|en|bu)|\\e")


def iter_man_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield for each of *lines* of a manual page (roff) the text it prints, "" where a paragraph ends."""
    for line in lines:
        macro = _MACRO.match(line)
        if not macro:
            yield _FONT.sub("", line) if "\\" in line else line
        elif macro[1] in _ARGUMENTS_ARE_TEXT and macro[1] not in _BREAKS:
            yield line[macro.end() :]
        else:
            yield ""
