"""How fast an update goes, and how long it will take, told from what was measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ail_daemon.repos.repo import Progress

Tick = Callable[[float], None]


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> Tick:
    now = [1000.0]
    monkeypatch.setattr("ail_daemon.repos.repo.monotonic", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_the_first_batch_which_waits_for_the_model_is_no_measure(tick: Tick) -> None:
    progress = Progress("embedding", 0, 85_361)
    tick(40)  # the worker starts and loads its model: counted in, 3 texts a second and 8 hours
    progress.done = 128
    told = progress.describe()
    assert (told["done"], told["rate"], told["eta_s"]) == (128, None, None)
    tick(20)
    progress.done = 2176
    told = progress.describe()
    assert (told["rate"], told["eta_s"]) == (102.4, round((85_361 - 2176) / 102.4, 1))


def test_the_rate_does_not_sink_between_batches(tick: Tick) -> None:
    progress = Progress("changes", 0, 1000)
    for done in (100, 200, 300):
        tick(2)
        progress.done = done
    told = progress.describe()
    tick(1.9)
    assert progress.describe() == told
    assert told["rate"] == 50


def test_less_than_a_second_of_work_is_no_measure(tick: Tick) -> None:
    progress = Progress("reading", 0, 10_000)
    progress.done = 10
    tick(0.1)
    progress.done = 5000
    assert progress.describe()["eta_s"] is None
