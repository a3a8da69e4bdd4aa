"""Samples of a soak as a picture: one line a figure, over minutes. SVG text; readable on light and dark grounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_WIDTH, _HEIGHT, _LEFT, _GAP = 760, 120, 70, 46
_STYLE = "font:12px sans-serif;fill:#808080"


class Sample(NamedTuple):
    """What the daemon held: after *at_s* seconds, resident memory without the worker's, open descriptors, threads."""

    at_s: float
    rss_mib: float
    descriptors: int
    threads: int


class _Line(NamedTuple):
    name: str
    field: str
    colour: str


_LINES = (
    _Line("resident memory, MiB", "rss_mib", "#3584e4"),
    _Line("open descriptors", "descriptors", "#c64600"),
    _Line("threads", "threads", "#2a9d5c"),
)


def draw(samples: Sequence[Sample]) -> str:
    """Return the picture of *samples*, in order of time."""
    height = len(_LINES) * (_HEIGHT + _GAP) + 20
    panels = "".join(_draw_panel(samples, line, 30 + number * (_HEIGHT + _GAP)) for number, line in enumerate(_LINES))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + _LEFT + 20} {height}">{panels}</svg>\n'


def _draw_panel(samples: Sequence[Sample], line: _Line, top: float) -> str:
    values = [float(getattr(one, line.field)) for one in samples]
    highest, end = max(values) * 1.1 or 1.0, samples[-1].at_s or 1.0
    points = " ".join(
        f"{_LEFT + _WIDTH * one.at_s / end:.1f},{top + _HEIGHT * (1 - value / highest):.1f}"
        for one, value in zip(samples, values, strict=True)
    )
    frame = f"M{_LEFT},{top}V{top + _HEIGHT}H{_LEFT + _WIDTH}"
    return (
        f'<text x="{_LEFT}" y="{top - 8}" style="{_STYLE}">{line.name}</text>'
        f'<path d="{frame}" fill="none" stroke="#808080"/>'
        f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end" style="{_STYLE}">{highest:.0f}</text>'
        f'<text x="{_LEFT - 8}" y="{top + _HEIGHT}" text-anchor="end" style="{_STYLE}">0</text>'
        f'<text x="{_LEFT + _WIDTH}" y="{top + _HEIGHT + 16}" text-anchor="end" style="{_STYLE}">{end / 60:.0f} min</text>'
        f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.5"/>'
    )
