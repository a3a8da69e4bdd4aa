"""Measures how far the questions in people's own words borrow the words of the commits that answer them.

python -m bench.quality.overlap NAME GIT_DIR

NAME is a set beside this module (`aiohttp`, `twisted`, `pytest`), GIT_DIR the history that its README tells how to
make. Prints the share of a question's words that stand in any message of its answers, and the rows that do not fit that
history: a commit or file it lacks, lines past a file's end. Stop words do not count, and words count by their stem.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

QUESTIONS = Path(__file__).parent / "questions"
COMMON = """
a about after again all also although an and another any anybody anyone anything are as at away be because been
before being between both but by came can come comes could couldn d did didn do does doesn doing don done down each
either else even ever every few for from gave get gets give given gives go goes gone got had has have having he here
how i if in into is isn it its just less let lets like ll make makes many may me might more most much must my need
needed neither never no nobody not nothing now of off on once one only onto or other our out over own people put re
really said same say says should shouldn since so some somebody someone something still such t take taken takes than
that the their them then there these they thing things this those through to too took two under until up us use used
uses using ve very want wanted was wasn way we well went were what when where which while who whom whose why will with
without would wouldn yet you your
"""
STOP_WORDS = frozenset(COMMON.split())
ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly")


def main() -> None:
    """Print the figures of one set, and end with 1 where a row does not fit the history."""
    name, git_dir = sys.argv[1:]
    rows = [json.loads(line) for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]
    wrong = [fault for row in rows for fault in faults(row, git_dir)]
    shares = sorted(borrowed(row["question"], messages(row["answers"], git_dir)) for row in rows if row["answers"])
    median, upper = statistics.median(shares), statistics.quantiles(shares, n=4)[2]
    print(f"{name}: {len(rows)} questions, {len(shares)} with answers; borrowed words: median {median:.2f}, ", end="")
    print(f"upper quartile {upper:.2f}, none at all in {sum(not share for share in shares)}")
    print("\n".join(wrong) or "every commit, file and line is in that history")
    sys.exit(bool(wrong))


def messages(shas: list[str], git_dir: str) -> str:
    """Return the messages of *shas*, one after the other."""
    return _git(git_dir, "show", "-s", "--format=%B", *shas)


def borrowed(question: str, text: str) -> float:
    """Return the share, from 0 to 1, of the question's words that *text* has too."""
    own = _stems(question)
    return len(own & _stems(text)) / len(own) if own else 0.0


def faults(row: dict[str, Any], git_dir: str) -> list[str]:
    """Return what of a row is not in the history: commits that HEAD does not reach, a file, lines."""
    lost = [sha for sha in row["answers"] if not _has(git_dir, "merge-base", "--is-ancestor", sha, "HEAD")]
    if row["file"] and not _has(git_dir, "cat-file", "-e", f"HEAD:{row['file']}"):
        lost.append(row["file"])
    elif row["lines"] and row["lines"][1] > _git(git_dir, "show", f"HEAD:{row['file']}").count("\n"):
        lost.append(f"{row['file']}:{row['lines'][1]}")
    return [f"{row['question'][:60]}: {what}" for what in lost]


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9]{2,}", text.lower())
    return {_stem(word) for word in words if word not in STOP_WORDS}


def _stem(word: str) -> str:
    ending = next((end for end in ENDINGS if word.endswith(end) and len(word) >= len(end) + 3), "")
    return word.removesuffix(ending)


def _has(git_dir: str, *command: str) -> bool:
    return subprocess.run(["git", "-C", git_dir, *command], capture_output=True, check=False).returncode == 0


def _git(git_dir: str, *command: str) -> str:
    done = subprocess.run(["git", "-C", git_dir, *command], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    main()
