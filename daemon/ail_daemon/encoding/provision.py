"""Has a model prepared that is missing or damaged: in a child process, one at a time, at a low priority.

The time (8 s on an idle machine) and torch's memory are the child's, which is `ail-daemon model prepare`; words answer
meanwhile. Nothing is downloaded. An attempt that failed is repeated after an hour at the earliest, since every question
asks for the model.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from ..process.logs import log
from ..settings import get_child_environment

COMMAND = (sys.executable, "-m", "ail_daemon.cli", "model", "prepare", "--if-missing", "--")
"""What prepares a model; its name or directory follows."""
RETRY_S = 3600.0
LIMIT_S = 900.0
"""After which a child is taken for stuck. The default model takes 8 s, on a loaded machine minutes."""
_NICENESS = 5
_CHILD_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
"""torch's threads wait for each other in a loop: beside other work on two cores, at a load of 6, two of them took 31 s of
processor time and 374 s, one took 12 s and 112 s."""
_UNLOADABLE = "what was prepared cannot be loaded"


class Provision:
    """Prepares models by *command*. Its methods may be called by several threads, and none of them waits for a child."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._began: float | None = None  # monotonic; None where nothing is being prepared
        self._failed_at: dict[str, float] = {}  # monotonic, by model
        self._is_stopped = False
        self.problem: str | None = None  # why the last attempt failed

    @property
    def spent_s(self) -> float | None:
        """Seconds since the preparing under way began, None where there is none."""
        began = self._began
        return None if began is None else monotonic() - began

    def begin(self, model: str, take_up: Callable[[], bool]) -> None:
        """Begin to prepare *model* unless something is being prepared, or it failed within the last hour.

        take_up: called in a thread once it is prepared; loads it and returns whether it serves. Counts as part of preparing it.
        """
        with self._lock:
            failed_at = self._failed_at.get(model)
            is_due = failed_at is None or monotonic() - failed_at > RETRY_S
            if self._is_stopped or self._began is not None or not is_due:
                return
            self._began = monotonic()
        threading.Thread(target=self._prepare, args=(model, take_up), name="prepare", daemon=True).start()

    def stop(self) -> None:
        """End the child, and begin none any more."""
        with self._lock:
            self._is_stopped = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()

    def _prepare(self, model: str, take_up: Callable[[], bool]) -> None:
        problem: str | None = "preparing it ended with an internal error; the log has it"
        try:
            log("model_preparing")
            problem = self._run_child(model) or (None if take_up() else _UNLOADABLE)
        except Exception as err:  # noqa: BLE001 - a thread must not end without a word, nor leave `spent_s` counting
            log("model_not_prepared", level="error", error=err)
        with self._lock:
            spent_s, self._began = self.spent_s or 0.0, None
            self.problem = problem
            if problem is None:
                self._failed_at.pop(model, None)
            else:
                self._failed_at[model] = monotonic()
        if not self._is_stopped:
            outcome = "model_not_prepared" if problem else "model_prepared"
            log(outcome, level="warning" if problem else "info", duration_ms=spent_s * 1000)

    def _run_child(self, model: str) -> str | None:
        """Prepare *model* in a child; return in words why that failed, None where it did not."""
        with self._lock:
            if self._is_stopped:
                return "the daemon stops"
            child = self._child = self._start(model)
        try:
            said = child.communicate(timeout=LIMIT_S)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return f"preparing it took longer than {LIMIT_S:,.0f} s"
        return _explain(child.returncode, said) if child.returncode else None

    def _start(self, model: str) -> subprocess.Popen[str]:
        name = os.path.realpath(model) if os.path.isdir(model) else model
        child = subprocess.Popen(
            [*self._command, name],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            cwd="/", start_new_session=True, env=get_child_environment() | _CHILD_ENVIRONMENT,
        )  # fmt: skip
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, child.pid, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, child.pid)))
        return child


def _explain(status: int, said: str) -> str:
    """Return what a child wrote as its error, else how it ended."""
    prefix = "ail-daemon: "
    told = [line.removeprefix(prefix) for line in said.splitlines() if line.startswith(prefix)]
    if told:
        return f"{told[-1]:.300}"
    return f"preparing it was ended by signal {-status}" if status < 0 else f"preparing it ended with status {status}"
