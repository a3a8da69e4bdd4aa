"""Limits on what is read of a repository. Pure. docs/limits.md explains each number, and what happens beyond it."""

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
"""For a git that a question waits for: one that hangs must not hold up a question's thread, nor the daemon's end."""
