"""The reply of `log` as a timeline, in text and Markdown: the commits of some lines, oldest first, cosmetic ones folded."""

from __future__ import annotations

from itertools import groupby

from .citations import AUTHOR_MAX, cut_subject, name_lines, render_fate
from .layout import describe_time
from .sanitise import to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .layout import Page
    from .reports import Links

_SENTENCE_MAX = 1_000
_NAMED_MAX = 5  # folded commits that are named
_FOLDED = {
    ("reformatting", False): "reformatting",
    ("reformatting", True): "reformattings",
    ("spelling", False): "correction of spelling",
    ("spelling", True): "corrections of spelling",
}
NO_REASON = "no reason is recorded"


def render_timeline(reply: dict[str, Any], page: Page) -> str:
    """Return the timeline for a person, an entry a commit, blank lines between."""
    lines = [page.paint(name_place(reply), "bold")]
    for cosmetic, entries in group(reply["citations"]):
        if cosmetic:
            lines += ["", *page.wrap(describe_folded(cosmetic, entries, page.name_commit), "   ")]
            continue
        for entry in entries:
            lines += ["", *_render_entry(entry, page)]
    return "\n".join(lines)


def report_timeline(reply: dict[str, Any], links: Links) -> str:
    """Return the timeline as Markdown, a list with an item a commit."""
    from .markdown import code_path
    from .reports import describe_commit, quote_sentence

    lines = [f"**How {code_path(reply.get('file') or '', name_lines(reply.get('lines')))} came to be**", ""]
    for cosmetic, entries in group(reply["citations"]):
        if cosmetic:
            lines += [f"- {describe_folded(cosmetic, entries, links.name_commit)}"]
            continue
        for entry in entries:
            reason = quote_sentence(entry, _SENTENCE_MAX) if entry.get("sentence") else [f"> *{NO_REASON}*"]
            lines += [f"- {describe_commit(entry, links)}", *(f"  {line}" for line in reason)]
    return "\n".join(lines)


def group(citations: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return runs of equally cosmetic commits, ("", those that are not) among them, in their order."""
    return [(kind, list(run)) for kind, run in groupby(citations, key=lambda one: str(one.get("cosmetic") or ""))]


def describe_folded(cosmetic: str, entries: list[dict[str, Any]], name_commit: Any) -> str:
    """Return "2 reformattings: 4f1c2d9e4f, a1b2c3d4e5"."""
    words = _FOLDED.get((cosmetic, len(entries) > 1), "cosmetic")
    named = ", ".join(name_commit(to_line(entry["sha"])) for entry in entries[:_NAMED_MAX])
    return f"{len(entries)} {words}: {named}{', …' if len(entries) > _NAMED_MAX else ''}"


def name_place(reply: dict[str, Any]) -> str:
    """Return "src/http.py:120-124", safe."""
    lines = name_lines(reply.get("lines"))
    return to_path(reply.get("file") or "") + (f":{lines}" if lines else "")


def _render_entry(entry: dict[str, Any], page: Page) -> list[str]:
    when = describe_time(to_line(entry.get("author_time") or ""))
    author = to_line(entry.get("author") or "")[:AUTHOR_MAX]
    indent = "   "
    lines = [
        f"{page.paint(when[:10], 'dim')}  {page.name_commit(to_line(entry['sha']))}  {author}{page.paint(when[10:], 'dim')}"
    ]
    lines += [page.paint(line, "bold") for line in page.wrap(cut_subject(entry), indent)]
    lines += render_fate(entry, page, indent)
    sentence = to_line(entry.get("sentence") or "")[:_SENTENCE_MAX]
    if not sentence:
        return [*lines, indent + page.paint(NO_REASON, "dim")]
    if sentence == cut_subject(entry):
        return lines
    bar = f"{indent}{page.paint('│', 'dim')} "
    return lines + [bar + line.removeprefix(indent + "  ") for line in page.wrap(sentence, indent + "  ")]
