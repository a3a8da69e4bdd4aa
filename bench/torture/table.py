"""Which scenarios there are, and how long each is. To add one: a module with `run(rounds, seed)` and a line here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from .outcome import Outcome

SEED = 20261121
"""Of every run that names no other."""


@dataclass(frozen=True)
class Scenario:
    """One scenario: its module in this package, the rounds of its long form, what a round is."""

    module: str
    rounds: int
    of: str

    def run(self, rounds: int | None, seed: int) -> Outcome:
        """Run *rounds* (None: the long form's)."""
        run = importlib.import_module(f"bench.torture.{self.module}").run
        outcome: Outcome = run(self.rounds if rounds is None else rounds, seed)
        return outcome


SCENARIOS = {
    "race": Scenario("race", 200, "times that 100 clients start one daemon at once"),
    "wedged": Scenario("wedged", 5, "times through the ways in which a daemon can be stuck"),
    "skew": Scenario("skew", 3, "older daemons replaced under load"),
    "strangers": Scenario("strangers", 1, "times through what another user may try"),
    "load": Scenario("load", 40, "requests on each of 256 connections"),
    "idle": Scenario("idle", 1000, "idle connections"),
    "processes": Scenario("processes", 1000, "client processes at once"),
    "vanishing": Scenario("vanishing", 200, "times through the ways in which a client can leave"),
    "kills": Scenario("kills", 2_000, "SIGKILLs at random moments"),
    "faults": Scenario("faults", 1_000, "fault points met"),
    "changing": Scenario("changing", 500, "changes to a repository that is being read"),
    "damage": Scenario("damage", 10_000, "damaged files"),
    "bundles": Scenario("bundles", 10_000, "mutated bundles"),
    "soak": Scenario("soak", 60, "minutes"),
    "fuzz": Scenario("fuzz", 10_000_000, "frames"),
}
