"""25 operations of git, over all kinds of repository: afterwards the index holds exactly what refs reach, with events at once,
without them at the timer's next turn. `bench/ref_moves.py` makes each operation in each kind, and takes the times.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.indexed import Indexed, enrol, wait
from tests.moving import KINDS, MOVES, Scene, has_reftable, make_scene
from tests.running import Calling, Home, sealed_home

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    """A repository for each operation, of one kind after the other."""
    kinds = [kind for kind in KINDS if kind != "reftable" or has_reftable()]
    top = tmp_path_factory.mktemp("scenes")
    return [make_scene(kinds[number % len(kinds)], top / str(number)) for number in range(len(MOVES))]


@pytest.fixture(scope="module")
def wordy_home() -> Iterator[Home]:
    """A home without a model, shared: which commits are indexed does not depend on one."""
    with sealed_home() as made:
        yield made


def make_all_moves(call: Calling, scenes: list[Scene], indexed: list[Indexed], round_: int) -> None:
    """Make each operation in its repository, with nothing under way when it is made."""
    for number, (scene, move) in enumerate(zip(scenes, MOVES, strict=True)):
        scene.before(move, number + 100 * round_)
    for one in indexed:
        one.wait_right(PATIENCE_S)
    assert wait(lambda: all(told["phase"] == "idle" for told in call("status")["repos"]), PATIENCE_S) is not None
    for number, (scene, move) in enumerate(zip(scenes, MOVES, strict=True)):
        scene.make(move, number + 100 * round_)


@pytest.mark.slow
def test_every_operation_is_indexed_by_its_event(wordy_home: Home, scenes: list[Scene]) -> None:
    with wordy_home.daemon(AIL_RECONCILE_S="3600"), wordy_home.connected() as call:
        indexed = [enrol(wordy_home, call, scene.path) for scene in scenes]
        make_all_moves(call, scenes, indexed, 1)
        for one in indexed:
            one.wait_right(PATIENCE_S)  # nothing is asked, and the timer's next turn is an hour away


@pytest.mark.slow
def test_every_operation_is_indexed_by_the_timer_where_events_do_not_work(
    wordy_home: Home, scenes: list[Scene]
) -> None:
    with wordy_home.daemon(AIL_WATCH="false", AIL_RECONCILE_S="1"), wordy_home.connected() as call:
        indexed = [enrol(wordy_home, call, scene.path) for scene in scenes]
        make_all_moves(call, scenes, indexed, 2)
        for one in indexed:
            one.wait_right(PATIENCE_S)


@pytest.mark.slow
def test_the_sets_are_told_apart(wordy_home: Home, tmp_path: Path) -> None:
    scene = make_scene("normal", tmp_path / "scene")
    with wordy_home.daemon(AIL_WATCH="false", AIL_RECONCILE_S="3600"), wordy_home.connected() as call:
        indexed = enrol(wordy_home, call, scene.path)
        indexed.wait_right(PATIENCE_S)
        scene.make(MOVES[0], 0)
        assert not indexed.is_right()
        with pytest.raises(AssertionError, match="1 missing, 0 too many"):
            indexed.wait_right(0.1)


def test_reftable_is_among_the_kinds_where_git_can_make_one(scenes: list[Scene]) -> None:
    if not has_reftable():
        pytest.skip("this git makes no reftable")
    assert "reftable" in {scene.kind for scene in scenes}
