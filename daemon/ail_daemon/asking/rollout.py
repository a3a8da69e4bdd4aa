"""Which of `auto`'s questions go to which side, and which are compared: by a stable hash. Pure.

The same question about the same place of the same repository lands in the same place in every process, on every machine and
in every version. Nothing but these three is hashed, so that a share may be raised and lowered: who was in stays in.
"""

from __future__ import annotations

import hashlib

from ..model import Scope

_ROLLOUT, _SHADOW = b"rollout 1", b"shadow 1"
"""Told apart, or the questions that are compared would all be of one side. Never to be changed: they decide every place."""


def is_semantic(repo_key: str, scope: Scope, question: str, percent: int) -> bool:
    """Whether a question is among the *percent* (0 to 100) that the semantic side answers. *question*: spacing levelled."""
    return (
        percent == 100 or _find_place(_ROLLOUT, repo_key, scope, question) * 100 < percent << 64
    )  # all: nothing to find


def is_compared(repo_key: str, scope: Scope, question: str, percent: int) -> bool:
    """Whether a question is among the *percent* (0 to 100) that the other side is asked too."""
    return percent > 0 and _find_place(_SHADOW, repo_key, scope, question) * 100 < percent << 64


def _find_place(purpose: bytes, repo_key: str, scope: Scope, question: str) -> int:
    """Return where a question lies, 0 to 2**64 - 1, spread evenly."""
    first, last = scope.lines or (0, 0)
    parts = (repo_key, scope.file or "", str(first), str(last), question)
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    hashed = hashlib.blake2b(person=purpose, digest_size=8)
    for part in encoded:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return int.from_bytes(hashed.digest(), "big")
