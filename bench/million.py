"""A very long history of small commits, from mirrors' messages, paths and dates: how an index of words grows with it.

python -m bench.million MIRRORS [--commits N] [--into DIR]

Prints, for each tenth, commits a second by the clock and by the daemon's processor time: the second is what a busy machine leaves
comparable. Then memory, disk, a start, questions of all commits and of the first 10,000, how soon a new commit is found, and
questions while 5,000 come in at once: all by words, for no model is there. At the end start, questions and memory by meaning,
with embeddings by chance: nothing is encoded.
MIRRORS: a directory with bare repositories below it.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from tests.running import NO_WEIGHTS, Calling, Home, prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL
from ail_daemon.index.store import STORE_FILE
from ail_rpc.errors import AilError

from .everywhere import embed_by_chance
from .figures import percentile, seconds, show

PARTS = 10
FEW = 10_000
COMMITS = 40
FETCHED = 5_000
WORDS = ("retry", "timeout", "cache", "parser", "windows", "memory", "lock", "unicode", "release", "typo")
_FORMAT = "--format=%x02%ct%x01%an%x01%B%x01"
_PATHS_MAX = 20


class Change(NamedTuple):
    """One commit of a mirror: time, author, message, paths."""

    time: int
    author: bytes
    message: bytes
    paths: list[bytes]


class Seen(NamedTuple):
    """How far an update is: commits read, when (monotonic seconds), processor seconds of the daemon until then."""

    commits: float
    at_s: float
    cpu_s: float


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--commits", type=int, default=200_000)
    parser.add_argument("--into", type=Path, help="where the history lies, made at the first run; may be longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        repo = given.into or Path(directory) / "long.git"
        if not repo.exists():
            show("history made", seconds(lambda: make_history(given.mirrors, repo, given.commits)), "s")
        whole, few = (
            borrow(repo, Path(directory) / "whole.git", given.commits),
            borrow(repo, Path(directory) / "few.git", FEW),
        )
        show("`git log --name-only` of it", seconds(lambda: run_git(whole, "log", "--name-only", "--format=%H")), "s")
        with sealed_home(prepare_models()) as home:
            index(home, whole)
            finish(home, whole)
            start(home, whole)
            ask(home, whole, "of all")
            commit(home, whole)
            receive(home, whole)
            find_meaning(home, whole)
        with sealed_home(prepare_models()) as home:
            ask(home, few, f"of the first {FEW:,}")
            find_meaning(home, few)


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


def borrow(source: Path, target: Path, first: int) -> Path:
    """Make *target*, a bare repository with the objects of *source* and its *first* commits."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(target)], check=True)
    (target / "objects" / "info" / "alternates").write_text(f"{source.resolve() / 'objects'}\n")
    total = int(run_git(source, "rev-list", "--count", "main"))
    tip = run_git(source, "rev-list", "-1", f"--skip={max(0, total - first)}", "main")
    run_git(target, "update-ref", "refs/heads/main", tip)
    return target


def run_git(repo: Path, *arguments: str) -> str:
    """Run git in *repo*; return what it prints."""
    done = subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True)
    return done.stdout.decode(errors="replace").strip()


def index(home: Home, repo: Path) -> None:
    """Index *repo* by words; print the rate of each tenth."""
    with home.daemon(AIL_MODEL=NO_WEIGHTS), home.connected() as call:
        daemon = psutil.Process(call("status")["pid"])
        call("repo.add", repo=str(repo))
        began = time.monotonic()
        while not call("ask", repo=str(repo), question="why was the test fixed?", no_cache=True)["citations"]:
            time.sleep(0.02)
        show("first answer by words", time.monotonic() - began, "s", "<= 1")
        total, seen, peak = follow(call, daemon)
        show(f"{total:,} commits found by words", time.monotonic() - began, "s", "<= 120 of 1,000,000")
        rates = [show_tenth(number, *pair) for number, pair in enumerate(itertools.pairwise(seen), 1)]
        show("the last tenth's time by processor, against the first's", rates[0] / rates[-1], "x", "<= 1.5")
        show("the daemon's memory", daemon.memory_info().rss / 1e6, "MB", "<= 600")
        show("  at most, of its worker", peak / 1e6, "MB", "<= 1000")
        size = sum(path.stat().st_size for path in (home.state / "repos").rglob("*") if path.is_file())
        show("disk a commit, messages and paths alone", size / total, "B", digits=0)


def show_tenth(number: int, before: Seen, after: Seen) -> float:
    """Print and return the rate of one tenth; the rate returned is by the daemon's processor time."""
    commits, wall_s, cpu_s = (late - early for early, late in zip(before, after, strict=True))
    show(f"tenth {number}: commits a second", commits / wall_s, "", digits=0)
    show("  by the daemon's processor time", commits / max(cpu_s, 0.01), "", digits=0)
    return commits / max(cpu_s, 0.01)


def follow(call: Calling, daemon: psutil.Process) -> tuple[int, list[Seen], int]:
    """Return how many commits are read, what was seen at each tenth of the way, and the most memory of the daemon's worker."""
    seen: list[Seen] = []
    peak = 0
    while True:
        (told,) = call("status")["repos"]
        used, peak = sum(daemon.cpu_times()[:2]), max(peak, measure_worker(daemon))
        if told["phase"] == "reading" and told["of"] and told["done"] >= len(seen) * told["of"] / PARTS:
            seen.append(Seen(told["done"], time.monotonic(), used))
        elif told["phase"] in ("embedding", "changes") or told["complete"]:
            if told["commits"] > seen[-1].commits:
                seen.append(Seen(told["commits"], time.monotonic(), used))
            return told["commits"], seen, peak
        time.sleep(0.25)  # asked fifty times a second, a status takes a third of the daemon's time


