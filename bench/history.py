"""Times reading a repository's whole history against `git log`, in alternating pairs.

    python bench/history.py DIR [--pairs N] [--changes]

Prints each pair and the median ratio: tips, walk and commits with paths over `git log --name-only --format=%B`; with
--changes, changed lines over `git log -p -U0`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable

from ail_daemon.history.opening import History, open_history
from ail_rpc.discovery import find_repository

PATCHES = ("log", "--all", "-p", "-U0", "--format=%H")
"""git's words for all changed lines of a history."""


def main() -> None:
    """Run the pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--changes", action="store_true")
    options = parser.parse_args()
    place = find_repository(options.directory)
    history = open_history(place)
    tips = history.read_tips()
    print(f"{place.root}: {len(tips.refs)} refs, tips read in {_time(history.read_tips):.3f} s")
    git = ["git", "--git-dir", place.git_dir]
    log = [*git, "log", "--all", "--name-only", "--format=%B"]
    _compare("commits", lambda: _read_commits(history), log, options.pairs)
    if options.changes:
        _compare("changes", lambda: _read_changes(history), [*git, *PATCHES], options.pairs)
    print(f"skipped: {len(set(history.skipped))}")


def _read_commits(history: History) -> str:
    commits = paths = 0
    for commit in history.iter_commits(history.iter_shas(history.read_tips().shas)):
        commits += 1
        paths += len(commit.paths)
    return f"{commits} commits, {paths} paths"


def _read_changes(history: History) -> str:
    commits = characters = 0
    for _, text, _ in history.iter_changes(history.iter_shas(history.read_tips().shas)):
        commits += 1
        characters += len(text)
    return f"{commits} commits, {characters} characters"


def _compare(name: str, ours: Callable[[], str], theirs: list[str], pairs: int) -> None:
    ratios = []
    for _ in range(pairs):
        our_s = _time(lambda: print(f"{name}: {ours()}", end=" "))
        their_s = _time(
            lambda: subprocess.run(theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        )
        ratios.append(our_s / their_s)
        print(f"{our_s:.3f} s, git log {their_s:.3f} s, ratio {ratios[-1]:.2f}")
    print(f"{name}: median ratio {statistics.median(ratios):.2f} of {pairs} pairs")


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
