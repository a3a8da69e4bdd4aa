"""The short form of each scenario of `make torture`; figures that are times have no limit here."""

from __future__ import annotations

import os

import pytest
from bench.torture import (
    bundles,
    changing,
    damage,
    faults,
    fuzz,
    idle,
    kills,
    load,
    processes,
    race,
    skew,
    soak,
    strangers,
    vanishing,
    wedged,
)
from bench.torture.table import SCENARIOS, SEED
from tests.tools import require

NO_LIMIT_S = 60.0
pytestmark = pytest.mark.timeout(900)  # two minutes for the longest where nothing else runs


@pytest.mark.slow
def test_clients_that_race_always_start_exactly_one_daemon() -> None:
    race.run(20, SEED, clients=50).check()


def test_of_three_hundred_mutated_bundles_none_is_used() -> None:
    bundles.run(300, SEED).check()


@pytest.mark.slow
def test_two_hundred_thousand_hostile_frames_harm_nothing_and_nobody() -> None:
    fuzz.run(200_000, SEED, limit_s=NO_LIMIT_S).check()


@pytest.mark.slow
def test_many_connections_at_once_get_each_its_own_replies() -> None:
    load.run(50, SEED, clients=64).check()


@pytest.mark.slow
def test_a_thousand_idle_connections_are_held_and_newcomers_told_busy() -> None:
    idle.run(1000, SEED).check()


@pytest.mark.slow
def test_a_hundred_client_processes_at_once_are_all_answered() -> None:
    processes.run(100, SEED).check()


@pytest.mark.slow
def test_of_clients_that_vanish_nothing_stays() -> None:
    vanishing.run(5, SEED, limit_s=NO_LIMIT_S).check()


@pytest.mark.slow
def test_a_daemon_that_cannot_answer_is_told_and_never_doubled() -> None:
    wedged.run(1, SEED, limit_s=NO_LIMIT_S).check()


@pytest.mark.slow
def test_an_older_daemon_is_replaced_under_load_without_an_error() -> None:
    skew.run(1, SEED).check()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_another_user_gains_nothing() -> None:
    strangers.run(1, SEED).check()


def test_every_scenario_can_be_run_by_name() -> None:
    assert SCENARIOS["idle"].run(3, SEED).holds


@pytest.mark.slow
@pytest.mark.model
def test_nothing_that_was_acknowledged_is_lost_by_a_hundred_kills() -> None:
    kills.run(100, SEED).check()


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="strace is Linux's")
def test_every_promise_holds_after_faults_in_the_midst_of_an_update() -> None:
    require("strace")
    faults.run(12, SEED, operations=("update",)).check()


@pytest.mark.slow
@pytest.mark.model
def test_damaged_files_are_noticed_and_made_anew() -> None:
    damage.run(500, SEED).check()


@pytest.mark.slow
@pytest.mark.model
def test_an_ordinary_life_leaves_no_descriptor_and_no_error() -> None:
    soak.run(2, SEED, limit_s=NO_LIMIT_S).check()


@pytest.mark.slow
@pytest.mark.model
def test_repacking_is_never_seen_and_a_broken_repository_heals() -> None:
    changing.run(40, SEED).check()
