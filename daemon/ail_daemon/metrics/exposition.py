"""Counters, gauges, histograms, and Prometheus's text format for them (0.0.4). Pure.

Written by hand because the library would bring `ssl` and 2 MB into every daemon (decision 0014). To be used by the loop's thread
only: recording takes no lock. A label's values come from a closed set, never from a user or a repository.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Family:
    """One metric: a value for each combination of its labels' values. *known*: combinations that begin at 0."""

    def __init__(
        self,
        kind: Literal["counter", "gauge"],
        name: str,
        about: str,
        labels: Sequence[str] = (),
        known: Iterable[tuple[str, ...]] = (),
    ) -> None:
        self.kind: str = kind
        self.name = name
        self.about = about
        self.labels = tuple(labels)
        self.values: dict[tuple[str, ...], float] = dict.fromkeys(known, 0)

    def add(self, *labels: str, by: float = 1) -> None:
        """Count *by* more under *labels*, which are values in the order of the labels' names."""
        self.values[labels] = self.values.get(labels, 0) + by

    def put(self, value: float, *labels: str) -> Family:
        """Set the value under *labels*; return this metric."""
        self.values[labels] = value
        return self

    def render(self) -> Iterable[str]:
        """Yield the samples' lines."""
        for values, value in self.values.items():
            yield _line(self.name, zip(self.labels, values, strict=True), value)

    def describe(self) -> list[dict[str, Any]]:
        """Return a map for each sample: its labels and `value`."""
        return [{**dict(zip(self.labels, row, strict=True)), "value": value} for row, value in self.values.items()]


class Histogram:
    """Counts values by buckets with the upper *bounds*, ascending; for each combination of the labels' values."""

    kind = "histogram"

    def __init__(self, name: str, about: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name = name
        self.about = about
        self.labels = tuple(labels)
        self.bounds = tuple(bounds)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count *value*."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self.bounds) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(self.bounds, value)] += 1
        self._sums[labels] += value

    def render(self) -> Iterable[str]:
        """Yield the samples' lines: cumulative buckets, sum, count."""
        for values, counts in self._counts.items():
            labels, below = list(zip(self.labels, values, strict=True)), 0
            for bound, count in zip((*map(str, self.bounds), "+Inf"), counts, strict=True):
                below += count
                yield _line(f"{self.name}_bucket", [*labels, ("le", bound)], below)
            yield _line(f"{self.name}_sum", labels, self._sums[values])
            yield _line(f"{self.name}_count", labels, below)

    def describe(self) -> list[dict[str, Any]]:
        """Return a map for each combination: labels, `count`, `sum`, and percentiles computed as `histogram_quantile` does."""
        return [
            {**dict(zip(self.labels, values, strict=True)), "count": sum(counts), "sum": round(self._sums[values], 6)}
            | {name: round(self._find(counts, share), 6) for name, share in SHARES.items()}
            for values, counts in self._counts.items()
        ]

    def _find(self, counts: list[int], share: float) -> float:
        """Return the value below which *share* (0 to 1) of the counted lie, interpolated linearly within its bucket."""
        wanted, below = share * sum(counts), 0
        for place, count in enumerate(counts[:-1]):
            if count and below + count >= wanted:
                low = self.bounds[place - 1] if place else 0.0
                return low + (self.bounds[place] - low) * (wanted - below) / count
            below += count
        return self.bounds[-1]


def render(families: Iterable[Family | Histogram]) -> str:
    """Return the text that Prometheus scrapes."""
    lines: list[str] = []
    for one in families:
        lines += [f"# HELP {one.name} {one.about}", f"# TYPE {one.name} {one.kind}", *one.render()]
    return "\n".join([*lines, ""])


def _line(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels)
    return f"{name}{{{pairs}}} {value!r}" if pairs else f"{name} {value!r}"
