"""How many, how much, how long: what the server grants its clients, and what is read of a repository. Pure.

Each is explained in docs/limits.md: why that number, and what happens beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much is read of one repository, which anyone may have made.

    refs, commits: of a repository; one with more is not read, and says so. paths: of one commit; message_bytes: of its
    message; diff_bytes: of its changed lines. What is beyond those three is left out, and the commit counted as skipped.
    silence_s: how long git may say nothing, until it is ended.
    """

    refs: int = 100_000
    commits: int = 2_000_000
    paths: int = 100_000
    message_bytes: int = 256 << 10
    diff_bytes: int = 64 << 10
    silence_s: float = 300.0


USUAL = HistoryLimits()

ASKED = HistoryLimits(silence_s=10.0)
"""Of a git that a question waits for: what hangs must not keep one of the few threads that answer, nor the daemon's end."""
