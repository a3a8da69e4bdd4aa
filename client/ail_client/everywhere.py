"""`ask --all` and `--repos PATTERN`: one question over every repository that was added, from any directory."""

from __future__ import annotations

from ail_rpc.errors import UsageError

from .layout import get_page
from .output import write_answer, write_json, write_note
from .session import ask_daemon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from .session import Reach

_NOTHING_FOUND = 1


def run_ask_all(options: Namespace, reach: Reach, filters: dict[str, Any]) -> int:
    """Answer a question from all repositories; 1 where there is no evidence in any."""
    if options.repo is not None:
        raise UsageError("--repo names one repository, --all and --repos ask several", "leave one of them out")
    if len(options.words) != 1 or not options.words[0].strip():
        raise UsageError(
            "over several repositories, a question alone is asked",
            'for example: ail-client ask --all "why do we retry?"',
        )
    reply = ask_daemon(reach, "ask.all", {"question": options.words[0], "repos": options.repos, **filters})
    form = "json" if options.json else options.format or "text"
    is_empty = reply["outcome"] == "no_evidence" or not reply["citations"]
    if form == "json":
        write_json(reply)
    elif is_empty:
        write_note(f"No evidence in the history of {_count(reply)}.")
    else:
        _print(reply, form, may_page=options.pager)
    if form != "json":
        from .answers import tell_limits

        tell_limits(reply)
    return _NOTHING_FOUND if is_empty else 0


def _count(reply: dict[str, Any]) -> str:
    asked = reply["repos"]["asked"]
    return "one repository" if asked == 1 else f"{asked:,} repositories"


def _print(reply: dict[str, Any], form: str, *, may_page: bool) -> None:
    from .answers import describe_answer, render_answer, render_grep

    if form == "grep":
        if said := describe_answer(reply):
            write_note(said)
        write_answer(render_grep(reply))
    else:
        write_answer(render_answer(reply, get_page()), may_page=may_page)
