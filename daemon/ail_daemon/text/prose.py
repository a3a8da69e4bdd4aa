"""A commit message's own sentences, and which of them say why. Pure; knows no question.

Left out is what is not the author's prose: trailers, quoted text, code, diffs, stack traces, HTML and what robots paste,
templates' headings and check boxes, references to issues. Bullets are kept apart: a squashed branch's list of subjects
says what was done, and one of them may say why only if there is no prose. Where a program listed them, `find_titles` tells them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .reasons import Worth, rate_sentence, rate_subject

MOST_CHARS = 40_000
"""Characters of a message that are read; a longer one contains a pasted log."""

MOST_SENTENCES = 200
_WRAPPED_CHARS = 45  # a shorter line before a capital letter was not wrapped: it is an item of a list


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it stands in the message, its white space levelled. place: its number, 0 for the subject.

    What is a title, or begins in the middle, as the first line below a wrapped subject does, is judged as a subject is.
    """

    text: str
    place: int
    worth: Worth
    is_bullet: bool = False


def _any_of(*patterns: str) -> str:
    return "|".join(patterns)


_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PARAGRAPH = r".*?(?=\n[\t ]*\n|\Z)"
_BLOCKS = re.compile(
    _any_of(
        _COMMENT.pattern,
        r"^[\t ]*(```|~~~).*?(?:^[\t ]*\1|\Z)",
        r"<details>.*?(?:</details>|\Z)",
        r"<blockquote>.*?(?:</blockquote>|\Z)",
        r"^---\n(?:updated-dependencies|updates):.*?(?:^\.\.\.$|\Z)",
        rf"^(?:Bumps (?:the \S+ group|\[[^\]]+\]\()|Dependabot will resolve any conflicts){_PARAGRAPH}",
        rf"^[\t ]*Traceback \(most recent call last\):{_PARAGRAPH}",
        rf"^(?:# )?Conflicts:{_PARAGRAPH}",
        r"^-{9,}$.*\Z",  # GitHub puts the trailers of a squashed branch below it
        r"^# -+ >8 -+.*\Z",
    ),
    re.DOTALL | re.MULTILINE,
)
_TRAILER = re.compile(
    _any_of(
        r"^[A-Z][A-Za-z]*(?:-[A-Za-z]+)+: \S|^[a-z]+(?:-[a-z]+)*-by: \S",
        r"^(?:Cc|CC|Acked|Link|Bug|PR|Ticket|Issue|Refs?|Patch|Depends|Thanks|Trust): \S",
        r"^(?:LGTM|TBR|R|CC|BUG|TEST|REVIEW)=",  # of Rietveld, which Go and Chromium were reviewed in
        r"^git-svn-id:|^--HG--|^(?:extra|branch) :|^\(cherry picked from",
        r"^-{9,}$",  # above those that GitHub puts below a squashed branch
        r"^\[(?:ci skip|skip ci)\]|^for more information, see https?:",
        r"^(?i:this reverts commit) [0-9a-f]{7,}",
        r"^\(?(?i:fixe?[sd]?|close[sd]?|resolve[sd]?|refs?|see|related)\b[:\s]*#?\d+",
    )
)
_REFERRING = _any_of(
    r"fixe?[sd]?|close[sd]?|resolve[sd]?|refs?|references?|see(?: also)?|related(?: to)?|part of|follow[- ]up (?:of|to)",
    r"addresses|issues?|and|pr|gh|bpo|bug|ticket",
)
_REFERENCE = re.compile(
    rf"^\W*(?i:(?:(?:{_REFERRING})\b[\s:,]*)*(?:[\w./-]*#\d+|GH-\d+|https?://\S+|[A-Z]{{2,10}}-\d+)[\s.,;)]*)+$"
)
_QUOTED = re.compile(
    r"^\s{0,3}(?:>|\||@@ |diff --git |\+\+\+ |--- |\$ |>>> |\.\.\. |\[//\]:|\[!\[|</?[a-z!][^>]*>|href=)"
    r"|^\s*File \"[^\"]*\", line \d+|^\s*(?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception|Warning): |^\s+at [\w.$<>]+\("
)
_CODE = re.compile(r"^(?: {4,}|\t)\S")
_SHOWN = re.compile(r"^(?: {2,}|\t)(?![-*+\u2022])\S")  # indented below a colon
_HEADING = re.compile(r"^\s*#{1,6}\s+\S|^\s*([=\-~^*_.])\1{2,}\s*$")
_LABEL = re.compile(
    r"^\s*\**(?i:description|summary|motivation|problem|background|context|rationale|reason|why|solution|fix|changes?|details?"
    r"|notes?|cause|root cause|impact|overview|explanation)\**\s*:\**\s*"
)
_TESTING = _any_of(
    r"testing|tests?(?: plan| run| done)?|how (?:was )?this (?:was |been )?tested|checklist|reviewers?|changelog|release notes?",
    r"screenshots?|to ?do|to reproduce|steps to reproduce|related issues?|related issue number",
)
_UNREAD = re.compile(
    rf"^\s*(?:#+\s*)?\**(?i:{_TESTING})\**\s*:?\**\s*$|^\s*\**(?i:testing|test plan|reviewers?|tested)\**:\s"
)
_BULLET = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,2}[.)])\s+")
_NO_BULLET = re.compile(
    r"^\[[ xX]\]|^\[[^\]]*\]\([^)]*\)\s*$|^`@dependabot|^dependency-|^\[pre-commit\.ci\]|^(?i:wip|merge (?:branch|pull))\b"
)
_BOX = re.compile(r"^(\s*)(?:[-*+]|\d{1,2}[.)])\s+\[[ xX]\]")
_SHORTENED = "".join(
    rf"(?<!\b{word}\.)" for word in (r"e\.g", r"i\.e", "etc", "vs", "cf", "approx", "resp", "incl", "No", "Fig")
)
_END = re.compile(
    rf"(?:(?<=[.!?]){_SHORTENED}(?<!\s[A-Z]\.)|(?<=[.!?][)\"'\u201d`]))\s+(?=[^\sa-z,;.)])|(?<=[\u3002\uff01\uff1f])\s*"
)
_MAY_END = re.compile(r"[.!?][)\"'\u201d`]?\s|[\u3002\uff01\uff1f]")
"""Whether a text can have an end within it, in a tenth of the time."""

