"""How well passages are taken from diffs: a sample to read, the share of answers' keywords that one passage holds, the time.

python -m bench.quality.passages sample REPO --commits 500 --seed 1 --size 100
python -m bench.quality.passages recall REPO QUESTIONS.jsonl
python -m bench.quality.passages time REPO --commits 2000
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ail_daemon.history.changes import DIFF, collect_changes
from ail_daemon.text.passages import FileChange, Hunk, Passage, find_passages, split_message

_A_COMMIT = 3  # that a sample takes of one: some add hundreds
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def read_patches(repo: Path, shas: Iterable[str]) -> bytes:
    """Return the patches of *shas* as the daemon's reader has git write them."""
    command = ["git", "-C", str(repo), "-c", "core.quotePath=false", *DIFF]
    return subprocess.run(command, input="\n".join(shas).encode() + b"\n", capture_output=True, check=True).stdout


def parse_patches(patches: bytes) -> Iterator[tuple[str, list[FileChange]]]:
    """Yield (sha, changes) of each commit of a stream of patches."""
    for record in re.split(rb"^commit (?=[0-9a-f]{40}$)", patches, flags=re.MULTILINE)[1:]:
        sha, _, text = record.partition(b"\n")
        files = re.split(rb"^diff --git ", text, flags=re.MULTILINE)[1:]
        yield sha.decode(), [change for one in files if (change := _parse_file(one))]


def _parse_file(text: bytes) -> FileChange | None:
    head, *bodies = re.split(rb"^(?=@@ -)", text, flags=re.MULTILINE)
    old, new = (re.search(mark, head, re.MULTILINE) for mark in (rb"^--- a/([^\t\n]*)", rb"^\+\+\+ b/([^\t\n]*)"))
    named = new or old
    if not named:
        return None
    hunks = [_parse_hunk(body) for body in bodies]
    return FileChange(_decode(named[1]), hunks, _decode(old[1]) if old else None)


def _parse_hunk(body: bytes) -> Hunk:
    found = _HUNK.match(body)
    assert found
    lines = body.split(b"\n")
    removed = [_decode(line[1:]) for line in lines[1:] if line[:1] == b"-"]
    added = [_decode(line[1:]) for line in lines[1:] if line[:1] == b"+"]
    return Hunk(int(found[1]), int(found[3]), removed, added)


def _decode(line: bytes) -> str:
    try:
        return line.decode().rstrip("\r")
    except UnicodeDecodeError:
        return line.decode("latin-1").rstrip("\r")


def list_commits(repo: Path, most: int) -> list[str]:
    """Return the shas of the last commits that are no merges."""
    command = ["git", "-C", str(repo), "rev-list", "--no-merges", f"-{most}", "HEAD"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()


def print_sample(repo: Path, commits: int, seed: int, size: int) -> None:
    """Print passages drawn by lot from the diffs of the last commits, a line each, to be read."""
    found: list[tuple[str, Passage]] = []
    dice, count = random.Random(seed), 0
    for sha, changes in parse_patches(read_patches(repo, list_commits(repo, commits))):
        passages = find_passages(changes)
        count += len(passages)
        found += [(sha[:8], one) for one in dice.sample(passages, min(_A_COMMIT, len(passages)))]
    print(f"{count} passages of {commits} commits")
    for sha, one in dice.sample(found, min(size, len(found))):
        sign = "-" if one.is_removed else "+"
        print(f"{sha} {sign}{one.kind:9} {one.path}:{one.line}  {one.text}")


def measure_recall(repo: Path, questions: Path) -> None:
    """Print for what share of questions two of the answer's keywords, or the only one, stand in one passage of an answer."""
    rows = [json.loads(line) for line in questions.read_text().splitlines() if line.strip()]
    rows = [row for row in rows if row.get("keywords")]
    held: dict[str, list[bool]] = {}
    for row in rows:
        passages = [one for sha, changes in _read_answers(repo, row["answers"]) for one in changes]
        is_held = any(holds(one.text, row["keywords"]) for one in passages)
        held.setdefault(row.get("reason", "?"), []).append(is_held)
        if not is_held:
            print(f"missed ({row.get('reason')}): {row['answers'][0][:10]} {row['keywords']} {row['question'][:80]}")
    for reason, results in held.items():
        print(f"{questions.stem} {reason}: {sum(results)} of {len(results)}")


def _read_answers(repo: Path, shas: list[str]) -> Iterator[tuple[str, list[Passage]]]:
    for sha, changes in parse_patches(read_patches(repo, shas)):
        command = ["git", "-C", str(repo), "log", "-1", "--format=%B", sha]
        message = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")
        yield sha, [*find_passages(changes), *split_message(message)]


def holds(text: str, keywords: list[str]) -> bool:
    """Whether two of *keywords*, or the only one, stand in *text*, whatever their case."""
    low = " ".join(text.lower().split())
    return sum(word.lower() in low for word in keywords) >= min(2, len(keywords))


def measure_time(repo: Path, commits: int) -> None:
    """Print what reading, collecting and extracting take of the last commits, in processor microseconds a changed line."""
    shas = list_commits(repo, commits)
    start = _measure_processor()
    patches = read_patches(repo, shas)
    read = _measure_processor()
    for _ in collect_changes(patches.splitlines(keepends=True)):
        pass
    collected = _measure_processor()
    parsed = list(parse_patches(patches))
    begun = _measure_processor()
    passages = sum(len(find_passages(changes)) for _, changes in parsed)
    ended = _measure_processor()
    lines = sum(
        len(hunk.added) + len(hunk.removed) for _, changes in parsed for change in changes for hunk in change.hunks
    )
    print(f"{repo}: {len(shas)} commits, {lines} changed lines, {passages} passages; microseconds a line:")
    for name, seconds in (
        ("git", read - start), ("collect", collected - read - (ended - begun)), ("extract", ended - begun)
    ):  # fmt: skip
        print(f"  {name:8} {seconds / lines * 1e6:6.2f}")


def _measure_processor() -> float:
    """Return the processor time of this process and of the git processes that it has waited for, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main(argv: list[str]) -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sample", "recall", "time"])
    parser.add_argument("repo", type=Path)
    parser.add_argument("questions", type=Path, nargs="?")
    parser.add_argument("--commits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=100)
    args = parser.parse_args(argv)
    if args.what == "sample":
        print_sample(args.repo, args.commits, args.seed, args.size)
    elif args.what == "time":
        measure_time(args.repo, args.commits)
    elif args.questions:
        measure_recall(args.repo, args.questions)
    else:
        parser.error("recall needs QUESTIONS.jsonl")


if __name__ == "__main__":
    main(sys.argv[1:])
