"""What a history of so many commits needs: memory of the daemon and of its worker, disk, time; the table of docs/operations.md.

python -m bench.sizing [COMMITS ...]     default: 1000 10000 100000

The histories are made, by `git fast-import` and dice with a seed: messages of 29 words at the mean, twice pytest's, one to
four changed files a commit, six lines in each. A real one differs as its messages and changes are longer or shorter.
"""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

import psutil
from tests.running import Home, prepare_models, sealed_home

from .figures import percentile, seconds, show

SIZES = (1_000, 10_000, 100_000)
QUESTIONS = 200
FILES, LINES = 1_000, 40
SAMPLE_S = 0.2
WORDS = re.findall(r"\b[a-z]{3,12}\b", " ".join(topics.values()))  # English, as often as it is used


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the figures of each size."""
    for commits in sizes:
        with tempfile.TemporaryDirectory() as directory, sealed_home(prepare_models()) as home:
            measure(commits, make_history(Path(directory) / "repo.git", commits, home), home)


def measure(commits: int, repo: Path, home: Home) -> None:
    """Index *repo*, ask, and print what it took."""
    print(f"-- {commits:,} commits", flush=True)
    with home.daemon() as process, home.connected() as call:
        daemon = psutil.Process(process.pid)
        with _watched(daemon) as peaks:
            call("repo.add", repo=str(repo))
            took_s = seconds(lambda: call.wait_complete(str(repo), 7200))
        dice = random.Random(1)
        waits = [
            seconds(lambda: call("ask", repo=str(repo), question=f"why {_words(dice, 6)}?", no_cache=True))
            for _ in range(QUESTIONS)
        ]
        show("everything searchable after", took_s, "s", digits=0)
        show("daemon, after indexing and 200 questions", daemon.memory_info().rss / 1e6, "MB", digits=0)
        show("  its highest meanwhile", peaks["daemon"] / 1e6, "MB", digits=0)
        show("  the worker's and its gits' highest", peaks["children"] / 1e6, "MB", digits=0)
        show("an uncached question, p50", percentile(waits, 0.5) * 1e3, "ms", digits=0)
        show("an uncached question, p95", percentile(waits, 0.95) * 1e3, "ms", digits=0)
    show("index on disk", _size(home.state / "repos") / 1e6, "MB", digits=0)
    show("the repository itself", _size(repo) / 1e6, "MB", digits=0)


def make_history(repo: Path, commits: int, home: Home) -> Path:
    """Make a bare repository at *repo* with so many commits, the same for the same number."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(repo)], check=True, env=home.env)
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=repo, stdin=subprocess.PIPE, env=home.env
    ) as importing:
        assert importing.stdin is not None
        for part in _iter_commits(commits):
            importing.stdin.write(part)
    assert importing.returncode == 0
    return repo


def _iter_commits(commits: int) -> Iterator[bytes]:
    """Yield what `git fast-import` reads, commit by commit."""
    dice = random.Random(commits)
    files: dict[int, list[str]] = {}
    for number in range(commits):
        body = "\n".join(_words(dice, 9) for _ in range(dice.choice((0, 0, 2, 3, 8))))
        message = f"{_words(dice, 6).capitalize()}\n\n{body}\n".encode()
        yield b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_000_000_000 + number * 600)
        yield b"data %d\n%s\n" % (len(message), message)
        for _ in range(dice.choice((1, 1, 2, 4))):
            yield _change(dice, files)
        yield b"\n"


def _change(dice: random.Random, files: dict[int, list[str]]) -> bytes:
    """Return a file with some of its lines written anew."""
    number = min(dice.randrange(FILES), dice.randrange(FILES))
    lines = files.setdefault(number, [f"    {_words(dice, 5)}" for _ in range(LINES)])
    at = dice.randrange(LINES - 8)
    lines[at : at + 6] = [f"    {_words(dice, 5)}" for _ in range(6)]
    text = "\n".join(lines).encode()
    return b"M 100644 inline src/%d/part%d.py\ndata %d\n%s\n" % (number % 30, number, len(text), text)


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(WORDS, k=count))


@contextlib.contextmanager
def _watched(daemon: psutil.Process) -> Iterator[dict[str, int]]:
    """Look at the daemon and its children until the block ends; yields the most that each had, in bytes."""
    peaks, ended = {"daemon": 0, "children": 0}, threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLE_S):
            peaks["daemon"] = max(peaks["daemon"], daemon.memory_info().rss)
            peaks["children"] = max(peaks["children"], sum(map(_rss, daemon.children(recursive=True))))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peaks
    finally:
        ended.set()
        looking.join()


def _rss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


if __name__ == "__main__":
    started = time.monotonic()
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
    print(f"took {time.monotonic() - started:.0f} s")
