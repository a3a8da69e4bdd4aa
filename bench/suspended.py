"""A daemon that stands still (SIGSTOP) while 20,000 files are written and 500 commits made: caught up how soon after SIGCONT.

    python -m bench.suspended [COMMITS]

The files are written in the work tree and committed. As many again come and go in a directory that is watched, so that the
kernel's queue of events runs over: what happened then is told to nobody.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.indexed import Indexed, enrol
from tests.moving import read_reachable, run_git
from tests.running import sealed_home

from .figures import seconds, show

COMMITS, FILES = 500, 20_000
LIMIT_S = 120.0


def main() -> None:
    """Stop, write, go on, wait."""
    commits = int(sys.argv[1]) if len(sys.argv) > 1 else COMMITS
    with tempfile.TemporaryDirectory(prefix="suspended") as top, sealed_home() as home, home.daemon() as daemon:
        repo = Path(top)
        run_git(repo, "init", "-q", "-b", "main")
        run_git(repo, "commit", "-q", "--allow-empty", "-m", "Begin")
        with home.connected() as call:
            indexed = enrol(home, call, repo)
            indexed.wait_right(LIMIT_S)
        daemon.send_signal(signal.SIGSTOP)
        try:
            _work(repo, commits)
        finally:
            daemon.send_signal(signal.SIGCONT)
        _show(indexed, commits)


def _work(repo: Path, commits: int) -> None:
    for number in range(commits):
        for part in range(FILES // commits):
            (repo / f"{number:03}-{part}.txt").write_text(f"{number}\n")
        run_git(repo, "add", "-A")
        run_git(repo, "commit", "-q", "-m", f"Say {number} because it is next")
    for _ in range(FILES):
        passing = repo / ".git" / "refs" / "heads" / "passing.lock"
        passing.write_text("")
        passing.unlink()


def _show(indexed: Indexed, commits: int) -> None:
    reachable = read_reachable(indexed.repo)
    assert len(reachable) == commits + 1
    spent_s = seconds(lambda: indexed.wait_right(LIMIT_S))
    show(f"{commits} commits and {2 * FILES:,} files behind: caught up after", spent_s, "s", "10")
    show("commits missed", float(len(reachable - indexed.read())), "", "0", digits=0)


if __name__ == "__main__":
    main()
