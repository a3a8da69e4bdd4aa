"""Time limits on the monotonic clock."""

from __future__ import annotations

import time


class Deadline:
    """A moment *limit_s* seconds from now; None: never."""

    __slots__ = ("_end",)

    def __init__(self, limit_s: float | None) -> None:
        self._end = None if limit_s is None else time.monotonic() + limit_s

    @property
    def has_passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end

    def remaining_s(self, at_most_s: float = 3600.0) -> float:
        """Return the seconds left, never below 0 nor above *at_most_s*."""
        if self._end is None:
            return at_most_s
        return max(0.0, min(self._end - time.monotonic(), at_most_s))

    def pause(self, seconds: float) -> bool:
        """Sleep *seconds*, or what is left; return whether time is left then."""
        time.sleep(self.remaining_s(seconds))
        return not self.has_passed