_SQUASHED = re.compile(r"\(#\d+\)$")
_TITLE = re.compile(r"\* +(?=\S)")
_BROUGHT = re.compile(r"\* \S.*:(?: \(\d+ commits?\))?\s*$")
_LISTED = re.compile(r"\s*(?:[-*+] +)?(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}:? +\S")  # by their shas
_TITLE_CHARS = 72  # at which people wrap: where the next word would have gone below it, a line was not wrapped
_MERGE = re.compile(r"^merge (?:pull request|branch|remote-tracking branch|pr|tag|commit)\b", re.IGNORECASE)


def read_sentences(subject: str, body: str) -> list[Sentence]:
    """Return the sentences of a message in their order, the subject first; at most 200."""
    subject = subject[:MOST_CHARS]
    lines = body[:MOST_CHARS].replace("\r", "").split("\n")
    elsewhere = {place for place, title in find_titles(subject, lines).items() if not title}
    body = "\n".join("" if place in elsewhere else line for place, line in enumerate(lines))
    sentences = [Sentence(" ".join(subject.split()), 0, rate_subject(subject))]
    for text, is_bullet in _iter_paragraphs(body):
        for part in split_sentences(text):
            is_title = is_bullet or (len(sentences) == 1 and (bool(_MERGE.match(subject)) or part[0].islower()))
            worth = rate_subject(part) if is_title else rate_sentence(part)
            sentences.append(Sentence(part, len(sentences), worth, is_bullet))
        if len(sentences) >= MOST_SENTENCES:
            break
    return sentences[:MOST_SENTENCES]


def is_trailer(line: str) -> bool:
    """Whether a line of a message is for machines."""
    return bool(_TRAILER.match(line))


def is_bullet(line: str) -> bool:
    """Whether a line begins an item of a list."""
    return bool(_BULLET.match(line))


