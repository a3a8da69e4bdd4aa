"""The replies of `ask` and `related`, as text for people and lines for editors; every word from outside made safe.

It prints nothing but the notes on what a reply lacks, which every form but JSON has.
"""

from __future__ import annotations

import os

from ail_rpc import SHALLOW

from .citations import cut_subject, render_citations
from .layout import get_page_of_notes, shorten
from .output import write_aside
from .sanitise import to_block, to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .layout import Page

_CONFIDENCE = ((0.8, "very likely"), (0.6, "likely"), (0.4, "perhaps"), (0.0, "a guess"))
_LEAST_TOLD = 0.05
_SENTENCE_MAX = 240
_ANSWER_MAX = 1000  # on one line; one of 950 kB overflowed the stack of Emacs's regular expressions
_NO_REASON = "No reason is recorded. What was done:"
_KINDS = {"docs": "documentation", "changelog": "a changelog entry"}
_SHA = r"\b[0-9a-f]{7,64}\b"


def render_answer(reply: dict[str, Any], page: Page) -> str:
    """Return *reply* for a person: the answer first, how sure it is, then the commits it stands in."""
    lines = _render_sentences(reply, page)
    if reply["citations"] and has_sureness(reply):
        lines.append(page.paint(describe_confidence(reply["confidence"]), "bold"))
        lines += page.wrap(describe_origin(reply)) if describe_origin(reply) else []
    cited = render_citations(reply["citations"], page, reply.get("question") or "", reply.get("answer") or "")
    return "\n".join([*lines, "", *cited] if lines else cited)


def has_sureness(reply: dict[str, Any]) -> bool:
    """Whether people are told how sure *reply* is: of what records no reason, its small probability to be one says nothing."""
    return reply.get("confidence") is not None and reply.get("outcome") != "no_reason_recorded"


def find_origin(reply: dict[str, Any]) -> dict[str, Any] | None:
    """Return the quoted passage that stands in a file; None where all that is quoted are messages."""
    quoted = (one for one in reply.get("evidence") or () if one.get("is_quoted"))
    return next((one for one in quoted if one.get("path")), None)


def describe_origin(reply: dict[str, Any]) -> str:
    """Return where the quoted passage stands, "" where that is the message of its commit."""
    found = find_origin(reply)
    if not found or reply.get("outcome") != "answered":
        return ""
    line, line_now = found.get("line") or 1, found.get("line_now")
    now = "" if not line_now else ", still there" if line_now == line else f", today on line {line_now}"
    gone = ", gone since" if found.get("is_current") is False else ""
    taken = "taken out by that commit from" if found.get("is_removed") else "written at"
    kind = to_line(found["kind"])
    return f"{_KINDS.get(kind, f'a {kind}')} {taken} {to_path(found['path'])}:{line}{now or gone}"


def describe_answer(reply: dict[str, Any]) -> str:
    """Return the answer and how sure it is on one line, for forms with only citations on stdout; "" for none.

    Beyond 1,000 characters the answer is cut.
    """
    if not reply.get("answer") or reply.get("confidence") is None:
        return ""
    head = describe_confidence(reply["confidence"]) if has_sureness(reply) else _NO_REASON
    return f"{head} {_cut(to_line(' '.join(reply['answer'].split())), _ANSWER_MAX)}"


def render_grep(reply: dict[str, Any]) -> str:
    """Return `path:line:1: shortsha subject — sentence`, one citation a line.

    A citation without a path gets the file asked about; without one the path is `-`.
    """
    lines = [_render_grep_line(citation, reply) for citation in reply["citations"]]
    return "\n".join(lines + [_render_grep_companion(one, reply) for one in reply.get("companions") or ()])


def tell_limits(reply: dict[str, Any]) -> None:
    """Write on stderr why *reply* may be less than was asked for, to the terminal's width."""
    page = get_page_of_notes()
    for note in describe_limits(reply):
        write_aside("\n".join(page.wrap(f"note: {note}")))


def describe_limits(reply: dict[str, Any]) -> list[str]:
    """Return notes on why *reply* may be less than was asked for."""
    notes = [to_line(reply["degraded"])] if reply.get("degraded") else []
    index = reply.get("index") or {}
    pending = index.get("pending") or 0  # 0 while incomplete: the refs are being compared
    if not notes and index.get("complete") is False and pending:
        notes.append(f"{pending:,} commits are not searchable in full yet")
    if not notes and index.get("is_shallow") and not _is_of_lines(reply):
        notes.append(SHALLOW)
    return notes


def _is_of_lines(reply: dict[str, Any]) -> bool:
    """Whether a commit answers that made the asked lines: older history could hardly tell more."""
    cited = reply.get("citations") or [{}]
    return reply.get("outcome") == "answered" and "touches_lines" in (cited[0].get("reasons") or ())


def _render_sentences(reply: dict[str, Any], page: Page) -> list[str]:
    """Return the answer's lines, the commits it names linked."""
    if not reply.get("answer"):
        return []
    head = f"{_NO_REASON} " if reply.get("outcome") == "no_reason_recorded" else ""
    lines = [part for line in to_block(head + reply["answer"]) for part in page.wrap(line)]
    if not page.colour and not page.commit_url:
        return lines
    import re  # 4 ms, only on a terminal

    shas = [to_line(citation["sha"]) for citation in reply["citations"]]
    return [re.sub(_SHA, lambda found: _name_cited(found[0], shas, page), line) for line in lines]


def _name_cited(text: str, shas: list[str], page: Page) -> str:
    """Return *text* as the cited commit whose sha begins so; as it is where none does."""
    sha = next((sha for sha in shas if sha.startswith(text)), None)
    return page.name_commit(sha, text) if sha else text


def describe_confidence(confidence: float) -> str:
    """Return "(very likely: 83%)"; of what was made known although hardly anything speaks for it "(a guess: below 5%)"."""
    words = next(words for least, words in _CONFIDENCE if confidence >= least or not least)
    return f"({words}: {confidence:.0%})" if confidence >= _LEAST_TOLD else f"({words}: below {_LEAST_TOLD:.0%})"


def _render_grep_line(citation: dict[str, Any], reply: dict[str, Any]) -> str:
    path = citation.get("path") or reply.get("file")
    root = citation.get("repo") or reply.get("repo") or ""
    named = os.path.join(root, path) if path and citation.get("repo") else path
    shown = to_path(_from_here(named, root)) if named else "-"
    subject = cut_subject(citation)
    sentence = to_line(citation.get("sentence") or "") or _first_sentence(to_line(citation.get("excerpt") or ""))
    said = f"{subject} — {sentence}" if sentence else subject
    return f"{shown}:{citation.get('line') or 1}:1: {shorten(to_line(citation['sha']))} {said}"


def _render_grep_companion(companion: dict[str, Any], reply: dict[str, Any]) -> str:
    from .relations import describe_companion

    return f"{to_path(_from_here(companion['path'], reply.get('repo') or ''))}:1:1: {describe_companion(companion)}"


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    sentence = text if end < 0 else text[: end + 1]
    return _cut(sentence, _SENTENCE_MAX)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _from_here(path: str, root: str) -> str:
    """Return *path* relative to the current directory if that lies in the repository, as editors expect."""
    try:
        here = os.getcwd()
    except OSError:
        return path
    inside = here == root or here.startswith(root.rstrip("/") + "/")
    return os.path.relpath(os.path.join(root, path), here) if root and inside else path
