"""The doctor's findings as text: a line or more each, what to do below. Every word from outside is made safe here."""

from __future__ import annotations

from .layout import Page
from .sanitise import to_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .layout import Style

_STYLES: Mapping[str, Style] = {"ok": "dim", "warn": "bold", "fail": "warning"}
_INDENT = "      "


def render_findings(checks: Sequence[dict[str, str]], page: Page) -> str:
    """Return the checks in their order, and a last line with the count of each state."""
    lines = [line for check in checks for line in _render(check, page)]
    counts = {state: sum(check["state"] == state for check in checks) for state in ("fail", "warn")}
    sums = [f"{count} {word}" for word, count in (("failed", counts["fail"]), ("to look at", counts["warn"])) if count]
    return "\n".join([*lines, "", ", ".join(sums) or "all is well"])


def _render(check: dict[str, str], page: Page) -> list[str]:
    state = to_line(check["state"])
    first, *others = page.wrap(f"{to_line(check['name'])}: {to_line(check['said'])}", _INDENT)
    lines = [page.paint(f"{state:5}", _STYLES.get(state, "bold")) + first[5:], *others]
    if check.get("todo"):
        lines += page.wrap(f"-> {to_line(check['todo'])}", _INDENT)
    return lines
