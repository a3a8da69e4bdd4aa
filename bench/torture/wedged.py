"""A daemon that is there and does not answer: every client gets a word or an answer within two seconds, and no second daemon.

stopped: SIGSTOP. blocked, spinning: its loop waits, or turns, in a method. removed, replaced, a file: its socket's place was
taken from it; then the client is to be answered, by the same daemon.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.daemon.daemon_process import SCRIPTED, User
from tests.running import Home, sealed_home

from ail_rpc.messages import encode_notification
from bench.figures import seconds

from .family import Family, family
from .outcome import Figure, Outcome, none

LIMIT_S = 2.0


@dataclass
class _Tally:
    """The slowest client of each way, second daemons, and clients that got something else than they should."""

    slowest_s: dict[str, float] = field(default_factory=dict)
    second: int = 0
    wrong: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, way: str, spent_s: float, is_right: bool, more_daemons: int, said: str) -> None:
        self.slowest_s[way] = max(self.slowest_s.get(way, 0.0), spent_s)
        self.second += more_daemons
        self.wrong += not is_right
        if more_daemons or not is_right:
            self.faults.append(f"{way}: {more_daemons} more daemons; {said}")


def run(rounds: int, seed: int, limit_s: float = LIMIT_S) -> Outcome:
    """Go *rounds* times through all ways, in an order that *seed* chooses; every client has *limit_s*."""
    dice, tally = random.Random(seed), _Tally()
    with family() as daemons:
        for _ in range(rounds):
            for way in dice.sample([*_STUCK, *_TAKEN], len(_STUCK) + len(_TAKEN)):
                with sealed_home() as home:
                    (_try_stuck if way in _STUCK else _try_taken)(home, way, daemons, tally)
    times = [
        Figure(f"{way}: the slowest client", spent_s, at_most=limit_s, unit="s", digits=2)
        for way, spent_s in sorted(tally.slowest_s.items())
    ]
    return Outcome(
        (*times, none("second daemons", tally.second), none("clients that got another word", tally.wrong)),
        tuple(tally.faults),
    )


def _try_stuck(home: Home, way: str, daemons: Family, tally: _Tally) -> None:
    """Ask a daemon that cannot answer: the error says so."""
    user = User(str(home.directory))
    user.env |= {"AIL_SOCKET": str(home.socket), "XDG_RUNTIME_DIR": ""}
    try:
        process = user.start_ready_at(str(home.socket), program=SCRIPTED).process
        _STUCK[way](home, process)
        before = daemons.find_daemons()
        done, spent_s = _ask(home)
        more = daemons.find_daemons() - before
        is_right = done.returncode == 3 and f"pid {process.pid}" in done.stderr
        tally.add(way, spent_s, is_right, len(more), done.stderr)
    finally:
        user.end()


def _try_taken(home: Home, way: str, daemons: Family, tally: _Tally) -> None:
    """Ask a daemon whose socket was taken away: it answers, itself."""
    with home.daemon() as process:
        _TAKEN[way](home)
        done, spent_s = _ask(home)
        is_right = done.returncode == 0 and json.loads(done.stdout)["pid"] == process.pid
        more = daemons.wait_for(1) - {process.pid}
        tally.add(way, spent_s, is_right, len(more), done.stderr)


def _ask(home: Home) -> tuple[subprocess.CompletedProcess[str], float]:
    found: list[subprocess.CompletedProcess[str]] = []
    spent_s = seconds(lambda: found.append(home.client("status", "--json", "--timeout", "30")))
    return found[0], spent_s


def _stop(_home: Home, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def _notify(home: Home, method: str) -> None:
    """Have the daemon's loop caught in *method*; it says so by making a file."""
    mark = home.directory / "caught"
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(home.socket))
        connected.sendall(encode_notification(method, {"running": str(mark)}))
        while not mark.exists():
            pass


def _remove(home: Home) -> None:
    home.socket.unlink()


def _replace(home: Home) -> None:
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(f"{home.socket}x")
        os.rename(f"{home.socket}x", home.socket)


def _put_a_file(home: Home) -> None:
    home.directory.joinpath("x").write_text("")
    os.rename(home.directory / "x", home.socket)


_STUCK: dict[str, Callable[[Home, subprocess.Popen[bytes]], None]] = {
    "stopped": _stop,
    "blocked": lambda home, _process: _notify(home, "block"),
    "spinning": lambda home, _process: _notify(home, "spin"),
}
_TAKEN: dict[str, Callable[[Home], None]] = {"removed": _remove, "replaced": _replace, "a file": _put_a_file}
