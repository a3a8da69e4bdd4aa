"""Limits of the server on its clients. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """Counts, bytes and seconds. The defaults are the contract; tests pass shorter times.

    active: connections with a request running. idle: the others. refused: connections kept only to answer "busy".
    queue_s: how long a request waits while too many are active. in_flight: requests of one connection.
    frame_s: time to finish a frame. drain_s: time to read replies once unread_bytes of them are waiting.
    stop_s: how long stopping waits for requests; the process itself is ended after `app.STOP_S`. path_check_s:
    how often the server looks at its file, quiet_check_s: where the kernel tells of every change there. answer_check_s: how
    often it asks itself, answer_s: how long it waits for that.
    """

    active: int = 256
    idle: int = 1000
    refused: int = 64
    queue_s: float = 1.0
    in_flight: int = 32
    frame_s: float = 10.0
    drain_s: float = 10.0
    stop_s: float = 0.75
    path_check_s: float = 1.0
    quiet_check_s: float = 30.0
    answer_check_s: float = 60.0
    answer_s: float = 5.0
    unread_bytes: int = 1 << 18
