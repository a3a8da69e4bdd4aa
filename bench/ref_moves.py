"""25 operations that move refs, in all kinds of repository: milliseconds from each one's end until the index is right.

    python -m bench.ref_moves [--only-events]

With events every operation is made and waited for by itself. Without, every one has a repository of its own; all are made,
and the timer's next turn has to find them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.indexed import Indexed, enrol, wait
from tests.moving import KINDS, MOVES, Scene, has_reftable, make_scene
from tests.running import Calling, Home, sealed_home

from .figures import seconds, show

WITH_S, WITHOUT_S = 2.0, 60.0
GIVEN_UP_S = 90.0


def main() -> None:
    """Print the table with events, then how many were right without."""
    kinds = [kind for kind in KINDS if kind != "reftable" or has_reftable()]
    if not has_reftable():
        print("reftable: this git makes none (2.45 does): left out")
    with tempfile.TemporaryDirectory(prefix="moves") as top:
        _measure_events(kinds, Path(top) / "with")
        if "--only-events" not in sys.argv:
            _measure_timer(kinds, Path(top) / "without")


def _measure_events(kinds: list[str], top: Path) -> None:
    waits_s: list[float] = []
    print(f"{'ms, with events':<16}" + "".join(f"{kind:>11}" for kind in kinds))
    with sealed_home() as home, home.daemon(), home.connected() as call:
        scenes = [make_scene(kind, top / kind) for kind in kinds]
        indexed = [enrol(home, call, scene.path) for scene in scenes]
        for number, move in enumerate(MOVES):
            row = [_time_one(scene, one, number) for scene, one in zip(scenes, indexed, strict=True)]
            print(f"{move.name:<16}" + "".join(f"{spent * 1000:>11.0f}" for spent in row), flush=True)
            waits_s += row
    right = sum(spent <= WITH_S for spent in waits_s)
    show("with events: right within 2 s", float(right), "", f"{len(waits_s)}", digits=0)
    show("with events: longest", max(waits_s) * 1000, "ms", "2000", digits=0)


def _time_one(scene: Scene, indexed: Indexed, number: int) -> float:
    """Return the seconds from the operation's end until the index is right; endless where it is not in time."""
    scene.before(MOVES[number], number)
    indexed.wait_right(GIVEN_UP_S)
    scene.make(MOVES[number], number)
    try:
        return seconds(lambda: indexed.wait_right(GIVEN_UP_S))
    except AssertionError:
        return float("inf")


def _measure_timer(kinds: list[str], top: Path) -> None:
    with sealed_home() as home, home.daemon(AIL_WATCH="false"), home.connected() as call:
        waits_s = _make_all(home, call, [(kind, number) for kind in kinds for number in range(len(MOVES))], top)
    right = sum(spent <= WITHOUT_S for spent in waits_s)
    show("without events: right within 60 s", float(right), "", f"{len(waits_s)}", digits=0)
    show("without events: longest", max(waits_s), "s", "60", digits=1)


def _make_all(home: Home, call: Calling, cells: list[tuple[str, int]], top: Path) -> list[float]:
    """Make every cell's operation in a repository of its own; return the seconds until each was right."""
    scenes = [make_scene(kind, top / f"{kind}{number}") for kind, number in cells]
    for scene, (_, number) in zip(scenes, cells, strict=True):
        scene.before(MOVES[number], number)
    indexed = [enrol(home, call, scene.path) for scene in scenes]
    for one in indexed:
        one.wait_right(GIVEN_UP_S)
    ended = []
    for scene, (_, number) in zip(scenes, cells, strict=True):
        scene.make(MOVES[number], number)
        ended.append(time.monotonic())
    waiting, waits_s = set(range(len(cells))), [float("inf")] * len(cells)

    def look() -> bool:
        for cell in sorted(waiting):
            if indexed[cell].is_right():
                waiting.discard(cell)
                waits_s[cell] = time.monotonic() - ended[cell]
        return not waiting

    wait(look, GIVEN_UP_S)
    return waits_s


if __name__ == "__main__":
    main()