def measure_worker(daemon: psutil.Process) -> int:
    """Return the memory of the daemon's worker, in bytes, without the gits that it runs: they map whole packs."""
    size = 0
    for child in daemon.children():
        with contextlib.suppress(psutil.Error):
            size += child.memory_info().rss
    return size


def ask(home: Home, repo: Path, which: str, model: str = NO_WEIGHTS) -> None:
    """Ask *repo*, once it is indexed; print percentiles, and the daemon's memory."""
    times = []
    with home.daemon(AIL_MODEL=model), home.connected() as call:
        if str(repo.resolve()) not in (told["path"] for told in call("status")["repos"]):
            call("repo.add", repo=str(repo))
            wait(call, repo)
        for question in iter_questions():
            reply = call("ask", repo=str(repo), question=question, no_cache=True)
            times.append(reply["query_time_ms"])
        memory = psutil.Process(call("status")["pid"]).memory_info().rss
    show(f"question {which}: p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 120, and 4 x that of few")
    show("  the daemon's memory", memory / 1e6, "MB", "<= 600")


def iter_questions() -> Iterator[str]:
    """Yield ninety questions."""
    return (f"why does the {first} need a {second}?" for first, second in itertools.permutations(WORDS, 2))


def wait(call: Calling, repo: Path) -> None:
    """Wait until the index of *repo* is complete; that no model is there is no fault here."""
    while not next(told["complete"] for told in call("status")["repos"] if told["path"] == str(repo.resolve())):
        time.sleep(0.1)


def finish(home: Home, repo: Path) -> None:
    """Wait until changed lines are in, too."""
    with home.daemon(AIL_MODEL=NO_WEIGHTS), home.connected() as call:
        daemon = psutil.Process(call("status")["pid"])
        show("changed lines, after that", seconds(lambda: wait(call, repo)), "s")
        show("the daemon's memory", daemon.memory_info().rss / 1e6, "MB", "<= 600")
    size = sum(path.stat().st_size for path in (home.state / "repos").rglob("*") if path.is_file())
    show("disk a commit, with changed lines", size / int(run_git(repo, "rev-list", "--count", "main")), "B", digits=0)


def start(home: Home, repo: Path, model: str = NO_WEIGHTS) -> None:
    """Print what the first answer takes after a start."""
    began = time.monotonic()
    with home.daemon(AIL_MODEL=model), home.connected() as call:
        call("ask", repo=str(repo), question="why was the cache dropped?", no_cache=True)
        show("start to first answer", time.monotonic() - began, "s", "<= 3")


def find_meaning(home: Home, repo: Path) -> None:
    """Print start, questions and memory by meaning, each text having a direction by chance."""
    for store in (home.state / "repos").glob(f"*/{STORE_FILE}"):
        embed_by_chance(store, home.state / "models")
    with home.daemon(), home.connected() as call:  # makes the codes, once
        show("by meaning: first start", seconds(lambda: call("ask", repo=str(repo), question="why?", timeout=120)), "s")
    start(home, repo, DEFAULT_MODEL)
    ask(home, repo, "by meaning", DEFAULT_MODEL)


def commit(home: Home, repo: Path) -> None:
    """Make new commits; print how soon each is found."""
    times = []
    with home.daemon(AIL_MODEL=NO_WEIGHTS), home.connected() as call:
        call("ask", repo=str(repo), question="why is the first question slow?", no_cache=True)
        for number in range(COMMITS):
            tree, tip = run_git(repo, "rev-parse", "main^{tree}"), run_git(repo, "rev-parse", "main")
            who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
            made = run_git(repo, *who, "commit-tree", "-p", tip, "-m", f"Keep plover {number} in a nest", tree)
            run_git(repo, "update-ref", "refs/heads/main", made)
            began = time.monotonic()
            while (told := call("status")["repos"][0])["head"] != made or not told["complete"]:
                time.sleep(0.005)
            times.append((time.monotonic() - began) * 1000)
    show(f"a new commit is found by words, {COMMITS}: p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 500")


def receive(home: Home, repo: Path) -> None:
    """Have commits come in all at once, as by a fetch, and ask until they are all found; print how the questions fared."""
    changes = itertools.islice(read_changes(repo, b"fetched"), FETCHED)
    latest = int(run_git(repo, "log", "-1", "--format=%ct", "main"))
    dated = (change._replace(time=latest + number) for number, change in enumerate(changes))
    stream = b"".join(write_change(change, number, PARTS) for number, change in enumerate(dated))
    questions, times, failed = itertools.cycle(iter_questions()), [], 0
    with home.daemon(AIL_MODEL=NO_WEIGHTS), home.connected() as call:
        call("ask", repo=str(repo), question="why is the first question slow?", no_cache=True)
        whole = call("status")["repos"][0]["commits"] + FETCHED
        command = ["git", "-C", str(repo), "fast-import", "--quiet"]
        subprocess.run(command, input=b"reset refs/heads/main\nfrom refs/heads/main^0\n\n" + stream, check=True)
        began = time.monotonic()
        while (told := call("status")["repos"][0])["commits"] < whole or not told["complete"]:
            asked = time.perf_counter()
            try:
                call("ask", repo=str(repo), question=next(questions), no_cache=True)
            except AilError:
                failed += 1
            times.append((time.perf_counter() - asked) * 1000)
    show(f"{FETCHED:,} commits that come in at once: all found, changed lines too", time.monotonic() - began, "s")
    show(f"  of {len(times)} questions meanwhile, failed", failed, "", "0", digits=0)
    show("  their p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 120")


if __name__ == "__main__":
    main()
