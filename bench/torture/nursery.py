"""Many clients that start at the same moment: forked from one process that has imported `ail-client`, held at a gate.

As a program (`python -m bench.torture.nursery`) it reads a JSON list of argument lists and prints as many results. `exec` of so
many interpreters would spread them over seconds; what runs behind the gate is the client's own `main`, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.running import ROOT


class Ended(NamedTuple):
    """How one client ended, and after how many seconds."""

    status: int
    out: str
    err: str
    spent_s: float


def run_at_once(calls: Sequence[Sequence[str]], env: Mapping[str, str], cwd: Path) -> list[Ended]:
    """Run `ail-client` with each of the argument lists, all at once; return how each ended, in the lists' order."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.torture.nursery", str(cwd)],
        input=json.dumps([list(call) for call in calls]),
        env={**env, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Ended(*told) for told in json.loads(done.stdout)]


def main() -> None:
    """Fork, open the gate, collect."""
    calls = json.load(sys.stdin)
    from ail_client.cli import main as client

    os.chdir(sys.argv[1])
    del os.environ["PYTHONPATH"]
    gate, opening = os.pipe()
    ready, telling = os.pipe()
    with tempfile.TemporaryDirectory(prefix="nursery") as top:
        born = {}
        for number, argv in enumerate(calls):
            pid = os.fork()
            if pid == 0:
                os.close(opening)
                _live(client, argv, f"{top}/{number}", gate, telling)
            born[pid] = number
        for _ in calls:
            os.read(ready, 1)
        started = time.monotonic()
        os.close(opening)
        ended: list[Ended | None] = [None] * len(calls)
        while born:
            pid, status = os.wait()
            if pid in born:
                place = f"{top}/{(number := born.pop(pid))}"
                ended[number] = _read(place, status, time.monotonic() - started)
        json.dump(ended, sys.stdout)


def _live(client: object, argv: list[str], place: str, gate: int, telling: int) -> None:
    """Be a client: wait at the gate, run, end without a word to the parent."""
    assert callable(client)
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        file = os.open(place + suffix, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    os.write(telling, b"x")
    os.read(gate, 1)
    status = 99
    try:
        status = client(argv)
    except SystemExit as err:
        status = int(err.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read(place: str, status: int, spent_s: float) -> Ended:
    out, err = (Path(place + suffix).read_text(errors="replace") for suffix in (".out", ".err"))
    return Ended(os.waitstatus_to_exitcode(status), out, err, round(spent_s, 3))


if __name__ == "__main__":
    main()
