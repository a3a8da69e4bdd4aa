"""SIGKILL of the daemon or its worker at a random moment of adding, updating, rewriting, purging and backing up."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter

import psutil

from .outcome import Outcome, none
from .subject import STATES, BrokenPromiseError, Subject, subject, tolerate_failure

_LONGEST_S = {"add": 1.2, "update": 0.5, "rewrite": 0.5, "purge": 0.1, "save": 0.3}


def run(rounds: int, seed: int) -> Outcome:
    """Kill *rounds* times; after each, everything that was acknowledged must be there, and nothing else."""
    dice, done = random.Random(seed), Counter[str]()
    faults: list[str] = []
    with subject() as tried:
        for number in range(rounds):
            operation = dice.choice(list(_LONGEST_S))
            kill_once(tried, dice, operation)
            done[operation] += 1
            try:
                tried.recover()
            except BrokenPromiseError as err:
                faults.append(f"kill {number} of seed {seed}, in {operation}: {err}")
                break  # what follows would stand upon it
    lost = [fault for fault in faults if "first attempt" not in fault]
    return Outcome(
        (
            none(f"promises broken after {sum(done.values())} kills ({dict(done)})", len(lost)),
            none("restarts that needed more than one attempt", len(faults) - len(lost)),
        ),
        tuple(faults),
    )


def kill_once(tried: Subject, dice: random.Random, operation: str) -> None:
    """Begin *operation*, and kill the daemon, or its worker if there is one, at a random moment of it."""
    prepare(tried, operation)
    of_worker, pause_s = dice.random() < 0.25, dice.uniform(0, _LONGEST_S[operation])
    work = threading.Thread(target=tolerate_failure, args=(getattr(tried, operation),))
    work.start()
    time.sleep(pause_s)
    with contextlib.suppress(psutil.NoSuchProcess):  # a worker that ends while it is looked for
        victim = (tried.find_worker() if of_worker else None) or psutil.Process(tried.pid)
        victim.kill()
        victim.wait(10)
    work.join()


def prepare(tried: Subject, operation: str) -> None:
    """Bring the subject to where *operation* begins."""
    if operation == "add":
        tried.purge()
    if tried.is_alive():
        tried.move(STATES[0] if operation != "rewrite" else "grown")
        if operation != "add":
            tried.recover()
