"""The method `metrics`, and the resources for scrapers: collects the metrics of all parts of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .daemon import Daemon, Offer
from .metrics import gauges
from .metrics.exposition import CONTENT_TYPE, Family, Histogram, render
from .metrics.figures import Figures, name_error
from .metrics.http import Reply
from .metrics.port import Resource
from .model import SCHEMA
from .process.machine import get_rss_bytes
from .server.params import Handler, Method, flag


class Measuring:
    """Serves the metrics of *daemon*, its *offers* and *figures*; count_connections: returns those of its socket, by state."""

    def __init__(
        self,
        figures: Figures,
        daemon: Daemon,
        offers: Sequence[Offer],
        count_connections: Callable[[], Mapping[str, int]],
    ) -> None:
        self._figures = figures
        self._daemon = daemon
        self._offers = offers
        self._count_connections = count_connections
        self.methods: dict[str, Handler] = {"metrics": Method(self.metrics, flag("json"))}
        self.resources: dict[str, Resource] = {
            "/metrics": self._get_metrics,
            "/health/live": _get_live,
            "/health/ready": self._get_ready,
        }

    async def metrics(self, params: dict[str, Any]) -> str | dict[str, Any]:
        """Return the metrics as Prometheus reads them; with `json` as maps, histograms with p50, p95 and p99."""
        found, sides = await self._collect(), self._describe_sides()
        if not params["json"]:
            return render(found)
        metrics = {one.name: one.describe() for one in found}
        return {"schema_version": SCHEMA, "metrics": metrics, "sides": sides}

    async def _collect(self) -> list[Family | Histogram]:
        sides = self._describe_sides()
        found: list[Family | Histogram] = [
            *self._figures.collect(sides), *gauges.read_process(self._daemon.uptime_s, get_rss_bytes()),
            gauges.read_connections(self._count_connections()), *gauges.read_sides(sides),
        ]  # fmt: skip
        for offer in self._offers:
            found += await offer.read_metrics() if offer.read_metrics else []
        return found

    def _describe_sides(self) -> dict[str, Any]:
        return next((sides for offer in self._offers if (sides := offer.describe_sides())), {})

    async def _get_metrics(self) -> Reply:
        return Reply(200, render(await self._collect()), CONTENT_TYPE)

    async def _get_ready(self) -> Reply:
        """Say whether questions are answered; if not, why in one word: any local user may read the port."""
        fault = await self._daemon.find_fault()
        return Reply(200, "ok\n") if fault is None else Reply(503, f"not ready: {name_error(fault)}\n")


async def _get_live() -> Reply:
    return Reply(200, "ok\n")
