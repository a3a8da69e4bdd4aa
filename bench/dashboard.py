"""A picture of the shipped dashboard: what a real Prometheus has for each panel while a real daemon is asked, drawn as SVG.

python -m bench.dashboard DIR [--seconds 90] [--out docs/pictures]        DIR: a repository, asked about its own subjects

Needs Debian's prometheus. The panels, their places, expressions and units are read from monitoring/grafana-dashboard.json.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import itertools
import json
import math
import random
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.prometheus import SHIPPED, Prometheus, Target, find_free_port, read_targets, scraping
from tests.running import ROOT, Calling, Home, prepare_models, sealed_home

from ail_rpc.errors import AilError

from .pictures import GROUNDS

COLUMN, ROW, GAP, HEAD, FOOT, LEFT = 46, 27, 6, 26, 34, 52
WINDOW = "15s"
COLOURS = ("#3584e4", "#2ec27e", "#e66100", "#c061cb", "#b5835a", "#33c7de", "#e5a50a", "#ed333b")
FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'


class Line(NamedTuple):
    """One series: its legend, and its points as (seconds since the epoch, value)."""

    legend: str
    points: list[tuple[float, float]]


def main() -> None:
    """Ask for a while, then draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args()
    port = find_free_port()
    with (
        tempfile.TemporaryDirectory() as directory,
        sealed_home(prepare_models()) as home,
        home.daemon(AIL_METRICS_PORT=str(port), **ASKED_OF),
        scraping(Path(directory), port) as prometheus,
    ):
        ask_for_a_while(home, options.directory, options.seconds)
        panels = read_panels(prometheus, time.time() - options.seconds, time.time())
    for ground in GROUNDS:
        (options.out / f"dashboard-{ground}.svg").write_text(draw(panels, ground))


ASKED_OF = {"AIL_CACHE_SIZE": "60", "FAISS_CACHE_SIZE": "30", "FAISS_ROLLOUT": "80"}
"""Small caches, so that something is evicted, and a rollout under way, so that both sides answer."""


def ask_for_a_while(home: Home, repo: str, spell_s: float) -> None:
    """Ask from four clients: some questions often, some once, some wrong ones."""
    log = subprocess.run(["git", "-C", repo, "log", "--format=%s", "-400"], capture_output=True, text=True, check=True)
    questions = [f"why {subject.lower()}?" for subject in log.stdout.splitlines()]
    with home.connected() as call:
        call("repo.add", repo=repo)
        call.wait_complete(repo)  # what is answered while indexing is not kept, and no cache hits
    end = time.monotonic() + spell_s

    def ask(seed: int) -> None:
        dice = random.Random(seed)
        with home.connected() as call:
            while time.monotonic() < end:
                ask_one(call, repo, questions, dice)
                time.sleep(dice.expovariate(4))

    with ThreadPoolExecutor() as clients:
        list(clients.map(ask, range(4)))


def ask_one(call: Calling, repo: str, questions: list[str], dice: random.Random) -> None:
    """Ask one of the questions: those at the beginning often, one in ten by words alone, one in fifty wrongly."""
    question = questions[int(len(questions) * dice.random() ** 6)]
    params: dict[str, Any] = {"mode": "lexical"} if dice.random() < 0.1 else {}
    if dice.random() < 0.02:
        params |= {"file": "no/such.file"}
    with contextlib.suppress(AilError):  # one of the wrong ones
        call("ask", repo=repo, question=question, **params)


def read_panels(prometheus: Prometheus, since: float, until: float) -> list[tuple[dict[str, Any], list[Line]]]:
    """Return each panel of the dashboard with its lines; those of a metric that this daemon lacks are empty."""
    panels = json.loads((SHIPPED / "grafana-dashboard.json").read_text())["panels"]
    by_panel: dict[str, list[Line]] = {panel["title"]: [] for panel in panels}
    for target in read_targets(WINDOW):
        by_panel[target.panel] += read_lines(prometheus, target, since, until)
    return [(panel, sorted(by_panel[panel["title"]], key=_weigh)) for panel in panels]


