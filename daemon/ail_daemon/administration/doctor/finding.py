"""The result of one check. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]
"""warn: it works less well than it could. fail: something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of *name* in a sentence, and what to do ("": nothing)."""

    name: str
    state: State
    said: str
    todo: str = ""

    def describe(self) -> dict[str, Any]:
        """Return it as the wire carries it."""
        return asdict(self)


def is_well(findings: list[Finding]) -> bool:
    """Whether nothing fails; warnings are allowed."""
    return all(finding.state != "fail" for finding in findings)
