"""How many, how much, how long: what the server grants its clients, and what is read of a repository. Pure.

Each is explained in docs/limits.md: why that number, and what happens beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """How many, how much and, in seconds, how long. The defaults are the contract; tests pass shorter times.

    active: connections with a request running. idle: the others. refused: those that get no more than a "busy".
    queue_s: that a request waits while too many are active. in_flight: requests of one connection.
    frame_s: to finish a frame. drain_s: to read what was replied. unread_bytes: of replies, before that time runs.
    stop_s: that stopping waits for requests. path_check_s, answer_check_s: how often the server looks at itself.
    """

    active: int = 256
    idle: int = 1000
    refused: int = 64
    queue_s: float = 1.0
    in_flight: int = 32
    frame_s: float = 10.0
    drain_s: float = 10.0
    stop_s: float = 5.0
    path_check_s: float = 5.0
    answer_check_s: float = 60.0
    unread_bytes: int = 1 << 18


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
