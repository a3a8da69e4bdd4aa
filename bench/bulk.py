"""Questions while a large history is embedded and the repository goes on moving: every second a commit, an amend or a reset.

python -m bench.bulk [--commits N] [--questions N]
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.running import Calling, Home, prepare_models, sealed_home

from ail_rpc.errors import AilError

from .figures import percentile, show

COMMITS, QUESTIONS = 80_000, 200
EVERY_S = 1.0
"""Between two moves of the repository."""
_PAUSE_S = 0.2
_WORDS = (
    "queue", "report", "ledger", "upload", "retry", "socket", "cache", "parser", "index", "proxy", "timeout", "lock", "worker",
    "signal", "thread",
)  # fmt: skip


class Mover:
    """Moves a repository every second, and knows which commits it left behind."""

    def __init__(self, home: Home, repo: Path) -> None:
        self._home = home
        self._repo = repo
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.gone: set[str] = set()
        self.moves = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        moves: itertools.cycle[Callable[[], None]] = itertools.cycle((self._commit, self._amend, self._reset))
        while not self._stopping.wait(EVERY_S):
            next(moves)()
            self.moves += 1

    def _commit(self) -> None:
        self._git("commit", "-q", "--allow-empty", "-m", f"Step {self.moves}")

    def _amend(self) -> None:
        self._leave("HEAD~1")
        self._git("commit", "-q", "--allow-empty", "--amend", "-m", f"Step {self.moves}, said better")
        self._note_left()

    def _reset(self) -> None:
        self._leave("HEAD~3")
        self._git("reset", "-q", "--soft", "HEAD~3")
        self._note_left()

    def _leave(self, base: str) -> None:
        self._leaving = self._git("rev-list", f"{base}..HEAD").split()

    def _note_left(self) -> None:
        self.gone.update(self._leaving)

    def _git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "gc.auto=0")
        done = self._home.run("git", "-C", str(self._repo), *who, *arguments)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout


def make_history(repo: Path, commits: int) -> None:
    """Make a repository of so many small commits, each with a message of its own."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    importing = subprocess.Popen(["git", "-C", str(repo), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert importing.stdin
    for number in range(commits):
        when = f"Ann <ann@example.org> {1_500_000_000 + 60 * number} +0000"
        words = [_WORDS[number // 15**place % 15] for place in range(4)]
        title = f"Change {number}: {words[0]} the {words[1]}"
        message = f"{title}\n\nThe {words[2]} lost its {words[3]} whenever {number} came late.\n"
        importing.stdin.write(
            f"commit refs/heads/main\nauthor {when}\ncommitter {when}\ndata {len(message)}\n{message}"
            f"M 100644 inline f{number % 50}\ndata {len(str(number))}\n{number}\n\n".encode()
        )
    importing.stdin.close()
    if importing.wait():
        raise SystemExit("git fast-import failed")
    subprocess.run(["git", "-C", str(repo), "reset", "-q", "--hard"], check=True)


def ask(call: Calling, repo: Path, mover: Mover, questions: int) -> tuple[list[float], int, int]:
    """Return the milliseconds of each question, how many failed, and how many citations were gone before they were asked for."""
    times, errors, stale = [], 0, 0
    for number in range(questions):
        first, second = _WORDS[number % 15], _WORDS[number // 15 % 15]
        gone = frozenset(mover.gone)
        started = time.perf_counter()
        try:
            reply = call(
                "ask", repo=str(repo), question=f"why was the {first} of the {second} changed?", mode="lexical"
            )
        except AilError as err:
            errors += 1
            print(err.message)
        else:
            stale += sum(one["sha"] in gone for one in reply["citations"])
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(_PAUSE_S)
    return times, errors, stale


def wait_for(call: Calling, phase: str) -> float:
    """Return after how many seconds the update reached *phase*."""
    started = time.monotonic()
    while call("status")["repos"][0]["phase"] != phase:
        time.sleep(0.1)
    return time.monotonic() - started


def main() -> None:
    """Ask while commits are read, then while they are embedded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commits", type=int, default=COMMITS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
        repo = Path(directory) / "repo"
        make_history(repo, given.commits)
        with home.daemon(), home.connected() as call:
            call("repo.add", repo=str(repo))
            for phase in ("reading", "embedding"):
                wait_for(call, phase)
                with Mover(home, repo) as mover:
                    times, errors, stale = ask(call, repo, mover, given.questions if phase == "embedding" else 50)
                (told,) = call("status")["repos"]
                name = f"{given.commits:,} commits, {phase} (then {told['phase']}), {mover.moves} moves"
                show(f"{name}: p50", percentile(times, 0.5), "ms")
                show(f"{name}: p95 of {len(times)} questions", percentile(times, 0.95), "ms", "<= 100")
                show(f"{name}: slowest", max(times), "ms")
                show(f"{name}: errors", errors, "", "0", digits=0)
                show(f"{name}: citations of what was gone", stale, "", "0", digits=0)


if __name__ == "__main__":
    main()
