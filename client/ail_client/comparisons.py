"""The reply of `check consistency`, as text. Every word from outside is made safe here."""

from __future__ import annotations

from .layout import shorten
from .sanitise import to_line, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_QUESTION_MAX = 200  # characters


def render_consistency(result: dict[str, Any]) -> str:
    """Return a line a repository, then the questions that its sides answer differently."""
    lines = [line for repo in result.get("repos") or [] for line in _render_repo(repo, result.get("bar"))]
    if result.get("complete") is False:
        lines.append("the time did not suffice for all questions: --timeout allows more")
    return "\n".join(lines) or "no repository was added"


def _render_repo(repo: dict[str, Any], bar: object) -> list[str]:
    state = "holds" if repo.get("ok") else "does not hold"
    said = to_line(repo.get("notice") or "") or _count(repo, bar)
    differing = [line for one in repo.get("differing") or [] for line in _render_question(one)]
    return [f"{to_path(repo['path'])}: {state}, {said}", *differing]


def _count(repo: dict[str, Any], bar: object) -> str:
    if not repo.get("asked"):
        return "there was nothing to ask"
    subjects, recent = repo.get("subjects") or {}, repo.get("recent") or {}
    said = [f"{_share(subjects.get('rate'))} of {subjects['asked']} subjects agree (at least {_share(bar)})"]
    said += [f"{_share(recent.get('rate'))} of {recent['asked']} recent questions"] if recent.get("asked") else []
    alike = (
        f"the same commit first {_share(repo.get('same_first'))}, "
        f"citations {_share(repo.get('overlap'))}, answers {_share(repo.get('likeness'))} alike"
    )
    return f"{', '.join(said)}; {alike}"


def _render_question(one: dict[str, Any]) -> list[str]:
    return [
        f"  differs: {to_line(one['question'])[:_QUESTION_MAX]}",
        f"    by meaning {_name(one.get('semantic'))}",
        f"    by words   {_name(one.get('lexical'))}",
    ]


def _name(commit: dict[str, Any] | None) -> str:
    if not commit:
        return "nothing"
    return f"{shorten(to_line(commit['sha']))} {to_line(commit['subject'])[:_QUESTION_MAX]}"


def _share(value: object) -> str:
    return f"{100 * value:.0f} %" if isinstance(value, int | float) else "?"