def is_merge(subject: str) -> bool:
    """Whether a subject says only that something was merged."""
    return bool(_MERGE.match(subject))


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph that stands on one line."""
    parts = _END.split(text) if _MAY_END.search(text) else [text]
    return [part for part in map(str.strip, parts) if part]


def find_titles(subject: str, lines: Sequence[str]) -> dict[int, str]:
    """Return the places of *lines*, a body's, that are titles of other commits, each with its text; "" if that one is elsewhere.

    A forge that squashes a branch names the pull request in the subject, and puts each commit's subject behind a star: 7
    (prometheus) to 22 % (caddy) of all messages. git lists what a merge brought, and git-subtree what it squashed.
    """
    listed = [place for place, line in enumerate(lines) if _LISTED.match(line)]
    brought = {*_find_brought(lines)} if is_merge(subject) else set()
    elsewhere = brought | ({*listed} if len(listed) > 1 else set())
    first = next((line for line in lines if line.strip()), "")
    if elsewhere or not (_SQUASHED.search(subject.strip()) and _TITLE.match(first)):
        return dict.fromkeys(elsewhere, "")
    return {
        place: _TITLE.sub("", line).strip()
        for place, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True))
        if _TITLE.match(line) and _is_whole(line.rstrip(), following)
    }


def _find_brought(lines: Sequence[str]) -> Iterator[int]:
    """Yield the places of a merge's list of commits: a branch's name, and below it their subjects."""
    is_list = False
    for place, line in enumerate(lines):
        is_list = bool(_BROUGHT.match(line)) or (is_list and line.startswith("  "))
        if is_list:
            yield place


def _is_whole(line: str, following: str) -> bool:
    """Whether *line*, a bullet, is not wrapped to the one *following* it, and ends no sentence, as lists that people write do."""
    if not following.strip() or _BULLET.match(following):
        return line[-1] not in ".;,:"
    return (
        not following[0].isspace() and len(line) + len(following.split()[0]) < _TITLE_CHARS and not line.endswith(",")
    )


def get_title(subject: str, sentences: list[Sentence]) -> Sentence:
    """Return what names the change: the subject, or of a merge that only says so the first line below it."""
    return sentences[1] if len(sentences) > 1 and _MERGE.match(subject) else sentences[0]


def _iter_paragraphs(body: str) -> Iterator[tuple[str, bool]]:
    """Yield (text, is a bullet) with wrapped lines joined."""
    joined: list[str] = []
    is_bullet, last = False, ""
    for line in _iter_read(_BLOCKS.sub("\n", body).split("\n")):
        is_first = bool(_BULLET.match(line))
        is_middle = bool(joined) and last[-1:] not in ".:!?"
        is_code = bool((_CODE if not joined else _SHOWN).match(line)) and (not joined or last.endswith(":"))
        is_left_out = is_code or _is_left_out(line, is_middle=is_middle)
        is_item = bool(joined) and len(last) < _WRAPPED_CHARS and line[:1].isupper()
        if joined and (is_first or is_left_out or is_item):
            yield " ".join(joined), is_bullet
            joined = []
        if not is_left_out:
            is_bullet = is_bullet if joined else is_first
            joined.append((_BULLET if is_first else _LABEL).sub("", line).strip())
        last = line.rstrip()
    if joined:
        yield " ".join(joined), is_bullet


def blank_unwritten(body: str) -> list[str]:
    """Return the lines of a message's body, with blank lines in place of what is not the author's prose."""
    whole = _BLOCKS.sub(lambda block: "\n" * block[0].count("\n"), body.replace("\r", ""))
    lines: list[str] = []
    for line in _iter_read(whole.split("\n")):
        is_middle = bool(lines) and bool(lines[-1]) and lines[-1].rstrip()[-1:] not in ".:!?"
        lines.append("" if _is_left_out(line, is_middle=is_middle) else line)
    return lines


def without_forms(body: str) -> list[str]:
    """Return the lines of a message's body, blank where a template told its author what to do."""
    return list(_without_boxes(_COMMENT.sub(lambda block: "\n" * block[0].count("\n"), body).splitlines()))


def _iter_read(lines: list[str]) -> Iterator[str]:
    return _without_boxes(_without_sections(lines))


def _without_sections(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* without sections on testing and the like: from their heading to a blank line."""
    length = -1  # of such a section, so far; -1 outside
    for line in lines:
        if begin := _UNREAD.match(line):
            length = int(begin.end() < len(line))
            yield ""
            continue
        elif length >= 0 and (_HEADING.match(line) or (length and not line.strip())):
            length = -1
        length += length >= 0 and bool(line.strip())
        yield "" if length >= 0 else line


def _without_boxes(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* without a form's check boxes, nor what stands indented below one, as sqlalchemy's says what to hand in."""
    indent: int | None = None  # of the box whose text this is
    before = ""
    for line in lines:
        if box := _BOX.match(line):
            indent = len(box[1].expandtabs())
        elif indent is not None and _ends_box(line, before, indent):
            indent = None
        yield line if indent is None else ""
        before = line.strip()


def _ends_box(line: str, before: str, indent: int) -> bool:
    """Whether *line* is no further text of a box so far indented: forges wrap it without an indent."""
    if not line.strip() or len(line.expandtabs()) - len(line.expandtabs().lstrip()) > indent:
        return False
    return not before or bool(_BULLET.match(line) or _HEADING.match(line))


def _is_left_out(line: str, *, is_middle: bool) -> bool:
    if not line.strip() or _NO_BULLET.match(_BULLET.sub("", line)):
        return True
    if is_middle and line.startswith(("http://", "https://")):
        return False
    return bool(_TRAILER.match(line) or _REFERENCE.match(line) or _HEADING.match(line) or _QUOTED.match(line))
