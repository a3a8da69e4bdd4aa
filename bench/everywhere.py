"""`ask --all` over many repositories: how long a question takes, and whether it is answered from the right one.

python -m bench.everywhere MIRRORS [--repos N] [--commits N] [--questions N]

The repositories are slices of the histories below the directory MIRRORS, each of so many commits; where these histories are too
short for so many, the last slices are halves of two others.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from tests.running import BIN, NO_WEIGHTS, Calling, Home, prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL
from ail_daemon.encoding.prepared import find_prepared
from ail_daemon.index.store import STORE_FILE, Store

from .figures import percentile, show

SEED = 15
LONGEST = 50_000
"""Commits of the longest history that is cut."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--repos", type=int, default=40)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument(
        "--random", action="store_true", help="embeddings by chance, to measure time over histories too long to encode"
    )
    parser.add_argument("--keep", type=Path, help="a directory for the slices and their indexes, made at the first run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
        slices = make_slices(given.mirrors, given.keep or Path(directory), given.repos, given.commits)
        build(home, slices, given.keep, is_random=given.random)
        with home.daemon(), home.connected() as call:
            measure(call, slices, given.questions, is_random=given.random)


def make_slices(mirrors: Path, into: Path, count: int, commits: int) -> list[Path]:
    """Return *count* bare repositories of *commits* commits each, cut from different times of the mirrors' histories."""
    sources = sorted(
        path.parent for path in mirrors.glob("**/objects") if path.is_dir() and (path.parent / "HEAD").is_file()
    )
    slices: list[Path] = []
    for skip in (*range(0, LONGEST, commits), *range(commits // 2, LONGEST, commits)):
        for source in sources:
            target = into / f"{source.parent.name}-{source.name.removesuffix('.git')}-{skip}.git"
            if len(slices) < count and (target.exists() or cut(source, target, skip, commits)):
                slices.append(target)
    return slices


def cut(source: Path, target: Path, skip: int, commits: int) -> bool:
    """Make *target* of messages, dates and authors of *source*; return whether that has so many commits."""
    log = subprocess.run(
        ["git", "-C", str(source), "log", "--no-merges", f"--skip={skip}", f"-{commits}", "-z",
         "--format=%an%x01%at%x01%B", "HEAD"],
        check=True, capture_output=True,
    )  # fmt: skip
    rows = [row.split(b"\x01", 2) for row in log.stdout.split(b"\0") if row.count(b"\x01") >= 2]
    if len(rows) < commits // 2:
        return False
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(target)], check=True)
    stream = b"".join(write_commit(*row) for row in reversed(rows))
    subprocess.run(["git", "-C", str(target), "fast-import", "--quiet"], input=stream, check=True)
    return True


def write_commit(author: bytes, when: bytes, message: bytes) -> bytes:
    """Return a commit without files, for fast-import."""
    who = (
        author.replace(b"<", b"").replace(b">", b"").replace(b"\n", b" ")
        + b" <a@example.org> "
        + when.strip()
        + b" +0000"
    )
    return b"commit refs/heads/main\nauthor %s\ncommitter %s\ndata %d\n%s\n" % (who, who, len(message), message)


def build(home: Home, slices: list[Path], keep: Path | None, *, is_random: bool) -> None:
    """Index all of *slices*, below *keep* where it is given: the next run finds them there."""
    began = time.perf_counter()
    if keep:
        kept = keep / ("by-chance" if is_random else "encoded")
        is_built = kept.exists()
        kept.mkdir(exist_ok=True)
        (home.state / "repos").symlink_to(kept.resolve())
        if is_built:
            return
    by_words = {"AIL_MODEL": NO_WEIGHTS} if is_random else {}
    done = home.run(str(BIN / "ail-daemon"), "build", *map(str, slices), env=by_words)
    if done.returncode:
        sys.exit(done.stderr)
    if is_random:
        for store in (home.state / "repos").glob(f"*/{STORE_FILE}"):
            embed_by_chance(store, home.state / "models")
    show(f"{len(slices)} repositories indexed", time.perf_counter() - began, "s")


def embed_by_chance(path: Path, models: Path) -> None:
    """Give every text of a store a direction by chance."""
    prepared = find_prepared(models, DEFAULT_MODEL)
    assert prepared
    store, dice = Store(path), np.random.default_rng(SEED)
    store.set_meta(model_id=prepared.model_id)
    hashes = store.list_unembedded()
    for start in range(0, len(hashes), 16 * 2048):
        part = [hashes[at : at + 16] for at in range(start, min(start + 16 * 2048, len(hashes)), 16)]
        rows = dice.standard_normal((len(part), prepared.manifest.dimension)).astype(np.float32)
        store.add_embeddings(part, rows / np.linalg.norm(rows, axis=1, keepdims=True))
    store.close()


def measure(call: Calling, slices: list[Path], questions: int, *, is_random: bool) -> None:
    """Ask about commits of every slice; print times, and how often the answer is of the project that was asked about."""
    dice = random.Random(SEED)
    asked = [make_question(slices[number % len(slices)], dice) for number in range(questions)]
    call("ask.all", question="why is the first question slow?", timeout=60)  # opens every index
    daemon = psutil.Process(call("status")["pid"])
    times, used, searched, right = [], [], 0, 0
    for source, question in asked:
        began, before = time.perf_counter(), sum(daemon.cpu_times()[:2])
        reply = call("ask.all", question=question, no_cache=True)
        times.append((time.perf_counter() - began) * 1000)
        used.append((sum(daemon.cpu_times()[:2]) - before) * 1000)
        searched += reply["repos"]["searched"]
        right += [get_project(one["repo"]) for one in reply["citations"][:1]] == [get_project(os.fspath(source))]
    total = reply["index"]["commits"]
    show(f"ask --all over {len(slices)} repositories, {total:,} commits: p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 250")
    show("  the daemon's processor time, of two threads: p50", percentile(used, 0.5), "ms")
    show("    p95", percentile(used, 0.95), "ms")
    show("  repositories searched in full, on average", searched / len(asked), "")
    if not is_random:
        show("  the first citation is of the project that was asked about", right / len(asked), "", digits=3)


def get_project(slice_path: str) -> str:
    """Return the project that a slice was cut from: slices may overlap."""
    return os.path.basename(slice_path).rpartition("-")[0]


def make_question(repo: Path, dice: random.Random) -> tuple[Path, str]:
    """Return a question in the words of a commit of *repo*."""
    subjects = subprocess.run(
        ["git", "-C", str(repo), "log", "--format=%s", "-300"],
        check=True,
        capture_output=True,
        text=True,
        errors="replace",
    ).stdout.splitlines()
    long = [one for one in subjects if len(one.split()) >= 5] or subjects
    return repo.resolve(), f"why {dice.choice(long).strip().rstrip('.').lower()}?"


if __name__ == "__main__":
    main()
