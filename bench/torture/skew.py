"""Version skew under load: clients of an older version are being answered by an older daemon when newer clients come.

The older version is this one under a lower number, in a directory of its own. Each round ends with exactly one daemon, the
newer one; nobody gets an error or a wrong answer.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.running import ROOT

from ail_rpc import VERSION

from .family import family
from .nursery import run_at_once
from .outcome import Figure, Outcome, none
from .scene import Scene, sealed_scene

NEWER = 20
_OLDER = 4
_OLD_VERSION = "0.0.1"


@dataclass
class _Tally:
    """What older clients got, and what went wrong."""

    older_answers: int = 0
    older_errors: int = 0
    newer_errors: int = 0
    not_one: int = 0
    wrong: int = 0
    faults: list[str] = field(default_factory=list)


def run(rounds: int, seed: int) -> Outcome:
    """Replace *rounds* daemons."""
    dice, tally = random.Random(seed), _Tally()
    for _ in range(rounds):
        with sealed_scene() as scene, family() as daemons:
            with _older_daemon(scene), _older_clients(scene, tally):
                shas = [dice.choice(scene.shas) for _ in range(NEWER)]
                calls = [["show", sha, "--json", "--timeout", "60"] for sha in shas]
                ended = run_at_once(calls, scene.home.env, scene.repo)
                living = daemons.wait_for(1)
            for sha, one in zip(shas, ended, strict=True):
                tally.newer_errors += one.status != 0
                tally.wrong += one.status == 0 and json.loads(one.out)["sha"] != sha
                tally.faults += [f"a newer client: {one.err.strip()}"] if one.status else []
            with scene.home.connected() as call:
                told = call("hello")
            tally.not_one += {told["pid"]} != living or told["version"] != VERSION
            scene.home.stop()
    return Outcome(
        (
            none("rounds that did not end with one daemon, the newer", tally.not_one),
            none("newer clients that got an error", tally.newer_errors),
            none("older clients that got an error", tally.older_errors),
            none("wrong answers", tally.wrong),
            Figure("answers to older clients meanwhile", float(tally.older_answers), at_least=1),
        ),
        tuple(tally.faults),
    )


def _make_older(directory: Path) -> Path:
    """Return a directory of packages: this version's, but for its number."""
    older = directory / "older"
    for room in ("client/ail_rpc", "client/ail_client", "daemon/ail_daemon"):
        source = ROOT / room
        target = older / source.name
        target.mkdir(parents=True)
        for each in source.iterdir():
            (target / each.name).symlink_to(each)
    init = older / "ail_rpc" / "__init__.py"
    text = init.read_text().replace(f'VERSION = "{VERSION}"', f'VERSION = "{_OLD_VERSION}"')
    init.unlink()
    init.write_text(text)
    return older


@contextmanager
def _older_daemon(scene: Scene) -> Iterator[None]:
    """Run the older daemon until it is replaced."""
    env = {**scene.home.env, "PYTHONPATH": str(_make_older(scene.home.directory))}
    command = [sys.executable, "-m", "ail_daemon.cli", "run", "--ready-fd", "1"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        assert process.stdout.readline()
        scene.enrol()
        with scene.home.connected() as call:
            assert call("hello")["version"] == _OLD_VERSION
        yield
        process.wait(30)


@contextmanager
def _older_clients(scene: Scene, tally: _Tally) -> Iterator[None]:
    """Have a few older clients ask one after the other until the block ends; they start nothing."""
    ended, is_asking = threading.Event(), threading.Barrier(_OLDER + 1)
    env = {"PYTHONPATH": str(scene.home.directory / "older")}
    program = "import sys; from ail_client.cli import main; sys.exit(main())"

    def ask_on() -> None:
        waiting: threading.Barrier | None = is_asking
        while not ended.is_set():
            sha = scene.shas[tally.older_answers % len(scene.shas)]
            asked = ("show", sha, "--json", "--timeout", "60", "--repo", str(scene.repo))
            done = scene.home.run(sys.executable, "-c", program, *asked, env=env)
            if done.returncode:
                tally.older_errors += 1
                tally.faults.append(f"an older client: {done.stderr.strip()}")
            else:
                tally.older_answers += 1
                tally.wrong += json.loads(done.stdout)["sha"] != sha
            if waiting:
                waiting.wait(60)
                waiting = None

    threads = [threading.Thread(target=ask_on) for _ in range(_OLDER)]
    for thread in threads:
        thread.start()
    is_asking.wait(60)
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
