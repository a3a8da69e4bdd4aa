"""Figures that are counted, as Prometheus reads them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools import require

from ail_daemon.metrics.exposition import Family, Histogram, render
from ail_daemon.metrics.figures import ERROR_TYPES, Figures
from ail_rpc import errors
from ail_rpc.errors import AilError, NotARepositoryError, OutOfTimeError


def read(families: list[Family | Histogram]) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in render(families).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_buckets_count_what_is_at_most_their_bound() -> None:
    latency = Histogram("a_seconds", "About.", ["mode"], (0.1, 1.0))
    for value in (0.05, 0.1, 0.1001, 5.0):
        latency.observe(value, "semantic")
    told = read([latency])
    assert [told[f'a_seconds_bucket{{mode="semantic",le="{bound}"}}'] for bound in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert told['a_seconds_count{mode="semantic"}'] == 4
    assert told['a_seconds_sum{mode="semantic"}'] == pytest.approx(5.2501)


def test_a_label_s_value_cannot_break_out_of_its_quotes() -> None:
    odd = Family("counter", "a_total", "About.", ["type"])
    odd.add('"} 1\n\\')
    assert render([odd]).splitlines()[2:] == [r'a_total{type="\"} 1\n\\"} 1']


def test_what_is_known_begins_at_nought() -> None:
    hits = Family("counter", "a_total", "About.", ["tier"], [("exact",), ("similar",)])
    hits.add("exact")
    assert hits.describe() == [{"tier": "exact", "value": 1}, {"tier": "similar", "value": 0}]


@given(st.lists(st.floats(0, 0.999), min_size=1))
def test_percentiles_lie_in_the_bucket_of_the_value_they_stand_for(values: list[float]) -> None:
    bounds = (0.0625, 0.125, 0.25, 0.5, 1.0)
    latency = Histogram("a_seconds", "About.", [], bounds)
    for value in values:
        latency.observe(value)
    [told] = latency.describe()
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        wanted = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]
        upper = min(bound for bound in bounds if bound >= wanted)
        lower = max((bound for bound in bounds if bound < upper), default=0.0)
        assert lower <= told[name] <= upper


def test_promtool_finds_nothing_to_say_of_the_form() -> None:
    figures = Figures()
    figures.record("ask", {}, {"citations": [], "mode": "semantic", "cached": None, "degraded": None}, 0.004)
    figures.record_error(OutOfTimeError("late"), "ask")
    done = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=render(figures.collect({})),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_error_has_a_word_of_its_own() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AilError)}
    assert set(ERROR_TYPES) == kinds
    assert len(set(ERROR_TYPES.values())) == len(kinds)
    assert ERROR_TYPES[NotARepositoryError] == "not_a_repository"


def test_an_error_of_a_room_s_own_counts_as_what_it_is_a_kind_of() -> None:
    class OwnError(OutOfTimeError):
        pass

    figures = Figures()
    figures.record_error(OwnError("late"))
    assert read(figures.collect({}))['ail_errors_total{type="out_of_time"}'] == 1


def answer(figures: Figures, cached: str | None, **params: object) -> None:
    figures.record("ask", params, {"citations": [], "mode": "semantic", "cached": cached, "degraded": None}, 0.004)


def test_a_question_is_a_hit_of_one_tier_or_a_miss_of_both() -> None:
    figures = Figures()
    for cached in ("exact", "similar", "similar", None, None, None):
        answer(figures, cached)
    answer(figures, None, no_cache=True)
    told = read(figures.collect({}))
    assert told['ail_cache_hits_total{tier="exact"}'] == 1
    assert told['ail_cache_hits_total{tier="similar"}'] == 2
    assert told["ail_cache_misses_total"] == 3
    assert told['ail_query_latency_seconds_count{mode="semantic",tier="none"}'] == 4
    assert told['ail_requests_total{method="ask"}'] == 7
