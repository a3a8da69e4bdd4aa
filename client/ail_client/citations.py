"""Commits that a reply cites, as people read them. Every word from outside is made safe here.

`render_citations` serves every reply with citations, `ask` and `related` alike.
"""

from __future__ import annotations

from .layout import SHORT_SHA, describe_age, describe_time
from .sanitise import to_block, to_line, to_path
from .wrapping import count_columns, reflow, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from .layout import Page

_REASONS = {
    "meaning": "says something alike",
    "words": "has the words",
    "touches_file": "touches the file",
    "touches_lines": "touches these lines",
    "named": "is named in the question",
}
FATES = (("reverted_by", "reverted by"), ("replaced_by", "replaced by"), ("successor_of", "stands for the rewritten"))
"""Of a citation: the key of another commit's sha, and what that commit is to it."""

_SUBJECT_MAX = 300  # characters; git recommends 50, generators may write 100,000
AUTHOR_MAX = 60
_TIME_MAX = 40
_LINES_FIRST, _LINES_OTHERS = 10, 5
_DATE_FROM = 76  # columns from which date and age both fit


def render_citations(citations: list[dict[str, Any]], page: Page, question: str = "", answer: str = "") -> list[str]:
    """Return the lines for *citations*, numbered from 1, blank lines between; words of *question* stand out.

    answer: what stands above them: an excerpt that it holds whole is not shown a second time.
    """
    stems = _find_stems(question) if page.colour or page.width else frozenset()
    answered = " ".join(answer.split())
    lines: list[str] = []
    for number, citation in enumerate(citations, 1):
        lines += [""] if lines else []
        is_told = " ".join((citation.get("excerpt") or "").split()) in answered
        lines += _render_citation(number, citation | {"excerpt": ""} if is_told else citation, page, stems)
    return lines


def render_fate(commit: dict[str, Any], page: Page, indent: str = "") -> list[str]:
    """Return the fate of *commit*: whether it was reverted or replaced, and which commit it rewrote."""
    lines = []
    for key, words in FATES:
        if sha := commit.get(key):
            lines.append(f"{indent}{page.paint(words, 'warning')} {page.name_commit(to_line(sha))}")
    return lines


def name_lines(lines: Sequence[int] | None) -> str:
    """Return "120-124" for the first and last of *lines*, "120" where they are one, "" for None."""
    if not lines:
        return ""
    first, last = lines
    return str(first) if first == last else f"{first}-{last}"


def _find_stems(question: str) -> AbstractSet[str]:
    from .matching import find_stems  # only on a terminal

    return find_stems(to_line(question))


def cut_subject(citation: dict[str, Any]) -> str:
    """Return the subject, safe, on one line, at most _SUBJECT_MAX long."""
    return _clip(to_line(citation.get("subject") or ""), _SUBJECT_MAX)


def _clip(text: str, most: int) -> str:
    """Return at most *most* characters of *text*."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _render_citation(number: int, citation: dict[str, Any], page: Page, stems: AbstractSet[str]) -> list[str]:
    indent = "  " if page.is_narrow else "   "
    lines = _render_head(number, citation, page, indent)
    lines += [page.paint(line, "bold") for line in page.wrap(cut_subject(citation), indent)]
    lines += render_fate(citation, page, indent)
    if repo := citation.get("repo"):  # of a question over several
        lines += page.wrap(f"in {to_path(repo)}", indent)
    if branch := citation.get("branch"):
        lines += page.wrap(f"on {to_line(branch)}, which HEAD does not reach", indent)
    if request := citation.get("pull_request"):
        lines += page.wrap(f"pull request {to_line(_describe_request(request))}", indent)
    if citation.get("path"):
        line = f":{citation['line']}" if citation.get("line") else ""
        lines.append(f"{indent}{to_path(citation['path'])}{line}")
    lines += _render_excerpt(citation, page, stems, indent, _LINES_FIRST if number == 1 else _LINES_OTHERS)
    reasons = ", ".join(_REASONS.get(reason, to_line(str(reason))) for reason in citation.get("reasons") or ())
    return lines + [page.paint(line, "dim") for line in (page.wrap(reasons, indent) if reasons else [])]


def _render_head(number: int, citation: dict[str, Any], page: Page, indent: str) -> list[str]:
    """Return "1. 4f1c2d9e4f  2026-05-04 (3 months ago)  Jane Doe"; if narrow without the date, on several lines."""
    iso = to_line(citation.get("author_time") or "")[:_TIME_MAX]
    has_room = page.width is None or page.width >= _DATE_FROM
    when = describe_time(iso) if has_room else describe_age(iso) or iso
    author = _clip(to_line(citation.get("author") or ""), AUTHOR_MAX)
    lines, taken = [f"{number}. {page.name_commit(to_line(citation['sha']))}"], len(f"{number}. ") + SHORT_SHA
    for text, shown in ((when, page.paint(when, "dim")), (author, author)):
        if page.width is not None and taken + 2 + count_columns(text) > page.width:
            lines.append(indent + shown)
            taken = len(indent) + count_columns(text)
        elif text:
            lines[-1] += f"  {shown}"
            taken += 2 + (count_columns(text) if page.width is not None else 0)
    return lines


def _render_excerpt(citation: dict[str, Any], page: Page, stems: AbstractSet[str], indent: str, most: int) -> list[str]:
    """Return the excerpt; on a terminal as paragraphs, and of many lines the *most* that match best."""
    excerpt = (citation.get("excerpt") or "").strip("\n")
    if excerpt == citation.get("subject"):
        return []
    bar = f"{indent}{page.paint('│', 'dim')} "
    said = [line for line in to_block(excerpt) if line.strip()]
    room = page.get_room(f"{indent}│ ")
    if room is not None:
        said = _fit(reflow(to_block(excerpt)), room, most, stems)
    return [bar + _emphasise(line, page, stems) for line in said]


def _emphasise(line: str, page: Page, stems: AbstractSet[str]) -> str:
    if not page.colour or not stems:
        return line
    from .matching import emphasise

    return emphasise(line, stems, lambda word: page.paint(word, "match"))


def _fit(paragraphs: list[str], room: int, most: int, stems: AbstractSet[str]) -> list[str]:
    """Return *paragraphs* in lines; of more than *most*, the run of lines with most of the question's words."""
    lines = [line for paragraph in paragraphs for line in wrap(paragraph, room)]
    if len(lines) <= most:
        return lines
    from .matching import count_matches

    lines = [line for paragraph in paragraphs for line in wrap(paragraph, room - 2)]  # room for the marks of omissions
    begin = _find_window([count_matches(line, stems) for line in lines], most)
    chosen = lines[begin : begin + most]
    chosen[0] = f"… {chosen[0].lstrip()}" if begin else chosen[0]
    chosen[-1] += " …" if begin + most < len(lines) else ""
    return chosen


def _find_window(matches: list[int], most: int) -> int:
    """Return where the *most* lines that match best begin; of equals, one line before the first match."""

    def judge(begin: int) -> tuple[int, int, int]:
        window = matches[begin : begin + most]
        before = next((at for at, count in enumerate(window) if count), 1)
        return sum(window), -abs(before - 1), -begin

    return max(range(len(matches) - most + 1), key=judge)


def _describe_request(request: object) -> str:
    match request:
        case {"number": number, "title": title}:
            return f"#{number} {title}"
        case {"url": url}:
            return str(url)
    return str(request)
