"""SIGKILL, ENOSPC or EIO at the K-th system call of a kind, in adding, updating, rewriting, purging and backing up (strace).

strace is attached to the running daemon, and follows the worker it starts. A round in which the K-th call never came does not
count. An error lasts for one call, or from the K-th on until strace lets go.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .kills import prepare
from .outcome import Outcome, none
from .subject import BrokenPromiseError, Subject, subject, tolerate_failure

OPERATIONS = ("add", "update", "rewrite", "purge", "save")
_CALLS = {
    "write": ("write,pwrite64,writev,pwritev", 40),
    "sync": ("fsync,fdatasync", 8),
    "name": ("rename,renameat,renameat2,unlink,unlinkat,mkdir,rmdir,ftruncate", 10),
    "open": ("openat", 40),
    "read": ("pread64", 60),  # `read` is of pipes and sockets too, which have no EIO
}
"""By kind: the calls, and the largest K: about as many as one thread makes in one operation."""

_PATIENCE_S = 4.0
_DETACH_S = 3.0


class Fault(NamedTuple):
    """What is done at which call: *failure* KILL, ENOSPC or EIO; *lasts*: from the K-th call on."""

    failure: str
    kind: str
    at: int
    lasts: bool

    def describe(self) -> str:
        """Return strace's expression, without the calls."""
        action = "signal=SIGKILL" if self.failure == "KILL" else f"error={self.failure}"
        return f"{action}:when={self.at}{'+' if self.lasts else ''}"


def run(rounds: int, seed: int, operations: Sequence[str] = OPERATIONS) -> Outcome:
    """Inject faults into *operations* until *rounds* of them were met; after each, every promise must hold."""
    dice, met = random.Random(seed), Counter[str]()
    faults: list[str] = []
    with subject() as tried:
        while sum(met.values()) < rounds and not faults:
            operation, fault = dice.choice(operations), _draw(dice)
            try:
                if _inject_once(tried, operation, fault):
                    met[f"{operation} {fault.failure}"] += 1
                tried.recover()
            except BrokenPromiseError as err:
                faults.append(f"seed {seed}, after {sum(met.values())}: {operation} with {fault}: {err}")
    told = ", ".join(f"{name} {count}" for name, count in sorted(met.items()))
    return Outcome(
        (none(f"invariants violated at {sum(met.values())} fault points ({told})", len(faults)),), tuple(faults)
    )


def _draw(dice: random.Random) -> Fault:
    failure = dice.choice(("KILL", "ENOSPC", "EIO"))
    kind = dice.choice([kind for kind in _CALLS if failure != "ENOSPC" or kind != "read"])
    return Fault(failure, kind, dice.randint(1, _CALLS[kind][1]), lasts=failure != "KILL" and dice.random() < 0.4)


def _inject_once(tried: Subject, operation: str, fault: Fault) -> bool:
    """Do *operation* with *fault*; return whether the fault was met."""
    prepare(tried, operation)
    told = tried.home.directory / "strace.out"
    with _tracing(tried.pid, fault, told):
        tolerate_failure(lambda: tried.attempt(operation, _PATIENCE_S))
    said = told.read_text(errors="replace")
    return "(INJECTED)" in said or "+++ killed by SIGKILL" in said


@contextlib.contextmanager
def _tracing(pid: int, fault: Fault, told: Path) -> Iterator[None]:
    """Inject *fault* into the process *pid*, its threads and children for as long as the block lasts."""
    calls, _ = _CALLS[fault.kind]
    strace = subprocess.Popen(
        [
            "strace",
            "-f",
            "-o",
            str(told),
            "-e",
            f"trace={calls}",
            "-e",
            f"inject={calls}:{fault.describe()}",
            "-p",
            str(pid),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert strace.stderr
    strace.stderr.readline()  # "strace: Process N attached", with all its threads
    try:
        yield
    finally:
        strace.terminate()
        try:
            strace.communicate(timeout=_DETACH_S)
        except subprocess.TimeoutExpired:  # it waits for a thread that it has killed itself
            strace.kill()
            strace.communicate()
