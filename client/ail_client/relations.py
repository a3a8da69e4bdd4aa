"""The reply of `related` as lines: one a commit, one a missing file; every word from outside made safe."""

from __future__ import annotations

from .layout import Page, shorten
from .sanitise import to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = {
    "reverts": "is taken back",
    "same_lines": "last wrote these lines",
    "tried_before": "was tried before",
    "similar": "bears on this",
}
_LINE_MAX = 300


def render_related(reply: dict[str, Any], page: Page) -> str:
    """Return *reply* for a person, one line a finding, wrapped where the terminal is narrow."""
    lines = []
    for citation in reply["citations"]:
        first, *rest = page.wrap(describe_citation(citation))
        sha = shorten(to_line(citation["sha"]))
        lines += [first.replace(sha, page.paint(sha, "yellow"), 1), *("  " + line for line in rest)]
    return "\n".join([*lines, *map(describe_companion, reply.get("companions") or ())])


def describe_citation(citation: dict[str, Any]) -> str:
    """Return `a1b2c3d4e5 is taken back: Subject — sentence` on one line of at most 300 characters."""
    kind = _KINDS.get(citation.get("relation") or "", "bears on this")
    subject, sentence = to_line(citation.get("subject") or ""), to_line(citation.get("sentence") or "")
    said = f"{subject} — {sentence}" if sentence and sentence != subject else subject
    return _cut(f"{shorten(to_line(citation['sha']))} {kind}: {said}")


def describe_companion(companion: dict[str, Any]) -> str:
    """Return which file usually changes too, and how usual that is."""
    times = round(companion["share"] * companion["of"])
    beside = to_path(companion.get("beside") or "")
    return _cut(f"{to_path(companion['path'])} usually changes with {beside}: {times} of {companion['of']} times")


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_MAX else line[: _LINE_MAX - 1] + "…"
