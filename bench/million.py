"""A very long history of small commits, from mirrors' messages, paths and dates: how fast words are indexed as it grows.

python -m bench.million MIRRORS [--commits N] [--into DIR]

Prints, for each tenth, commits a second by the clock and by the daemon's processor time: the second is what a busy machine leaves
comparable. MIRRORS: a directory with bare repositories below it.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from tests.running import NO_WEIGHTS, Calling, sealed_home

from .figures import percentile, seconds, show

PARTS = 10
_FORMAT = "--format=%x02%ct%x01%an%x01%B%x01"
_PATHS_MAX = 20


class Change(NamedTuple):
    """One commit of a mirror: time, author, message, paths."""

    time: int
    author: bytes
    message: bytes
    paths: list[bytes]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--commits", type=int, default=200_000)
    parser.add_argument("--into", type=Path, help="where the history lies, made at the first run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        repo = given.into or Path(directory) / "long.git"
        if not repo.exists():
            show("history made", seconds(lambda: make_history(given.mirrors, repo, given.commits)), "s")
        measure(repo)


def make_history(mirrors: Path, target: Path, commits: int) -> None:
    """Make *target*, a bare repository of so many commits, of all projects side by side, by date."""
    sources = sorted(path.parent for path in mirrors.glob("**/objects") if (path.parent / "HEAD").is_file())
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(target)], check=True)
    importing = subprocess.Popen(["git", "-C", str(target), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert importing.stdin
    streams = [read_changes(source, source.parent.name.encode()) for source in sources]
    changes = list(heapq.merge(*streams, key=lambda one: one.time))
    for number in range(commits):
        turn, place = divmod(number, len(changes))
        importing.stdin.write(write_change(changes[place], number, turn))
    importing.stdin.close()
    if importing.wait():
        raise SystemExit("git fast-import failed")


def read_changes(source: Path, project: bytes) -> Iterator[Change]:
    """Yield the changes of a mirror's HEAD, the oldest first; paths lie below the project's name."""
    log = subprocess.Popen(
        ["git", "-C", str(source), "log", "--reverse", "--no-merges", "--name-only", "--no-renames", _FORMAT, "HEAD"],
        stdout=subprocess.PIPE,
    )
    assert log.stdout
    for record in split(log.stdout, b"\x02"):
        when, author, message, paths = [*record.split(b"\x01", 3), b"", b"", b""][:4]
        listed = [project + b"/" + path for path in paths.split(b"\n") if path and not path.startswith(b'"')]
        if when.isdigit():
            yield Change(int(when), author, message, listed[:_PATHS_MAX])
    log.wait()


def split(stream: object, mark: bytes) -> Iterator[bytes]:
    """Yield what stands between marks."""
    left = b""
    while piece := stream.read(1 << 16):  # type: ignore[attr-defined]
        *whole, left = (left + piece).split(mark)
        yield from whole
    yield left


def write_change(change: Change, number: int, turn: int) -> bytes:
    """Return a commit for fast-import; in later turns the messages differ from those of the first."""
    message = change.message + (b"\nTurn %d.\n" % turn if turn else b"")
    name = change.author.replace(b"<", b"").replace(b">", b"").replace(b"\n", b" ")
    who = b"%s <a@example.org> %d +0000" % (name, change.time)
    content = b"%d" % number
    files = b"".join(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(content), content) for path in change.paths)
    head = b"commit refs/heads/main\nauthor %s\ncommitter %s\ndata %d\n%s\n" % (who, who, len(message), message)
    return head + files + b"\n"


def measure(repo: Path) -> None:
    """Index *repo* by words; print the rate of each tenth, and what questions take at the end."""
    with sealed_home() as home, home.daemon(AIL_MODEL=NO_WEIGHTS), home.connected() as call:
        daemon = psutil.Process(call("status")["pid"])
        call("repo.add", repo=str(repo))
        began = time.monotonic()
        total, seen = follow(call, daemon)
        show(f"{total:,} commits found by words", time.monotonic() - began, "s")
        for number, (before, after) in enumerate(itertools.pairwise(seen), 1):
            commits, wall_s, cpu_s = (late - early for early, late in zip(before, after, strict=True))
            show(f"tenth {number}: commits a second", commits / wall_s, "", digits=0)
            show("  by the daemon's processor time", commits / max(cpu_s, 0.01), "", digits=0)
        show("the daemon's memory", daemon.memory_info().rss / 1e6, "MB")
        index = next((home.state / "repos").iterdir())
        size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
        show("disk a commit", size / total, "B", digits=0)
        ask(call, repo)


def follow(call: Calling, daemon: psutil.Process) -> tuple[int, list[tuple[float, float, float]]]:
    """Return how many commits are read, and (commits, seconds, processor seconds) at each tenth of the way."""
    seen: list[tuple[float, float, float]] = []
    while True:
        (told,) = call("status")["repos"]
        used = sum(daemon.cpu_times()[:2])
        if told["phase"] == "reading" and told["of"] and told["done"] >= len(seen) * told["of"] / PARTS:
            seen.append((float(told["done"]), time.monotonic(), used))
        elif told["phase"] in ("embedding", "changes") or told["complete"]:
            seen.append((float(told["commits"]), time.monotonic(), used))
            return int(told["commits"]), seen
        time.sleep(0.02)


def ask(call: Calling, repo: Path) -> None:
    """Ask by words; print percentiles."""
    words = ("retry", "timeout", "cache", "parser", "windows", "memory", "lock", "unicode", "release", "typo")
    times = []
    for first, second in itertools.permutations(words, 2):
        reply = call(
            "ask", repo=str(repo), question=f"why does the {first} need a {second}?", mode="lexical", no_cache=True
        )
        times.append(reply["query_time_ms"])
    show(f"question by words, {len(times)}: p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 120")


if __name__ == "__main__":
    main()
