"""400 enrolled repositories in which nothing happens: what the daemon takes of watches, threads, processor and wake-ups.

python -m bench.idle [SECONDS] [REPOSITORIES]
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.indexed import enrol
from tests.moving import run_git
from tests.running import Calling, Home, sealed_home

from .figures import show

SECONDS, REPOSITORIES = 600.0, 400
BRANCHES = ("main", "topic", "fix/one", "team/ann/wip", "team/bob/wip", "team/bob/deep/er")


@dataclass(frozen=True)
class Usage:
    """What the daemon and its children used up to now; watches is a snapshot, by inode."""

    cpu_s: float
    wake_ups: int
    threads: int
    watches: list[str]


def main() -> None:
    """Enrol, let everything settle, sleep, and print the difference."""
    spell_s = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    count = int(sys.argv[2]) if len(sys.argv) > 2 else REPOSITORIES
    with tempfile.TemporaryDirectory(prefix="idle") as top, sealed_home() as home, home.daemon() as daemon:
        repos = _make_repositories(Path(top), count)
        with home.connected() as call:
            _enrol(home, call, repos)
        before = _read_usage(daemon.pid)
        time.sleep(spell_s)
        after = _read_usage(daemon.pid)
        print(f"{count} repositories, {spell_s:.0f} s")
        _show(before, after, spell_s, _count_by_repository(after.watches, repos))


def _make_repositories(top: Path, count: int) -> list[Path]:
    """Return repositories with a remote, tags, nested branches and a linked worktree each."""
    first = top / "0"
    run_git(top, "init", "-q", "-b", "main", "0")
    run_git(first, "commit", "-q", "--allow-empty", "-m", "Begin because something has to")
    for ref in (*(f"heads/{name}" for name in BRANCHES), "remotes/origin/main", "tags/v1"):
        run_git(first, "update-ref", f"refs/{ref}", "HEAD")
    repos = [first, *(top / str(number) for number in range(1, count))]
    for repo in repos[1:]:
        shutil.copytree(first, repo)
    for repo in repos:
        run_git(repo, "worktree", "add", "-q", "--detach", f"../tree{repo.name}")
    return repos


def _enrol(home: Home, call: Calling, repos: list[Path]) -> None:
    for one in [enrol(home, call, repo) for repo in repos]:
        one.wait_right(600)
    while any(told["phase"] != "idle" for told in call("status")["repos"]):
        time.sleep(0.5)


def _read_usage(pid: int) -> Usage:
    daemon = psutil.Process(pid)
    family = [daemon, *daemon.children(recursive=True)]
    ended = daemon.cpu_times()
    cpu_s = ended.children_user + ended.children_system + sum(sum(one.cpu_times()[:2]) for one in family)
    return Usage(cpu_s, sum(map(_count_wake_ups, family)), sum(one.num_threads() for one in family), _list_watches(pid))


def _count_wake_ups(process: psutil.Process) -> int:
    """Return how often the process's threads gave up the processor to wait: each such wait ends in a wake-up."""
    total = 0
    for path in glob.glob(f"/proc/{process.pid}/task/*/status"):
        for line in Path(path).read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def _list_watches(pid: int) -> list[str]:
    """Return the inode of every directory that the process has an inotify watch on, in hexadecimal."""
    lines = [line for path in glob.glob(f"/proc/{pid}/fdinfo/*") for line in Path(path).read_text().splitlines()]
    return [line.split("ino:")[1].split()[0] for line in lines if line.startswith("inotify wd:")]


def _count_by_repository(watches: list[str], repos: list[Path]) -> Counter[Path]:
    owners = {}
    for repo in repos:
        for directory, *_ in os.walk(repo / ".git"):
            owners[f"{os.stat(directory).st_ino:x}"] = repo
        owners[f"{repo.stat().st_ino:x}"] = repo
    found = Counter(dict.fromkeys(repos, 0))
    found.update(owners[inode] for inode in watches if inode in owners)
    return found


def _show(before: Usage, after: Usage, spell_s: float, by_repository: Counter[Path]) -> None:
    show("watches of the repository that has most", float(max(by_repository.values(), default=0)), "", "10", digits=0)
    show("repositories without a watch", float(list(by_repository.values()).count(0)), "", "0", digits=0)
    show("watches in all", float(len(after.watches)), "", digits=0)
    show("threads and the children's, before", float(before.threads), "", digits=0)
    show("threads and the children's, after", float(after.threads), "", "the same", digits=0)
    show("processor", (after.cpu_s - before.cpu_s) / spell_s * 100, "%", "0.1", digits=3)
    show("wake-ups a second", (after.wake_ups - before.wake_ups) / spell_s, "", "1", digits=3)


if __name__ == "__main__":
    main()
