"""A random life of a repository against a live daemon: after each operation the index must hold exactly what refs reach.

    python -m bench.history_model [OPERATIONS] [SEED]

Its branches lie in more directories than the ten that are watched: such a move waits for the timer, which turns every two
seconds here. A new repository every 500 operations. Stops at the first that is not right within 60 s, and says with which
seed and what led there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.indexed import enrol
from tests.random_history import RandomHistory
from tests.running import Home, sealed_home

from .figures import percentile, seconds, show

OPERATIONS = 10_000
LIFE = 500
LIMIT_S, LATE_S, TIMER_S = 60.0, 5.0, 2.0


def main() -> None:
    """Live, and print how many operations were right and how soon."""
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    first_seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261121
    waits_s: list[float] = []
    with sealed_home() as home, home.daemon(AIL_RECONCILE_S=str(TIMER_S)):
        while len(waits_s) < operations:
            _live(home, first_seed + len(waits_s) // LIFE, min(LIFE, operations - len(waits_s)), waits_s)
            print(f"{len(waits_s)} operations, every one right", flush=True)
    show("operations after which the index was what refs reach", float(len(waits_s)), "", f"{operations}", digits=0)
    show("from an operation's end to that, p50", percentile(waits_s, 0.5) * 1000, "ms", digits=0)
    show("from an operation's end to that, p95", percentile(waits_s, 0.95) * 1000, "ms", digits=0)
    show("from an operation's end to that, most", max(waits_s) * 1000, "ms", digits=0)


def _live(home: Home, seed: int, operations: int, waits_s: list[float]) -> None:
    """Make *operations* in a new repository; seconds until each was right are added to *waits_s*."""
    with tempfile.TemporaryDirectory(prefix="life") as top, home.connected() as call:
        history = RandomHistory(Path(top), seed)
        indexed = enrol(home, call, history.path)
        indexed.wait_right(LIMIT_S)
        names: list[str] = []
        for _ in range(operations):
            names.append(history.step())
            try:
                waits_s.append(seconds(lambda: indexed.wait_right(LIMIT_S)))
                if waits_s[-1] > LATE_S:
                    (told,) = call("status", repo=str(history.path))["repos"]
                    print(f"seed {seed}, {len(names)}: {waits_s[-1]:.1f} s after {names[-3:]}, by {told['updated_by']}")
            except AssertionError as err:
                raise SystemExit(f"seed {seed}, operation {len(names)} ({', '.join(names[-8:])}): {err}") from err
        call("repo.remove", repo=str(history.path), purge=True)


if __name__ == "__main__":
    main()
