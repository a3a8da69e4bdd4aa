"""What a message says it takes back: `This reverts commit …` and `Revert "…"`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHA = re.compile(r"\b(?:reverts? commit|reverts|back(?:s|ed)? out)\s+([0-9a-f]{7,64})\b", re.IGNORECASE)
_SUBJECT = re.compile(r'^(?:Partially )?(?:Revert|Back(?:ed)? out):? "(.{4,300})"(?: \(#\d+\))?\.?$', re.IGNORECASE)

_PLAIN = re.compile(
    r"^(?:partially |temporarily )?(?:revert(?:s|ed|ing)?|back(?:s|ed)? out|undo(?:es)?|roll(?:s|ed)? back)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Undoing:
    """What a commit takes back: beginnings of shas, and a subject (None where it quotes none)."""

    shas: tuple[str, ...]
    subject: str | None


def find_undoing(message: str) -> Undoing | None:
    """Return what *message* says it takes back, None where it says nothing of the kind. A revert of a revert brings back."""
    first = message.lstrip().split("\n", 1)[0].strip()
    quoted = _SUBJECT.match(first)
    if quoted and _SUBJECT.match(quoted[1]):
        return None
    shas = tuple(dict.fromkeys(_SHA.findall(message[:20_000])))
    return Undoing(shas, quoted[1] if quoted else None) if shas or quoted or _PLAIN.match(first) else None
