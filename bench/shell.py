"""`git why` as a person runs it, on a real clone, against the search that git has for it; and Ctrl-C at any moment.

python -m bench.shell DIR [--pairs N]        DIR: a clone of pytest

Whole processes in alternating pairs: a question that no cache knows, and `git log -S<word>`, of whose time it may take at
most 0.02. Interrupted at moments spread over its life, a process is to say nothing.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from itertools import cycle

from tests.running import BIN, Home, prepare_models, sealed_home

from .figures import seconds, show

SUBJECTS = (
    "tmpdir",
    "fixture",
    "capture",
    "assertion",
    "collection",
    "marker",
    "warning",
    "plugin",
    "traceback",
    "monkeypatch",
)
WORDS = ("get_world_rootdir", "pytest_assertrepr_compare", "getbasetemp", "_perform_collect")
MOMENTS = 50


def iter_questions() -> Iterator[str]:
    """Yield questions, each of them new."""
    for number, subject in enumerate(cycle(SUBJECTS)):
        yield f"why was the {subject} changed in attempt {number}?"


def main() -> None:
    """Index the clone, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--pairs", type=int, default=len(WORDS))
    options = parser.parse_args()
    with sealed_home(prepare_models()) as home:
        home.client("add", options.directory, "--wait")
        questions = iter_questions()
        home.run("git", "why", next(questions), cwd=options.directory)  # loads the model and opens the index
        report_pairs(home, options.directory, options.pairs, questions)
        report_interrupts(home, options.directory, questions)


def report_pairs(home: Home, directory: str, pairs: int, questions: Iterator[str]) -> None:
    """Print both times and their ratio."""
    ours, theirs = [], []
    for _, word in zip(range(pairs), cycle(WORDS), strict=False):
        ours.append(statistics.median(take_question(home, directory, next(questions)) for _ in range(5)))
        theirs.append(seconds(lambda word=word: home.run("git", "log", "--oneline", f"-S{word}", cwd=directory)))  # type: ignore[misc]
    show("`git why`, whole process, question not cached", statistics.median(ours) * 1000, "ms")
    show("`git log -S<word>`", statistics.median(theirs) * 1000, "ms")
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    show("`git why` against it", ratio, "x", "at most 0.02", digits=4)


def take_question(home: Home, directory: str, question: str) -> float:
    """Return the seconds of one `git why`."""
    begin = time.perf_counter()
    done = home.run("git", "why", question, cwd=directory)
    took_s = time.perf_counter() - begin
    assert done.returncode in (0, 1), done.stderr
    return took_s


def report_interrupts(home: Home, directory: str, questions: Iterator[str]) -> None:
    """Print how many processes that were interrupted showed a traceback, Python's own start apart."""
    life_s = statistics.median(take_question(home, directory, next(questions)) for _ in range(5))
    said = []
    for moment in range(MOMENTS):
        command = [str(BIN / "git-why"), next(questions)]
        process = subprocess.Popen(
            command, cwd=directory, env=home.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        time.sleep(life_s * moment / MOMENTS)
        process.send_signal(signal.SIGINT)
        said.append(process.communicate()[1])
    traced = [each for each in said if b"Traceback" in each or b"KeyboardInterrupt" in each]
    show(f"tracebacks after Ctrl-C, of {MOMENTS}", sum(b"ail_client" in each for each in traced), "", "0", digits=0)
    show(
        "  from Python's own start, before it runs a line of ours",
        sum(b"ail_client" not in each for each in traced),
        "",
        digits=0,
    )


if __name__ == "__main__":
    main()
