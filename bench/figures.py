"""How figures are taken and printed: medians, percentiles, ratios of pairs taken in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Return how long *work* takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    """Return the value below which *share* (0 to 1) of *values* lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def show(name: str, measured: float, unit: str, must: str = "", *, digits: int = 2) -> None:
    """Print one figure: what, how much, and what it must reach."""
    print(f"{name:<72} {measured:>10.{digits}f} {unit:<5} {must}", flush=True)


def show_pairs(name: str, mine: list[float], floor: list[float], must: str = "") -> None:
    """Print the medians in ms and the median of the ratios pair by pair."""
    ratio = statistics.median(a / b for a, b in zip(mine, floor, strict=True))
    print(
        f"{name:<72} {statistics.median(mine) * 1e3:>8.2f} ms against {statistics.median(floor) * 1e3:.2f} ms:"
        f" {ratio:.2f} x {must}",
        flush=True,
    )
