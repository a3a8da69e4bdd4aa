"""A real Prometheus that scrapes a real daemon as the shipped configuration says, and what the shipped dashboard asks it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.running import ROOT
from tests.tools import require

SHIPPED = ROOT / "monitoring"
WINDOW = "1m"  # what Grafana's $__rate_interval is in tests
PATIENCE_S = 60.0


class Target(NamedTuple):
    """One expression of a panel, with nothing left in it that only Grafana knows."""

    panel: str
    unit: str
    expr: str
    legend: str


def read_targets(window: str = WINDOW) -> list[Target]:
    """Return every expression of the shipped dashboard; rates are taken over *window*."""
    board = json.loads((SHIPPED / "grafana-dashboard.json").read_text())
    return [
        Target(
            panel["title"], panel["fieldConfig"]["defaults"]["unit"], _fill_in(one["expr"], window), one["legendFormat"]
        )
        for panel in board["panels"]
        for one in panel["targets"]
    ]


def _fill_in(expr: str, window: str) -> str:
    return expr.replace("$__rate_interval", window).replace("$instance", ".*")


def fetch(port: int, path: str) -> tuple[int, str]:
    """Return status and text of a GET at a port of the loopback. Raises OSError where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


class Prometheus:
    """A running one, at *port* of the loopback."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **query: str) -> Any:
        """Return the data that the API has at *path*."""
        status, text = fetch(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
        assert status == 200, text
        return json.loads(text)["data"]

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series that *expr* has now."""
        return [(one["metric"], float(one["value"][1])) for one in self.get("query", query=expr)["result"]]

    def wait(self, expr: str, holds: Callable[[list[tuple[dict[str, str], float]]], bool]) -> None:
        """Return once what *expr* has *holds*; fail where it does not come about."""
        end = time.monotonic() + PATIENCE_S
        while not holds(found := self.query(expr)):
            assert time.monotonic() < end, (expr, found)
            time.sleep(0.1)


@contextlib.contextmanager
def scraping(directory: Path, port: int) -> Iterator[Prometheus]:
    """Run a Prometheus in *directory* that scrapes the metrics port *port* four times a second."""
    program = require("prometheus")
    config = (SHIPPED / "prometheus.yml").read_text().replace("127.0.0.1:9750", f"127.0.0.1:{port}")
    config = re.sub(r"_interval: 15s", "_interval: 250ms", config)
    (directory / "prometheus.yml").write_text(config)
    (directory / "alerts.yml").write_bytes((SHIPPED / "alerts.yml").read_bytes())
    own = find_free_port()
    listen = f"--web.listen-address=127.0.0.1:{own}"
    command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", listen]
    with (directory / "prometheus.err").open("wb") as log:
        process = subprocess.Popen([*command, "--log.level=warn"], cwd=directory, stderr=log, stdout=log)
    try:
        yield _wait_ready(Prometheus(own), process, directory / "prometheus.err")
    finally:
        process.kill()
        process.wait()


def _wait_ready(prometheus: Prometheus, process: subprocess.Popen[bytes], log: Path) -> Prometheus:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if fetch(prometheus.port, "/-/ready")[0] == 200:
                return prometheus
        except OSError:
            assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def find_free_port() -> int:
    """Return a port of the loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
