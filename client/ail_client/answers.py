"""The replies of `ask` and `related`, as text for people and lines for editors; every word from outside made safe."""

from __future__ import annotations

import os

from .layout import Page, describe_time, shorten
from .sanitise import to_block, to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_REASONS = {
    "meaning": "says something alike",
    "words": "has the words",
    "touches_file": "touches the file",
    "touches_lines": "touches these lines",
    "named": "is named in the question",
}
_CONFIDENCE = ((0.8, "very likely"), (0.6, "likely"), (0.4, "perhaps"), (0.0, "a guess"))
_SENTENCE_MAX = 240


def render_answer(reply: dict[str, Any], page: Page) -> str:
    """Return *reply* for a person: the answer first, how sure it is, then the commits it stands in."""
    lines = []
    if reply.get("answer"):
        told = "No reason is recorded. What was done: " if reply.get("outcome") == "no_reason_recorded" else ""
        for line in to_block(told + reply["answer"]):
            lines += page.wrap(line)
    if reply["citations"] and reply.get("confidence") is not None:
        lines.append(page.paint(_describe_confidence(reply["confidence"]), "dim"))
    for number, citation in enumerate(reply["citations"], 1):
        lines += ["", *_render_citation(number, citation, page)]
    return "\n".join(lines)


def render_grep(reply: dict[str, Any]) -> str:
    """Return `path:line:1: shortsha subject — sentence`, one citation a line.

    A citation that names no path counts for the file asked about; without one the path is `-`.
    """
    lines = [_render_grep_line(citation, reply) for citation in reply["citations"]]
    return "\n".join(lines + [_render_grep_companion(one, reply) for one in reply.get("companions") or ()])


def describe_limits(reply: dict[str, Any]) -> list[str]:
    """Return notes on why *reply* may be less than was asked for."""
    notes = [to_line(reply["degraded"])] if reply.get("degraded") else []
    index = reply.get("index") or {}
    if not notes and index.get("complete") is False:
        notes.append(f"{index.get('pending', 0):,} commits are not searchable yet")
    return notes


def _describe_confidence(confidence: float) -> str:
    words = next(words for least, words in _CONFIDENCE if confidence >= least or not least)
    return f"({words}: {confidence:.0%})"


def _render_citation(number: int, citation: dict[str, Any], page: Page) -> list[str]:
    sha = page.paint(shorten(to_line(citation["sha"])), "yellow")
    when = describe_time(to_line(citation.get("author_time") or ""))
    lines = [f"{number}. {sha}  {when}  {to_line(citation.get('author') or '')}".rstrip()]
    lines += [page.paint(line, "bold") for line in page.wrap(to_line(citation.get("subject") or ""), "   ")]
    if citation.get("path"):
        line = f":{citation['line']}" if citation.get("line") else ""
        lines.append(f"   {to_path(citation['path'])}{line}")
    excerpt = (citation.get("excerpt") or "").strip("\n")
    for line in to_block(excerpt) if excerpt != citation.get("subject") else []:
        lines += page.wrap(line, "   | ") if line.strip() else []
    return lines + _render_marks(citation, page)


def _render_marks(citation: dict[str, Any], page: Page) -> list[str]:
    """Return what became of the commit, where to read on, and why it is here."""
    lines = []
    for key, words in (("reverted_by", "reverted by"), ("replaced_by", "replaced by")):
        if citation.get(key):
            lines.append(f"   {words} {shorten(to_line(citation[key]))}")
    if request := citation.get("pull_request"):
        lines.append(f"   pull request {to_line(_describe_request(request))}")
    reasons = [_REASONS.get(reason, to_line(str(reason))) for reason in citation.get("reasons") or ()]
    if reasons:
        lines += [page.paint(line, "dim") for line in page.wrap(", ".join(reasons), "   ")]
    return lines


def _describe_request(request: object) -> str:
    match request:
        case {"number": number, "title": title}:
            return f"#{number} {title}"
        case {"url": url}:
            return str(url)
    return str(request)


def _render_grep_line(citation: dict[str, Any], reply: dict[str, Any]) -> str:
    path = citation.get("path") or reply.get("file")
    shown = to_path(_from_here(path, reply.get("repo") or "")) if path else "-"
    subject = to_line(citation.get("subject") or "")
    sentence = to_line(citation.get("sentence") or "") or _first_sentence(to_line(citation.get("excerpt") or ""))
    said = f"{subject} — {sentence}" if sentence else subject
    return f"{shown}:{citation.get('line') or 1}:1: {shorten(to_line(citation['sha']))} {said}"


def _render_grep_companion(companion: dict[str, Any], reply: dict[str, Any]) -> str:
    from .relations import describe_companion

    return f"{to_path(_from_here(companion['path'], reply.get('repo') or ''))}:1:1: {describe_companion(companion)}"


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    sentence = text if end < 0 else text[: end + 1]
    return sentence if len(sentence) <= _SENTENCE_MAX else sentence[: _SENTENCE_MAX - 1] + "…"


def _from_here(path: str, root: str) -> str:
    """Return *path* relative to the current directory if that lies in the repository, as editors will take it."""
    try:
        here = os.getcwd()
    except OSError:
        return path
    inside = here == root or here.startswith(root.rstrip("/") + "/")
    return os.path.relpath(os.path.join(root, path), here) if root and inside else path
