"""The metrics read at each scrape: of the process, the socket, the repositories, the caches and the two sides."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from time import time
from typing import Any

from ail_rpc import PROTOCOL, VERSION

from ..asking.caches import CacheStats
from ..model import SCHEMA
from .exposition import Family


def read_process(uptime_s: float, rss_bytes: int) -> list[Family]:
    """Return the metrics of the process."""
    build = Family(
        "gauge", "ail_build_info", "What runs, as labels; always 1.", ["version", "protocol", "schema", "python"]
    )
    return [
        Family("gauge", "ail_memory_bytes", "Resident memory of the daemon.").put(rss_bytes),
        Family("gauge", "ail_uptime_seconds", "Time since the daemon started.").put(round(uptime_s, 3)),
        Family("gauge", "ail_start_time_seconds", "When the daemon started, since the epoch.").put(round(time() - uptime_s)),
        build.put(1, VERSION, str(PROTOCOL), str(SCHEMA), platform.python_version()),
    ]  # fmt: skip


def read_connections(states: Mapping[str, int]) -> Family:
    """Return how many clients are connected, by *states*: open (all of them), active, refused."""
    found = Family(
        "gauge",
        "ail_connections",
        "Clients connected to the socket: all, those being served, those told 'busy'.",
        ["state"],
    )
    for state, count in states.items():
        found.put(count, state)
    return found


def read_sides(sides: Mapping[str, Any]) -> list[Family]:
    """Return the metrics of each side and of how far the two agree; [] if *sides* is empty."""
    if not sides:
        return []
    answers = Family("counter", "ail_side_answers_total", "Answers, by the side that gave them.", ["side"])
    cached = Family("counter", "ail_side_cached_answers_total", "Those of them that a cache had.", ["side"])
    errors = Family("counter", "ail_side_errors_total", "Questions that a side failed at.", ["side"])
    confidence = Family("gauge", "ail_side_confidence", "Mean confidence of a side's fresh answers.", ["side"])
    latency = Family(
        "gauge", "ail_side_latency_seconds", "Percentiles of a side's latest fresh answers.", ["side", "quantile"]
    )
    for side in ("semantic", "lexical"):
        figures = sides[side]
        answers.put(figures["answers"], side)
        cached.put(figures["cached"], side)
        errors.put(figures["errors"], side)
        if figures["confidence"] is not None:
            confidence.put(figures["confidence"], side)
        for name, spent_ms in figures["latency_ms"].items():
            if spent_ms is not None:
                latency.put(round(spent_ms / 1000, 6), side, f"0.{name.removeprefix('p').removesuffix('0')}")
    return [answers, cached, errors, confidence, latency, *_read_agreement(sides["agreement"])]


def _read_agreement(agreement: Mapping[str, Any]) -> list[Family]:
    shares = Family(
        "gauge", "ail_side_agreement_ratio", "How alike both sides' answers to one question are, 0 to 1.", ["measure"]
    )
    for measure in ("same_first", "overlap", "likeness"):
        if agreement[measure] is not None:
            shares.put(agreement[measure], measure)
    compared = Family("counter", "ail_side_comparisons_total", "Questions that both sides were asked.", ["outcome"])
    return [compared.put(agreement["count"], "compared").put(agreement["dropped"], "dropped"), shares]


def read_repositories(repos: Iterable[Mapping[str, Any]]) -> list[Family]:
    """Return the metrics of all enrolled repositories together; *repos*: as `status` has them."""
    states = Family(
        "gauge", "ail_repositories", "Enrolled repositories, by state.", ["state"],
        [("complete",), ("indexing",), ("in_trouble",)],
    )  # fmt: skip
    commits = lag = 0
    for one in repos:
        states.add("in_trouble" if one["notice"] else "complete" if one["complete"] else "indexing")
        commits += one["commits"] or 0
        lag += one["pending"]
    return [
        Family("gauge", "ail_index_commits", "Indexed commits of all repositories.").put(commits),
        Family("gauge", "ail_index_lag_commits", "Commits that are not wholly searchable yet.").put(lag),
        states,
    ]


def read_caches(stats: Mapping[str, CacheStats]) -> list[Family]:
    """Return the metrics of the answer caches, by tier: exact (L1) and similar (L2)."""
    entries = Family("gauge", "ail_cache_entries", "Answers kept.", ["tier"])
    size = Family("gauge", "ail_cache_size", "Answers that may be kept at most.", ["tier"])
    kept = Family("gauge", "ail_cache_bytes", "Memory of the answers kept.", ["tier"])
    evictions = Family("counter", "ail_cache_evictions_total", "Answers that made room for others.", ["tier"])
    for tier, one in stats.items():
        entries.put(one.entries, tier)
        size.put(one.size, tier)
        kept.put(one.bytes, tier)
        evictions.put(one.evictions, tier)
    return [entries, size, kept, evictions]


def read_model(is_loaded: bool) -> Family:
    """Return the metric that says whether a model is loaded."""
    return Family("gauge", "ail_model_loaded", "1 while an embedding model serves, 0 while words alone do.").put(
        int(is_loaded)
    )
