"""Where most scenarios play: a sealed home, a small repository, a real daemon that has read it, and what it answers."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.indexed import enrol
from tests.moving import git_environment, run_git
from tests.running import Calling, Home, sealed_home

from ail_client.connection import connect
from ail_client.deadline import Deadline

COMMITS = 50
LATE_S = 2.0
"""What a witness takes for late, unless told otherwise."""


LAZY = 4
"""A pool's last thread, and what it opens, may come at any time: so many descriptors or threads more are no leak."""


@dataclass
class Scene:
    """A home, the repository in it, its commits' shas, oldest first."""

    home: Home
    repo: Path
    shas: list[str]
    pid: int = 0

    @property
    def process(self) -> psutil.Process:
        """The daemon's process."""
        return psutil.Process(self.pid)

    def count_descriptors(self) -> int:
        """Return how many descriptors the daemon has open."""
        return self.process.num_fds()

    def get_rss_bytes(self) -> int:
        """Return the daemon's resident memory."""
        return int(self.process.memory_info().rss)

    def enrol(self) -> None:
        """Have the running daemon read the repository to the end."""
        with self.home.connected() as call:
            self.pid = call("hello")["pid"]
            enrol(self.home, call, self.repo).wait_right(60)
            while call("status")["repos"][0]["phase"] != "idle":
                time.sleep(0.02)
        self._fill_pools()

    def _fill_pools(self) -> None:
        """Ask enough at once that every thread the daemon makes when needed is there, with its own reading of the store."""
        with connect(str(self.home.socket), Deadline(60)) as connection:
            repo = str(self.repo)
            for _ in range(3):
                ids = [connection.post("show", {"repo": repo, "sha": sha}) for sha in self.shas[:16]]
                ids += [connection.post("repo.add", {"repo": repo}) for _ in range(16)]
                connection.flush(Deadline(60))
                for request_id in ids:
                    connection.receive(request_id, Deadline(60))


@contextlib.contextmanager
def sealed_scene() -> Iterator[Scene]:
    """Make a home with a repository of 50 commits, and no daemon."""
    with sealed_home() as home:
        repo = home.directory / "repo"
        repo.mkdir()
        run_git(home.directory, "init", "-q", "-b", "main", "repo")
        subprocess.run(
            ["git", "fast-import", "--quiet"],
            cwd=repo,
            env=git_environment(),
            input=_write_history(),
            check=True,
            text=True,
        )
        yield Scene(home, repo, run_git(repo, "rev-list", "--reverse", "main").split())


@contextlib.contextmanager
def served_scene(**env: str) -> Iterator[Scene]:
    """Make the same with a daemon that has read the repository; *env* adds to the daemon's environment."""
    with sealed_scene() as scene, scene.home.daemon(**env):
        scene.enrol()
        yield scene


def _write_history() -> str:
    return "".join(
        f"commit refs/heads/main\ncommitter Ann <ann@example.org> {1_700_000_000 + 60 * number} +0000\n"
        f"data <<E\nSay part {number} twice\n\nIt is said twice because listener {number} hears half.\nE\n"
        f"M 100644 inline part{number}.txt\ndata <<E\npart {number}\nE\n\n"
        for number in range(COMMITS)
    )


@dataclass
class Witness:
    """A well-behaved client on one connection, asking all the time while others misbehave."""

    scene: Scene
    limit_s: float = LATE_S
    wrong: list[str] = field(default_factory=list)
    asked: int = 0
    slowest_s: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    def ask_once(self, call: Calling) -> None:
        """Ask for one commit, and note whether the reply was its own and in time."""
        sha = self.scene.shas[self.asked % len(self.scene.shas)]
        started = time.monotonic()
        try:
            told: Any = call("show", repo=str(self.scene.repo), sha=sha)["sha"]
        except Exception as err:  # noqa: BLE001 - whatever goes wrong is what is looked for
            told = repr(err)
        spent_s = time.monotonic() - started
        self.asked += 1
        self.slowest_s = max(self.slowest_s, spent_s)
        if told != sha:
            self.wrong.append(f"asked for {sha}, got {told}")
        elif spent_s > self.limit_s:
            self.wrong.append(f"answered after {spent_s:.1f} s")

    def ask_on(self, every_s: float) -> None:
        """Ask until the end."""
        with self.scene.home.connected() as call:
            while not self._ended.wait(every_s):
                self.ask_once(call)

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()


@contextlib.contextmanager
def witness(scene: Scene, limit_s: float = LATE_S, every_s: float = 0.05) -> Iterator[Witness]:
    """Have a witness ask beside the block, on one connection kept open all the while."""
    asking = Witness(scene, limit_s)
    thread = threading.Thread(target=asking.ask_on, args=(every_s,))
    thread.start()
    try:
        yield asking
    finally:
        asking.end()
        thread.join()