def _weigh(line: Line) -> float:
    """Order: what is largest first, for the legend has no room for all."""
    return -max(value for _, value in line.points)


def read_lines(prometheus: Prometheus, target: Target, since: float, until: float) -> list[Line]:
    """Return the series of one expression, a point a second."""
    found = prometheus.get("query_range", query=target.expr, start=str(since), end=str(until), step="1")["result"]
    lines = []
    for one in found:
        legend = target.legend
        for name, value in one["metric"].items():
            legend = legend.replace(f"{{{{{name}}}}}", value)
        points = [(at, float(value)) for at, value in one["values"] if math.isfinite(float(value))]
        if points:
            lines.append(Line(legend, points))
    return lines


def draw(panels: list[tuple[dict[str, Any], list[Line]]], ground: str) -> str:
    """Return an SVG document with every panel in its place."""
    back, fore, *_ = GROUNDS[ground]
    down = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in panels) * ROW + GAP
    across = 24 * COLUMN + GAP
    drawn = [draw_panel(panel, lines, ground) for panel, lines in panels]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}">',
            f'<rect width="100%" height="100%" fill="{back}"/><g {FONT} font-size="11" fill="{fore}">',
            *drawn,
            "</g></svg>",
            "",
        ]
    )


def draw_panel(panel: dict[str, Any], lines: list[Line], ground: str) -> str:
    """Return one panel: its title, and a number or the lines over time."""
    place, unit = panel["gridPos"], panel["fieldConfig"]["defaults"]["unit"]
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    dim = GROUNDS[ground][2]
    parts = [
        f'<g transform="translate({place["x"] * COLUMN + GAP},{place["y"] * ROW + GAP})">',
        f'<rect width="{width}" height="{height}" rx="4" fill="none" stroke="{dim}" stroke-opacity=".5"/>',
        f'<text x="8" y="17" font-weight="bold">{_escape(panel["title"])}</text>',
    ]
    if not lines:
        parts.append(f'<text x="8" y="{height / 2}" fill="{dim}">no data</text>')
    elif panel["type"] == "stat":
        said = lines[0].legend if panel["title"] == "Version" else tell(lines[0].points[-1][1], unit)
        parts.append(
            f'<text x="{width / 2}" y="{height / 2 + 16}" font-size="20" text-anchor="middle">{_escape(said)}</text>'
        )
    else:
        parts += draw_lines(lines, unit, width, height, dim)
    return "\n".join([*parts, "</g>"])


def draw_lines(lines: list[Line], unit: str, width: int, height: int, dim: str) -> list[str]:
    """Return axes, lines and legend; the value's axis begins at 0."""
    top = find_top(max(value for line in lines for _, value in line.points))
    begin = min(line.points[0][0] for line in lines)
    end = max(max(line.points[-1][0] for line in lines), begin + 1)
    right, low = width - 10, height - FOOT
    parts = []
    for share in (0, 0.5, 1):
        y = low - share * (low - HEAD)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{dim}" stroke-opacity=".3"/>')
        parts.append(
            f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end" fill="{dim}">{tell(top * share, unit)}</text>'
        )
    colours, along = itertools.cycle(COLOURS), LEFT
    for line in lines:
        colour = next(colours)
        points = " ".join(
            f"{LEFT + (at - begin) / (end - begin) * (right - LEFT):.1f},{low - value / top * (low - HEAD):.1f}"
            for at, value in line.points
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        if along + 6 * len(line.legend) < right:
            parts.append(f'<text x="{along}" y="{height - 10}" fill="{colour}">{_escape(line.legend)}</text>')
            along += 7 * len(line.legend) + 12
    return parts


def find_top(value: float) -> float:
    """Return the end of an axis that *value* fits on: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def tell(value: float, unit: str) -> str:
    """Return *value* as people read it."""
    match unit:
        case "s":
            return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1000:.3g} ms"
        case "decbytes":
            return f"{value / 1e6:.3g} MB"
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "reqps":
            return f"{value:.3g}/s"
        case _:
            return f"{value:,.6g}"


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


if __name__ == "__main__":
    main()
