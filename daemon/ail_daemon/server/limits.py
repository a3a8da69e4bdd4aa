"""What the server grants its clients: how many, how much, how long. Pure."""

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
    path_check_s: float = 1.0
    answer_check_s: float = 60.0
    unread_bytes: int = 1 << 18
