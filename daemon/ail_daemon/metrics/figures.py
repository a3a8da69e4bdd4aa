"""The metrics counted at the end of each request: names, labels and buckets. Those read at a scrape are in `gauges`.

`docs/metrics.md` says what each one means. No label's value comes from outside, such as a path, a question or a sha.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from ail_rpc.errors import AilError

from ..model import Cause
from ..process.underway import summarise_reply
from .exposition import Family, Histogram

BOUNDS_S = (
    .0001, .00025, .0005, .001, .0025, .005, .0075, .01, .015, .025, .05, .1, .25, .5, .6, .75, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""From a cached answer to the time limit. The thresholds of the alerts, 0.6 and 1 s, are bounds, so the alerts are exact."""


def _name_errors() -> dict[type[AilError], str]:
    """Return a label for every error class: OutOfTimeError is out_of_time."""
    kinds, found = [AilError], {}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found[kind] = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()
    return found


ERROR_TYPES: dict[type, str] = {
    kind: word for kind, word in _name_errors().items() if kind.__module__ == AilError.__module__
}


def name_error(error: AilError) -> str:
    """Return the label for *error*'s class, or for its nearest base class in `ail_rpc.errors`."""
    return next(ERROR_TYPES[kind] for kind in type(error).__mro__ if kind in ERROR_TYPES)


class Figures:
    """Counts requests. To be used by the loop's thread only."""

    def __init__(self) -> None:
        self._latency = Histogram(
            "ail_query_latency_seconds", "Time of answered questions (ask), by what answered and the cache tier.",
            ("mode", "tier"), BOUNDS_S,
        )  # fmt: skip
        self._hits = Family(
            "counter", "ail_cache_hits_total", "Questions answered from a cache.", ["tier"], [("exact",), ("similar",)]
        )
        self._misses = Family("counter", "ail_cache_misses_total", "Questions no cache had an answer to.", (), [()])
        self._fallbacks = Family(
            "counter", "ail_fallbacks_total", "Answers by words alone where meaning was asked for.", ["cause"],
            [(cause,) for cause in get_args(Cause)],
        )  # fmt: skip
        self._errors = Family(
            "counter", "ail_errors_total", "Requests that failed, by type of error.", ["type"],
            [(word,) for kind, word in ERROR_TYPES.items() if kind is not AilError],
        )  # fmt: skip
        self._requests = Family("counter", "ail_requests_total", "Requests that ended, failed ones too.", ["method"])

    def record(self, method: str, params: Mapping[str, Any], reply: object, spent_s: float) -> None:
        """Count a request that was answered; *method* must exist."""
        self._requests.add(method)
        if method == "ask":
            self._record_question(params, reply, spent_s)

    def record_error(self, error: AilError, method: str | None = None) -> None:
        """Count a failure: of a request, or (None) of a connection before it came to one."""
        if method:
            self._requests.add(method)
        self._errors.add(name_error(error))

    def _record_question(self, params: Mapping[str, Any], reply: object, spent_s: float) -> None:
        summary = summarise_reply(reply)
        mode, tier = summary.mode or "none", summary.tier or "none"
        self._latency.observe(spent_s, mode, tier)
        if tier != "none":
            self._hits.add(tier)
        elif not params.get("no_cache"):
            self._misses.add()

    def collect(self, sides: Mapping[str, Any]) -> list[Family | Histogram]:
        """Return what was counted; *sides* as `SideFigures.describe` has them, {} where there are none."""
        for cause, count in sides.get("fallbacks", {}).items():
            self._fallbacks.put(count, cause)
        return [self._latency, self._hits, self._misses, self._fallbacks, self._errors, self._requests]
