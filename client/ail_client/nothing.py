"""What a person reads where nothing was found: a sentence about the question, the nearest commits, what to try next.

All of it goes to stderr: stdout is for answers only. Imported only then.
"""

from __future__ import annotations

from .citations import cut_subject
from .layout import Page, describe_age, get_page_of_notes
from .output import write_aside, write_note
from .sanitise import to_line
from .wrapping import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ail_rpc.discovery import RepoPlace

_INDENT = "   "
_TOLD_LINES = 2


def tell_nothing(reply: dict[str, Any], form: str, place: RepoPlace) -> None:
    """Say on stderr that nothing was found; in text form with the nearest commits, two lines each, and the next step."""
    if "companions" in reply:
        write_note("Nothing in the history bears on this.")
        return
    cited = (reply.get("citations") or []) if form == "text" else []
    write_note("No evidence in the history" + (" that surely answers this." if cited else "."))
    if form != "text":
        return
    page = _get_page(place)
    if cited:
        write_note("not sure; nearest:")
        write_aside("\n".join(line for citation in cited for line in _render_nearest(citation, page)))
    write_aside("\n".join(page.wrap(f"next: {_say_next(reply)}")))


def _get_page(place: RepoPlace) -> Page:
    """Return what stderr can show, with links to commits on a terminal."""
    page = get_page_of_notes()
    if page.width is None:
        return page
    from .remotes import find_commit_url

    return Page(page.width, page.colour, find_commit_url(place.common_dir))


def _render_nearest(citation: dict[str, Any], page: Page) -> list[str]:
    """Return the commit's name, cut to one line, then what it says that fits the question best, to two of a terminal."""
    sha, subject = to_line(citation["sha"]), cut_subject(citation)
    age = describe_age(to_line(citation.get("author_time") or ""))
    texts = (citation.get("sentence") or "", *(citation.get("excerpt") or "").split("\n\n"))  # paragraphs
    said = next((text.strip() for text in map(to_line, texts) if text.strip()), "")
    room = page.width or 10_000
    first = cut(subject, max(10, room - len(_INDENT) - 12))
    text = f"{age}, {to_line(citation.get('author') or '')}" if said in ("", subject) else f"{age}: {said}"
    told = page.wrap(text.strip(":, "), 2 * _INDENT)
    if len(told) > _TOLD_LINES:
        told = [*told[: _TOLD_LINES - 1], cut(f"{told[_TOLD_LINES - 1]} …", room)]
    return [
        f"{_INDENT}{page.name_commit(sha)}  {page.paint(first, 'bold')}",
        *(page.paint(line, "dim") for line in told),
    ]


def _say_next(reply: dict[str, Any]) -> str:
    """Return what to try next."""
    if (reply.get("index") or {}).get("complete") is False:
        return "ask again in a moment: the history is still being indexed"
    look = "look at a commit with `ail-client show SHA`, " if reply.get("citations") else ""
    if reply.get("file"):
        return f"{look}leave the file out, or use the words that the code and its commits use"
    return (
        f'{look}name the file that it is about (git why FILE "…"), or use the words that the code and its commits use'
    )
