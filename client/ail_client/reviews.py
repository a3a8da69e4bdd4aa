"""The reply of `related` as a report in Markdown, for whoever reviews a change; imported only for `--format markdown`."""

from __future__ import annotations

from .markdown import code, code_path, escape, fold, quote
from .reports import Links, describe_commit, quote_sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEADS = (
    ("tried_before", "Tried before, and taken back then"),
    ("reverts", "Takes back an earlier change"),
    ("same_lines", "Removes lines that were written for a reason"),
    ("similar", "Explains these files"),
)
_QUOTED_MAX = 1_200
_SENTENCE_MAX = 600


def report_related(reply: dict[str, Any], links: Links, change: str) -> str:
    """Return what a reply of `related` says of *change* (a range, "what is staged", "" for files), grouped by kind."""
    of = f" of {code(change) if '..' in change else escape(change)}" if change else ""
    lines = [f"**What the history says{of}**", ""]
    for relation, head in _HEADS:
        found = [one for one in reply["citations"] if (one.get("relation") or "similar") == relation]
        if found:
            lines += [f"**{head}**", ""]
            lines += [line for one in found for line in _report_finding(one, links)]
    if companions := reply.get("companions") or ():
        lines += ["**Usually changes along, and does not here**", "", *map(_describe_companion, companions), ""]
    return "\n".join([*lines, *_fold_messages(reply["citations"], links)]).rstrip("\n")


def _report_finding(citation: dict[str, Any], links: Links) -> list[str]:
    """Return a commit as an item of a list: where the change meets it, its head, the sentence quoted."""
    place = f"{code_path(citation['path'], citation.get('line'))}: " if citation.get("path") else ""
    sentence = quote_sentence(citation, _SENTENCE_MAX)
    return [f"- {place}{describe_commit(citation, links)}", *(f"  {line}" for line in sentence), ""]


def _describe_companion(companion: dict[str, Any]) -> str:
    times = round(companion["share"] * companion["of"])
    beside = code_path(companion.get("beside") or "")
    return f"- {code_path(companion['path'])}: changed in {times} of the last {companion['of']} changes of {beside}"


def _fold_messages(citations: list[dict[str, Any]], links: Links) -> list[str]:
    """Return the commits' messages, folded; nothing of those that are no more than their subject."""
    lines: list[str] = []
    for one in citations:
        excerpt = one.get("excerpt") or ""
        if excerpt not in ("", one.get("subject")):
            lines += [describe_commit(one, links), "", *quote(excerpt, _QUOTED_MAX), ""]
    return fold("What these commits say", lines[:-1]) if lines else []
