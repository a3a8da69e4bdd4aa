"""Ends this process in time: whatever is at work when the daemon is to stop may hang, on a disk, in git, in a library."""

from __future__ import annotations

import os
import threading

from .logs import log
from .machine import kill_children


def end_within(limit_s: float) -> None:
    """End this process and its children after *limit_s* seconds, with exit status 0, unless it has ended by itself.

    That is like a kill, after which nothing is lost.
    """
    timer = threading.Timer(limit_s, _end)
    timer.name, timer.daemon = "ending", True
    timer.start()


def _end() -> None:
    try:
        log("stopped_late", level="warning")
        kill_children()
    finally:
        os._exit(0)
