"""An hour of ordinary life: four clients ask, a commit a second moves one of twenty repositories; memory, descriptors, threads.

A round is a minute. The first sixth is warm-up: caches fill, allocators settle, and commits come ten times as fast, for a word
index has as many files as it keeps, each with its readers, only after some eighty of them: at one a second that takes the
twenty repositories 25 minutes. What grows after that is told as a slope, by least squares, since a single sample is noise.
Branches are reset now and then, so that histories stay as long as they are: what grows is not what is stored (an embedding
is 768 bytes). `AIL_SOAK_PICTURE=FILE` draws the samples.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.moving import run_git
from tests.running import Home, prepare_models, sealed_home

from ail_rpc.errors import AilError

from .chart import Sample, draw
from .outcome import Figure, Outcome, none
from .subject import QUESTIONS, make_repository

REPOS, CLIENTS = 20, 4
_SAMPLE_S, _PAUSE_S = 2.0, 0.1
_COMMIT_S, _WARMING_S = 1.0, 0.1
_WARM_UP = 1 / 6
_MIB = 1 << 20
_TELLING_S = 1800.0  # a slope over less is the noise of an allocator
_OF_SECOND = 2.0  # descriptors of a second connection, which a repository gets when two reads first meet in it


@dataclass
class Life:
    """What happens at the same time, and what came of it."""

    home: Home
    repos: list[Path]
    seed: int
    limit_s: float | None = None
    samples: list[Sample] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    asked: int = 0
    commits: int = 0
    _warm_at: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    def live(self, pid: int, seconds: float) -> None:
        """Ask and commit for so long, and take samples."""
        started, daemon = time.monotonic(), psutil.Process(pid)
        self._warm_at = started + seconds * _WARM_UP
        work = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CLIENTS)]
        work.append(threading.Thread(target=self._commit_on))
        for one in work:
            one.start()
        while (at_s := time.monotonic() - started) < seconds:
            with daemon.oneshot():
                held = daemon.memory_info().rss / _MIB, daemon.num_fds(), daemon.num_threads()
            self.samples.append(Sample(at_s, *held))
            self._ended.wait(_SAMPLE_S)
        self._ended.set()
        for one in work:
            one.join()

    def _ask_on(self, number: int) -> None:
        dice = random.Random(self.seed + number)
        limit = {} if self.limit_s is None else {"timeout": self.limit_s}
        with self.home.connected() as call:
            while not self._ended.wait(_PAUSE_S):
                question = f"{dice.choice(QUESTIONS)} {dice.randrange(400) or ''}"
                repo, no_cache = str(dice.choice(self.repos)), dice.random() < 0.5
                try:
                    call("ask", repo=repo, question=question, no_cache=no_cache, **limit)
                except AilError as err:
                    self.errors.append(f"client {number}: {err!r}")
                self.asked += 1

    def _commit_on(self) -> None:
        """Commit once a second, or faster; now and then amend, or reset the branch to where it began."""
        dice = random.Random(self.seed)
        while not self._ended.wait(_WARMING_S if time.monotonic() < self._warm_at else _COMMIT_S):
            repo = dice.choice(self.repos)
            self.commits += 1
            parent = dice.choices(("main", "main~1", "refs/tips/begun"), (75, 20, 5))[0]
            tree = run_git(repo, "rev-parse", "main^{tree}").strip()
            message = f"Mend number {self.commits}\n\nIt was mended because report {dice.randrange(10**6)} said so."
            made = run_git(repo, "commit-tree", tree, "-p", parent, "-m", message)
            run_git(repo, "update-ref", "refs/heads/main", made)


def run(rounds: int, seed: int, limit_s: float | None = None) -> Outcome:
    """Live for *rounds* minutes; a question may take *limit_s* seconds, None: as long as the daemon's settings say."""
    with sealed_home(prepare_models()) as home:
        repos = _make_repositories(home.directory)
        with home.daemon() as daemon:
            with home.connected() as call:
                for repo in repos:
                    call("repo.add", repo=str(repo))
                for repo in repos:
                    call.wait_complete(str(repo))
            life = Life(home, repos, seed, limit_s)
            life.live(daemon.pid, rounds * 60.0)
    if picture := os.environ.get("AIL_SOAK_PICTURE"):
        Path(picture).write_text(draw(life.samples))
    return _judge(life)


def _judge(life: Life) -> Outcome:
    warm = [one for one in life.samples if one.at_s > life.samples[-1].at_s * _WARM_UP]
    first, last = warm[: len(warm) // 6 or 1], warm[-(len(warm) // 6 or 1) :]
    is_long = life.samples[-1].at_s > _TELLING_S
    return Outcome(
        (
            Figure("questions asked", float(life.asked)),
            Figure("commits made", float(life.commits)),
            Figure("resident memory at the end", statistics.median(s.rss_mib for s in last), unit="MiB", digits=1),
            Figure(
                "its growth after warm-up, an hour",
                _slope(warm, "rss_mib"),
                at_most=1.0 if is_long else None,
                unit="MiB",
                digits=2,
            ),
            Figure(
                "descriptors more at the end",
                _grown(first, last, "descriptors"),
                at_most=0.0 if is_long else _OF_SECOND * REPOS,
            ),
            Figure("threads more at the end", _grown(first, last, "threads"), at_most=0.0),
            none("errors", len(life.errors)),
        ),
        tuple(life.errors),
    )


def _slope(samples: list[Sample], name: str) -> float:
    """Return by how much a figure grows in an hour."""
    slope, _ = statistics.linear_regression(
        [one.at_s for one in samples], [float(getattr(one, name)) for one in samples]
    )
    return slope * 3600


def _grown(first: list[Sample], last: list[Sample], name: str) -> float:
    """Return how much more the least of the *last* is than the most of the *first*: what is opened and closed is no leak."""
    return float(max(0, min(getattr(one, name) for one in last) - max(getattr(one, name) for one in first)))


def _make_repositories(top: Path) -> list[Path]:
    repos = [top / f"{number}.git" for number in range(REPOS)]
    for repo in repos:
        make_repository(repo)
        run_git(repo, "update-ref", "refs/heads/main", "refs/tips/begun")
    return repos
