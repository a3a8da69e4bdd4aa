"""What is shipped for Prometheus and Grafana, as Prometheus's own tool reads it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.prometheus import SHIPPED, read_targets
from tests.running import ROOT
from tests.tools import require


def promtool(*arguments: str) -> str:
    done = subprocess.run([require("promtool"), *arguments], capture_output=True, text=True, cwd=SHIPPED, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", (SHIPPED / "alerts.yml").read_text())


@pytest.mark.parametrize("what", [("rules", "alerts.yml"), ("config", "prometheus.yml")])
def test_the_shipped_files_are_valid(what: tuple[str, str]) -> None:
    assert "SUCCESS" in promtool("check", *what)


def test_every_alert_fires_where_it_should_and_not_where_it_should_not() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_no_alert_is_without_a_case_that_fires_it_and_one_that_does_not() -> None:
    cases = (SHIPPED / "alerts_test.yml").read_text().split("- alertname: ")[1:]
    fired = {case.split()[0] for case in cases if "exp_alerts: []" not in case}
    silent = {case.split()[0] for case in cases if "exp_alerts: []" in case}
    assert fired == silent == set(read_alerts())


def test_every_expression_of_the_dashboard_can_be_parsed(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": one.expr} for number, one in enumerate(read_targets())]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))


def test_the_dashboard_s_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((SHIPPED / "grafana-dashboard.json").read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_and_every_metric_is_explained() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    assert {alert.lower() for alert in read_alerts()} <= headings, "an alert's runbook points to a heading"
    assert set(re.findall(r"runbook: docs/metrics\.md#(\w+)", (SHIPPED / "alerts.yml").read_text())) <= headings
    used = set(re.findall(r"\bail_[a-z_]+", " ".join(one.expr for one in read_targets())))
    assert {name.removesuffix("_bucket").removesuffix("_count") for name in used} <= set(
        re.findall(r"`(ail_\w+)`", page)
    )
