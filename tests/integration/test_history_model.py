"""A short random life of a repository under a live daemon; `bench/history_model.py` lives 10,000 operations.

Its branches lie in more directories than are watched, so that the timer has its share.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.indexed import enrol, wait
from tests.random_history import RandomHistory
from tests.running import Home
from tests.tools import one_fast

PATIENCE_S = 60.0


@pytest.mark.parametrize("seed", one_fast([1, 2, 3], 1))
def test_after_each_operation_of_a_random_life_the_index_holds_what_refs_reach(
    seed: int, bare_home: Home, tmp_path: Path
) -> None:
    history = RandomHistory(tmp_path, seed)
    with bare_home.daemon(AIL_RECONCILE_S="2"), bare_home.connected() as call:
        indexed = enrol(bare_home, call, history.path)
        names = []
        for _ in range(20):
            indexed.wait_right(PATIENCE_S)
            names.append(history.step())
        indexed.wait_right(PATIENCE_S)
        assert wait(lambda: call("status")["repos"][0]["commits"] == len(indexed.read()), PATIENCE_S) is not None, names


@pytest.mark.slow
def test_a_burst_of_operations_ends_right(bare_home: Home, tmp_path: Path) -> None:
    history = RandomHistory(tmp_path, 4)
    with bare_home.daemon(AIL_RECONCILE_S="2"), bare_home.connected() as call:
        indexed = enrol(bare_home, call, history.path)
        for _ in range(20):
            history.step()
        indexed.wait_right(PATIENCE_S)
