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
_AUTHOR_MAX, _PLACE_MAX = 40, 80
_INDENT = "  "


def render_related(reply: dict[str, Any], page: Page) -> str:
    """Return *reply* for a person, one line a finding, wrapped where the terminal is narrow."""
    lines = [line for citation in reply["citations"] for line in _render_citation(citation, page)]
    for companion in reply.get("companions") or ():
        lines += _wrap(describe_companion(companion), page)
    return "\n".join(lines)


def _render_citation(citation: dict[str, Any], page: Page) -> list[str]:
    sha = to_line(citation["sha"])
    first, *others = _wrap(describe_citation(citation), page)
    return [first.replace(shorten(sha), page.name_commit(sha), 1), *others]


def _wrap(text: str, page: Page) -> list[str]:
    """Return *text* in lines that fit, those after the first indented."""
    first, *others = page.wrap(text, _INDENT)
    return [first.removeprefix(_INDENT), *others]


def describe_citation(citation: dict[str, Any], *, has_room: bool = True) -> str:
    """Return `a1b2c3d4e5 is taken back (2024-03-05, Jane Doe, view.py:12): Subject — sentence`, on one line of at most 300.

    has_room: False leaves out the part in brackets, for a hook's shorter lines.
    """
    kind = _KINDS.get(citation.get("relation") or "", "bears on this")
    subject, sentence = to_line(citation.get("subject") or ""), to_line(citation.get("sentence") or "")
    said = f"{subject} — {sentence}" if sentence and sentence != subject else subject
    where = _describe_origin(citation) if has_room else ""
    return _cut(f"{shorten(to_line(citation['sha']))} {kind}{f' ({where})' if where else ''}: {said}")


def _describe_origin(citation: dict[str, Any]) -> str:
    """Return when it was written, by whom, where the change touches it, and on which branch if HEAD does not reach it."""
    path, line = citation.get("path"), citation.get("line")
    place = f"{to_path(path)}:{line}" if path and line else to_path(path) if path else ""
    author = to_line(citation.get("author") or "")[:_AUTHOR_MAX]
    branch = citation.get("branch")
    aside = f"on {to_line(branch)[:_PLACE_MAX]}" if branch else ""
    return ", ".join(
        filter(None, (to_line(citation.get("author_time") or "")[:10], author, place[-_PLACE_MAX:], aside))
    )


def describe_companion(companion: dict[str, Any]) -> str:
    """Return which file usually changes too, and how usual that is."""
    times = round(companion["share"] * companion["of"])
    beside = to_path(companion.get("beside") or "")
    return _cut(f"{to_path(companion['path'])} usually changes with {beside}: {times} of {companion['of']} times")


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_MAX else line[: _LINE_MAX - 1] + "…"
