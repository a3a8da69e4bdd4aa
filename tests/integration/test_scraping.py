"""Metrics, health and the dashboard with real parts: a daemon that answers, a Prometheus that scrapes it."""

from __future__ import annotations

import json
import math
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.daemon_process import wait_until
from tests.integration.conftest import Repository
from tests.prometheus import Prometheus, fetch, find_free_port, read_targets, scraping
from tests.running import Calling, Home

pytestmark = pytest.mark.model

QUESTIONS = ("why do we retry uploads?", "why is the page blue?", "why thirty seconds for the database?")


@contextmanager
def watched(home: Home, **env: str) -> Iterator[tuple[Calling, int]]:
    """Run a daemon with a metrics port."""
    port = find_free_port()
    with home.daemon(AIL_METRICS_PORT=str(port), **env), home.connected() as call:
        yield call, port


def read_metrics(call: Calling) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = call("metrics", json=True)["metrics"]
    return found


def pick(rows: list[dict[str, Any]], **labels: str) -> dict[str, Any]:
    [row] = [row for row in rows if all(row[name] == value for name, value in labels.items())]
    return row


def ask_some(call: Calling, repo: Path) -> None:
    """Ask new questions, old ones, ones in other words, and one that is wrong."""
    for question in (*QUESTIONS, *QUESTIONS, "why is the page coloured blue?"):
        call("ask", repo=str(repo), question=question)
    call("ask", repo=str(repo), question="why blue?", mode="lexical")
    with pytest.raises(Exception, match="empty"):
        call("ask", repo=str(repo), question=" ")


@pytest.mark.slow
def test_every_expression_of_the_dashboard_has_data_once_questions_were_asked(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    with watched(home) as (call, port), scraping(tmp_path, port) as prometheus:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        prometheus.wait("ail_index_commits", lambda found: [value for _, value in found] == [3])
        ask_some(call, repo.path)
        prometheus.wait("sum(ail_query_latency_seconds_count)", lambda found: bool(found) and found[0][1] == 8)
        for number in range(4):  # a rate needs two samples of a series: one that began late has one
            call("ask", repo=str(repo.path), question=f"why number {number}?", mode=("auto", "lexical")[number % 2])
        prometheus.wait("sum(rate(ail_query_latency_seconds_count[1m]))", lambda found: bool(found) and found[0][1] > 0)
        has_sides = bool(call("metrics", json=True)["sides"])
        for target in read_targets():
            if has_sides or "ail_side_" not in target.expr:
                prometheus.wait(target.expr, has_figures)
        assert_rules_work(prometheus)


def has_figures(found: list[tuple[dict[str, str], float]]) -> bool:
    return any(math.isfinite(value) for _, value in found)


def assert_rules_work(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 10
    assert not [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")]
    assert not [rule["name"] for rule in rules if rule["state"] == "firing"]


@pytest.mark.slow
def test_the_two_forms_and_the_two_ways_tell_the_same(home: Home, repo: Repository) -> None:
    with watched(home) as (call, port):
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        ask_some(call, repo.path)
        found = read_metrics(call)
        status, page = fetch(port, "/metrics")
        printed = home.client("metrics").stdout
    fresh = pick(found["ail_query_latency_seconds"], mode="semantic", tier="none")
    assert fresh["count"] in (3, 4)  # the one in other words may be near enough
    assert 0 < fresh["p50"] <= fresh["p95"] <= fresh["p99"]
    assert pick(found["ail_query_latency_seconds"], mode="semantic", tier="exact")["count"] == 3
    assert pick(found["ail_cache_hits_total"], tier="exact")["value"] == 3
    assert pick(found["ail_errors_total"], type="usage")["value"] == 1
    assert found["ail_index_commits"] == [{"value": 3}]
    assert found["ail_index_lag_commits"] == [{"value": 0}]
    assert pick(found["ail_repositories"], state="complete")["value"] == 1
    assert status == 200
    assert page.count("# TYPE") == printed.count("# TYPE") == len(found)
    assert 'ail_query_latency_seconds_count{mode="semantic",tier="exact"} 3' in page.splitlines()


def test_no_metric_tells_what_was_asked_where_or_by_whom(home: Home, repo: Repository) -> None:
    with watched(home) as (call, port):
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        ask_some(call, repo.path)
        call("show", repo=str(repo.path), sha=repo.shas["paint"])
        with pytest.raises(Exception, match="no method"):
            call("tell the secret", hidden="secret")
        page = fetch(port, "/metrics")[1] + json.dumps(call("metrics", json=True))
    outside = [
        *QUESTIONS,
        "blue",
        "Paint",
        "upload",
        "Ann",
        str(repo.path),
        repo.path.name,
        *repo.shas.values(),
        "secret",
    ]
    assert not [word for word in outside if word in page]


def test_without_a_model_words_answer_and_that_is_a_fallback(bare_home: Home, repo: Repository) -> None:
    with watched(bare_home) as (call, port):
        call("repo.add", repo=str(repo.path))
        wait_until(lambda: call("status")["repos"][0]["complete"])
        call("ask", repo=str(repo.path), question="why blue?")
        call("ask", repo=str(repo.path), question="why blue, by words?", mode="lexical")
        found = read_metrics(call)
        assert fetch(port, "/health/ready")[0] == 200
    assert pick(found["ail_fallbacks_total"], cause="model")["value"] == 1
    assert found["ail_model_loaded"] == [{"value": 0}]


@pytest.mark.slow
def test_ready_is_a_question_that_was_answered_and_is_counted_nowhere(home: Home, repo: Repository) -> None:
    with watched(home) as (call, port):
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        assert fetch(port, "/health/live") == fetch(port, "/health/ready") == (200, "ok\n")
        assert call("health", kind="ready") == {"kind": "ready", "ok": True, "reason": None}
        found = read_metrics(call)
    assert found["ail_query_latency_seconds"] == []
    assert found["ail_cache_misses_total"] == [{"value": 0}]


@pytest.mark.slow
def test_a_daemon_whose_questions_fail_is_live_and_not_ready(home: Home, repo: Repository) -> None:
    with watched(home) as (call, port):
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        assert fetch(port, "/health/ready")[0] == 200
        shutil.rmtree(repo.path)
        status, text = fetch(port, "/health/ready")
        assert status == 503
        assert text == "not ready: not_a_repository\n"  # any local user can read it: no path
        assert fetch(port, "/health/live")[0] == 200
        done = home.client("health", "ready")
    assert done.returncode == 1
    assert f"not ready: {repo.path.resolve()} lies in no git repository" in done.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_keeps_nobody_from_asking(home: Home, repo: Repository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with home.daemon(AIL_METRICS_PORT=str(port)), home.connected() as call:
            call("repo.add", repo=str(repo.path))
            call.wait_complete(str(repo.path))
            assert call("ask", repo=str(repo.path), question="why blue?")["outcome"] == "answered"
            notice = f"the metrics port {port} cannot be opened: Address already in use"
            assert call("status")["metrics"] == {"port": port, "notice": notice}
            assert notice in home.client("status").stdout
    assert '"event": "metrics_port_failed"' in (home.directory / "daemon.err").read_text()
