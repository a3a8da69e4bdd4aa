"""What a user may set in the editor, as `initializationOptions` or under `ail` in `workspace/didChangeConfiguration`. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

_HOVERS = ("auto", "onDemand", "off")


class Settings(NamedTuple):
    """The settings in force.

    hover: auto: on every hover; onDemand: only what was asked for before; off. hover_confidence: the least probability, 0 to 1,
    that a hover, a hint or a lens speaks at. timeout_s: the limit of one answer in seconds, None: the client's own. limit: the
    most commits of an answer. socket: the daemon's, None: the user's own. presents: the editor's extension shows the results
    of commands itself.
    """

    hover: str = "auto"
    hover_confidence: float = 0.6
    code_lens: bool = False
    inlay_hint: bool = False
    diagnostics: bool = False
    start_daemon: bool = True
    offer_to_add: bool = True
    timeout_s: float | None = None
    limit: int = 5
    socket: str | None = None
    presents: bool = False


_NAMES = {
    "hover": "hover", "hoverConfidence": "hover_confidence", "codeLens": "code_lens", "inlayHint": "inlay_hint",
    "diagnostics": "diagnostics", "startDaemon": "start_daemon", "offerToAdd": "offer_to_add", "timeout": "timeout_s",
    "limit": "limit", "socket": "socket", "presents": "presents",
}  # fmt: skip


def read_settings(given: object, old: Settings) -> tuple[Settings, list[str]]:
    """Return *old* with what *given* sets, and a sentence for each wrong value.

    Wrong values and unknown names change nothing.
    """
    if not isinstance(given, dict):
        return old, []
    changes: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in given.items():
        field = _NAMES.get(name)
        if field is None:
            continue
        if problem := _find_problem(field, value):
            wrong.append(f"ail.{name} {problem}, not {value!r:.80}")
        else:
            changes[field] = value or None if field in ("socket", "timeout_s") else value
    return old._replace(**changes), wrong


def _find_problem(field: str, value: object) -> str:
    """Return what *field* must be, "" where *value* is that."""
    match field:
        case "hover":
            return "" if value in _HOVERS else f"must be one of {', '.join(_HOVERS)}"
        case "hover_confidence":
            return "" if _is_number(value, 0, 1) else "must be a number from 0 to 1"
        case "timeout_s":
            return "" if value is None or _is_number(value, 0, 3600) else "must be a number of seconds, at most 3600"
        case "limit":
            return "" if isinstance(value, int) and _is_number(value, 1, 20) else "must be a whole number from 1 to 20"
        case "socket":
            return "" if value is None or isinstance(value, str) else "must be a path"
    return "" if isinstance(value, bool) else "must be true or false"


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
