"""SIGKILL at random moments of indexing `eval/pytest`, daemon and worker in turn: commits lost or doubled afterwards.

python -m bench.crashes [KILLS]
"""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path

import psutil
from tests.running import Home, prepare_models, sealed_home

from ail_daemon.index.words import Words

from .evaluation import load_set
from .figures import show

KILLS = 50
LONGEST_S = 4.0


def main() -> None:
    """Kill, start again, kill; then let it finish and compare with git."""
    repo = load_set("pytest").repo
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    dice = random.Random(20261121)
    with sealed_home(prepare_models()) as home:
        first_tries = sum(_kill_once(home, repo, dice, of_worker=number % 5 == 4) for number in range(kills))
        with home.daemon(), home.connected() as call:
            call("repo.add", repo=str(repo))
            call.wait_complete(str(repo))
        _compare(repo, home)
        show(
            f"restarts after {kills} kills that needed more than one attempt",
            float(kills - first_tries),
            "",
            "0",
            digits=0,
        )


def _kill_once(home: Home, repo: Path, dice: random.Random, *, of_worker: bool) -> bool:
    """Let it index for a random while, then kill; whether the daemon started at the first attempt."""
    try:
        with home.daemon() as daemon, home.connected() as call:
            call("repo.add", repo=str(repo))
            time.sleep(dice.uniform(0.0, LONGEST_S))
            target = psutil.Process(daemon.pid)
            workers = target.children()
            with contextlib.suppress(psutil.NoSuchProcess):
                (workers[0] if of_worker and workers else target).send_signal(signal.SIGKILL)
    except AssertionError:  # it did not say that it is ready
        return False
    return True


def _compare(repo: Path, home: Home) -> None:
    listed = subprocess.run(
        ["git", f"--git-dir={repo}", "rev-list", "--all"], capture_output=True, text=True, check=True
    )
    reachable = listed.stdout.split()
    (directory,) = (home.state / "repos").iterdir()
    with contextlib.closing(sqlite3.connect(f"file:{directory}/store.sqlite?mode=ro", uri=True)) as db:
        stored = [sha.hex() for (sha,) in db.execute("SELECT sha FROM commits")]
        (embedded,) = db.execute("SELECT count(*) FROM commits JOIN embeddings USING (text_hash)").fetchone()
        changed = sum(bool(zlib.decompress(text)) for (text,) in db.execute("SELECT text FROM changes"))
        (sound,) = db.execute("PRAGMA integrity_check").fetchone()
    assert sound == "ok", sound
    documents = len(Words(directory / "words"))
    for name, count in (
        ("commits lost", len(set(reachable) - set(stored))),
        ("commits doubled, or there without being reachable", len(stored) - len(set(stored) & set(reachable))),
        ("commits without an embedding", len(reachable) - embedded),
        ("documents of the word index missing or doubled", abs(len(reachable) + changed - documents)),
    ):
        show(name, float(count), "", "0", digits=0)


if __name__ == "__main__":
    main()
