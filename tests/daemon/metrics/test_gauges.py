"""What other rooms keep, as metrics."""

from __future__ import annotations

from typing import Any

from ail_daemon.asking.caches import ExactCache
from ail_daemon.metrics.exposition import Family, render
from ail_daemon.metrics.figures import Figures
from ail_daemon.metrics.gauges import read_caches, read_repositories, read_sides

SIDES = {
    "semantic": {
        "answers": 7, "cached": 2, "errors": 1, "confidence": 0.61,
        "latency_ms": {"p50": 4.2, "p95": 9.0, "p99": 12.5},
    },
    "lexical": {
        "answers": 0, "cached": 0, "errors": 0, "confidence": None,
        "latency_ms": {"p50": None, "p95": None, "p99": None},
    },
    "fallbacks": {"switched_off": 0, "model": 3, "failed": 0, "out_of_time": 0, "low_confidence": 0},
    "agreement": {"count": 5, "same_first": 0.8, "overlap": 0.5, "likeness": None, "dropped": 2},
}  # fmt: skip


def lines_of(families: list[Family]) -> list[str]:
    return [line for line in render(families).splitlines() if not line.startswith("#")]


def test_each_side_is_told_and_what_it_has_no_figure_for_is_left_out() -> None:
    assert lines_of(read_sides(SIDES)) == [
        'ail_side_answers_total{side="semantic"} 7',
        'ail_side_answers_total{side="lexical"} 0',
        'ail_side_cached_answers_total{side="semantic"} 2',
        'ail_side_cached_answers_total{side="lexical"} 0',
        'ail_side_errors_total{side="semantic"} 1',
        'ail_side_errors_total{side="lexical"} 0',
        'ail_side_confidence{side="semantic"} 0.61',
        'ail_side_latency_seconds{side="semantic",quantile="0.5"} 0.0042',
        'ail_side_latency_seconds{side="semantic",quantile="0.95"} 0.009',
        'ail_side_latency_seconds{side="semantic",quantile="0.99"} 0.0125',
        'ail_side_comparisons_total{outcome="compared"} 5',
        'ail_side_comparisons_total{outcome="dropped"} 2',
        'ail_side_agreement_ratio{measure="same_first"} 0.8',
        'ail_side_agreement_ratio{measure="overlap"} 0.5',
    ]
    assert read_sides({}) == []


def test_fallbacks_are_those_that_the_sides_counted() -> None:
    assert 'ail_fallbacks_total{cause="model"} 3' in render(Figures().collect(SIDES)).splitlines()


def test_repositories_are_told_together_by_state_alone() -> None:
    told: list[dict[str, Any]] = [
        {"path": "/secret", "notice": None, "complete": True, "commits": 10, "pending": 0},
        {"path": "/secret", "notice": None, "complete": False, "commits": 5, "pending": 3},
        {"path": "/secret", "notice": "set aside", "complete": True, "commits": None, "pending": 0},
    ]
    assert lines_of(read_repositories(told)) == [
        "ail_index_commits 15",
        "ail_index_lag_commits 3",
        'ail_repositories{state="complete"} 1',
        'ail_repositories{state="indexing"} 1',
        'ail_repositories{state="in_trouble"} 1',
    ]


def test_a_cache_tells_what_it_holds_and_what_it_let_go() -> None:
    cache = ExactCache(2)
    for number in range(5):
        cache.put(number, {"answer": "x" * number})
    told = lines_of(read_caches({"exact": cache.stats()}))
    assert 'ail_cache_entries{tier="exact"} 2' in told
    assert 'ail_cache_evictions_total{tier="exact"} 3' in told
