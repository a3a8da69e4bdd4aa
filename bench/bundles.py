"""Bundles: what a fresh clone saves by one, and what publishing 100 new commits moves.

python -m bench.bundles REPO [--pairs N]        a clone of a real project, worktree or bare; its HEAD's history counts
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.running import BIN, Home, prepare_models, sealed_home

from .figures import show

NEW = 100


class Added(NamedTuple):
    """An `add --wait` with a daemon of its own: seconds on the clock, seconds of processors, texts encoded."""

    wall_s: float
    cpu_s: float
    encoded: int
    commits: int


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repo")
    parser.add_argument(
        "--pairs", type=int, default=0, help="pairs of `add` without and with a bundle, after the first"
    )
    given = parser.parse_args()
    models = prepare_models()
    with tempfile.TemporaryDirectory() as directory:
        clones = [clone(given.repo, Path(directory) / name) for name in ("first", "second")]
        out = Path(directory) / "out"
        with sealed_home(models) as home:
            without = publish_old(home, clones[0], out)
            show_publishing(home, clones[0], out)
        pairs = [(without, add(models, clones[1], AIL_BUNDLES=str(out)))]
        show_pair(*pairs[0])
        for _ in range(given.pairs):
            pairs.append((add(models, clones[1]), add(models, clones[1], AIL_BUNDLES=str(out))))
            show_pair(*pairs[-1])
    for name in ("wall_s", "cpu_s"):
        ratio = sum(getattr(after, name) / getattr(before, name) for before, after in pairs) / len(pairs)
        show(f"`add --wait` with a bundle to without, by {name}", ratio, "x", "<= .35")


def clone(source: str, target: Path) -> Path:
    """Return a clone of the history of HEAD alone."""
    subprocess.run(
        [
            "git",
            "clone",
            "-q",
            "--bare",
            "--single-branch",
            "--no-tags",
            f"file://{os.path.realpath(source)}",
            str(target),
        ],
        check=True,
    )
    return target


def add(models: Path, repo: Path, **settings: str) -> Added:
    """Enrol *repo* in a home of its own."""
    with sealed_home(models) as home:
        before, began = used_cpu_s(), time.perf_counter()
        with home.daemon(**settings):
            done = home.client("add", str(repo), "--wait", "--timeout", "60")
            wall_s = time.perf_counter() - began
            with home.connected() as call:
                (told,) = call("status")["repos"]
        if done.returncode or told["notice"]:
            raise SystemExit(f"{done.stderr}\n{told}")
        return Added(wall_s, used_cpu_s() - before, told["encoded"], told["commits"])


def used_cpu_s() -> float:
    """Return the processor seconds of all processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def publish_old(home: Home, repo: Path, out: Path) -> Added:
    """Index and publish what is in *repo* without its newest NEW commits, then give it those back; return the first step."""
    branch = git(repo, "symbolic-ref", "HEAD")
    tip, kept = git(repo, "rev-parse", "HEAD"), git(repo, "rev-list", "--topo-order", f"--skip={NEW}", "-1", "HEAD")
    git(repo, "update-ref", branch, kept)
    before, began = used_cpu_s(), time.perf_counter()
    with home.daemon():
        home.client("add", str(repo), "--wait", "--timeout", "60")
        wall_s = time.perf_counter() - began
        with home.connected() as call:
            (told,) = call("status")["repos"]
    added = Added(wall_s, used_cpu_s() - before, told["encoded"], told["commits"])
    began = time.perf_counter()
    print(create(home, repo, out), f"{time.perf_counter() - began:.1f} s")
    git(repo, "update-ref", branch, tip)
    with home.daemon(), home.connected() as call:
        while call("status")["repos"][0]["head"] != tip:
            time.sleep(0.1)
        call.wait_complete(str(repo))
    return added


def show_publishing(home: Home, repo: Path, out: Path) -> None:
    """Publish the new commits; print how many rows and bytes that moved, and what of the old files changed."""
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and not path.suffix}
    print(create(home, repo, out))
    new = [path for path in out.rglob("*") if path.is_file() and path not in before and not path.suffix]
    changed = sum(path.read_bytes() != content for path, content in before.items())
    show(f"{NEW} new commits published: new files", len(new), "", digits=0)
    show("  bytes in them", sum(path.stat().st_size for path in new), "B", digits=0)
    show("  segments changed of those that were there", changed, "", "0", digits=0)
    show("bundle on disk", sum(path.stat().st_size for path in out.rglob("*")) / 1e6, "MB")


def show_pair(without: Added, with_bundle: Added) -> None:
    """Print one pair."""
    show(f"`add --wait` of {without.commits:,} commits, without a bundle", without.wall_s, "s")
    show("  processor time", without.cpu_s, "s")
    show("  texts encoded", without.encoded, "", digits=0)
    show("with a bundle", with_bundle.wall_s, "s")
    show("  processor time", with_bundle.cpu_s, "s")
    show("  texts encoded", with_bundle.encoded, "", "0", digits=0)


def create(home: Home, repo: Path, out: Path) -> str:
    """Publish to *out*; return what the program says."""
    done = home.run(str(BIN / "ail-daemon"), "bundle", "create", str(repo), str(out))
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stderr.strip()


def git(repo: Path, *arguments: str) -> str:
    """Run git; return what it prints."""
    done = subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
