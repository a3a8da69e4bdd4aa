"""Spawn race: many clients at once where no daemon runs; exactly one is started, and every client is answered by it.

Before each round the last daemon ends in one of the ways a seed chooses: killed (its socket and locks stay behind), stopped, its
whole runtime directory gone, or about to be stopped by a client among the many.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from dataclasses import dataclass, field

from tests.running import Home, sealed_home

from .family import Family, family
from .nursery import Ended, run_at_once
from .outcome import Figure, Outcome, none

CLIENTS = 100
_ENDS = ("killed", "stopped", "directory removed", "being stopped")


@dataclass
class _Tally:
    """What went wrong over all rounds."""

    not_one: int = 0
    errors: int = 0
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, number: int, ended: list[Ended], living: set[int], may_have_stopped: bool) -> None:
        failed = [one for one in ended if one.status != 0]
        answered = {json.loads(one.out)["pid"] for one in ended if one.status == 0 and one.out}  # `stop` prints none
        self.slowest_s = max(self.slowest_s, *(one.spent_s for one in ended))
        self.errors += len(failed)
        self.faults += [f"round {number}: exit {one.status}: {one.err.strip()}" for one in failed[:3]]
        if may_have_stopped:  # the first daemon, and one that a later client started; the stop may also come last
            is_well = len(living) <= 1 and len(answered - living) <= 1
        else:
            is_well = answered == living and len(living) == 1
        if not is_well:
            self.not_one += 1
            self.faults.append(f"round {number}: answered by {sorted(answered)}, alive {sorted(living)}")


def run(rounds: int, seed: int, clients: int = CLIENTS) -> Outcome:
    """Race *rounds* times with *clients* clients."""
    dice, tally = random.Random(seed), _Tally()
    with sealed_home() as home, family() as daemons:
        home.socket = home.directory / "run" / "ail.sock"
        try:
            how = "killed"
            for number in range(rounds):
                calls = [["status", "--json"]] * clients
                if how == "being stopped":
                    calls[dice.randrange(clients)] = ["stop", "--timeout", "20"]
                ended = run_at_once(calls, home.env, home.directory)
                tally.add(number, ended, daemons.wait_for(1, 3.0), how == "being stopped")
                _end(home, daemons, how := dice.choice(_ENDS))
        finally:
            _end(home, daemons, "killed")
    return Outcome(
        (
            none("rounds without exactly one daemon", tally.not_one),
            none("clients that got an error", tally.errors),
            Figure("slowest client, the daemon's start in it", tally.slowest_s, unit="s", digits=2),
        ),
        tuple(tally.faults),
    )


def _end(home: Home, daemons: Family, how: str) -> None:
    if how == "being stopped":
        return
    if how == "stopped":
        home.stop()
    else:
        for pid in daemons.find_daemons():
            os.kill(pid, signal.SIGKILL)
    if how == "directory removed":
        shutil.rmtree(home.socket.parent)
    daemons.wait_for(0)
