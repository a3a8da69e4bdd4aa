"""What leaving files out costs where git reads changed lines: by attributes, as the daemon does it, and by pathspecs.

    python -m bench.changes REPO [--commits N] [--pairs N]

REPO: a repository with a long history. Whole runs of git over the same commits, in turn.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

from ail_daemon.history.changes import DIFF, NARROWED

from .figures import percentile, show


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repo", type=Path)
    parser.add_argument("--commits", type=int, default=2048)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    shas = run(given.repo, b"", "rev-list", "--no-merges", f"-{given.commits}", "HEAD")
    ways = {"by attributes": DIFF, "by pathspecs": NARROWED}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.pairs):
        for name, way in ways.items():
            began = time.perf_counter()
            run(given.repo, shas, *way)
            times[name].append(time.perf_counter() - began)
    attributes, pathspecs = (percentile(times[name], 0.5) for name in ways)
    show(f"changed lines of {len(shas.split()):,} commits, left out by attributes", attributes, "s")
    show("  by pathspecs", pathspecs, "s")
    show("  ratio", attributes / pathspecs, "x")


def run(repo: Path, shas: bytes, *words: str) -> bytes:
    """Run git; return what it prints."""
    return subprocess.run(["git", "-C", str(repo), *words], input=shas, capture_output=True, check=True).stdout


if __name__ == "__main__":
    main()
