"""How figures are taken and printed: seconds, percentiles, what each must reach."""

from __future__ import annotations

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
