"""`flags` and `reload`: the running daemon's settings, shown and changed."""

from __future__ import annotations

from ail_rpc.errors import UsageError

from .output import write_answer, write_json, write_note
from .sanitise import to_line
from .session import ask_daemon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from .layout import Page
    from .session import Reach

_ORIGINS = {"flags": "set while running"}


def run_flags(options: Namespace, reach: Reach) -> int:
    """Show every setting, or change some of the running daemon until `reload` or its next start."""
    params = {"set": _parse(options.assignments)} if options.assignments else {}
    reply = ask_daemon(reach, "flags", params)
    if options.json:
        write_json(reply)
    elif params:
        _tell_changes(reply)
    else:
        from .layout import get_page

        write_answer(render_flags(reply, get_page()), may_page=options.pager)
    return 0


def run_reload(options: Namespace, reach: Reach) -> int:
    """Have the file and the environment read again, and say what changed."""
    reply = ask_daemon(reach, "reload", {})
    if options.json:
        write_json(reply)
    else:
        _tell_changes(reply)
    return 0


def render_flags(reply: dict[str, Any], page: Page) -> str:
    """Return the settings as a table: name, value, where it comes from."""
    from .layout import make_table

    rows = [(to_line(str(flag["name"])), _describe(flag["value"]), _name_origin(flag)) for flag in reply["flags"]]
    head, *lines = make_table(("SETTING", "VALUE", "FROM"), rows, page)
    return "\n".join([page.paint(head, "dim"), *lines])


def _tell_changes(reply: dict[str, Any]) -> None:
    changed = reply.get("changed") or []
    lines = [f"{to_line(str(flag['name']))} = {_describe(flag['value'])} ({_name_origin(flag)})" for flag in changed]
    write_answer("\n".join(lines) or "nothing changed")
    if late := reply.get("applying"):
        write_note(f"note: still under way: {', '.join(to_line(str(name)) for name in late)}")


def _parse(assignments: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise UsageError(f"{assignment!r} is not NAME=VALUE", "for example AIL_FAISS_ENABLED=false")
        if name in found:
            raise UsageError(f"{name} is set twice", "give it once")
        found[name] = value
    return found


def _describe(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_line(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _name_origin(flag: dict[str, Any]) -> str:
    origin = to_line(str(flag["origin"]))
    return _ORIGINS.get(origin, origin)
