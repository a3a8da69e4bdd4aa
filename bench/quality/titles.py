"""Titles of pull requests as questions: each merge says what it brought, and its commits are the answer.

The merge itself says the title, so whoever asks leaves merges out of what may be found.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

_MERGE = re.compile(r"(?:Merge pull request #|Auto merge of #|Merge #)\d+")
_LEAST_WORDS = 4
_MOST_COMMITS = 12
_SAME_KEPT = 0.3  # of titles that are the subject of one of their commits, which words find at once


def find_titles(repo: Path, most: int) -> list[tuple[str, frozenset[str]]]:
    """Return up to *most* titles, drawn with a fixed seed, each with the shas of the commits that its merge brought."""
    merges = list(_iter_merges(repo))
    dice = random.Random(1)
    dice.shuffle(merges)
    found: list[tuple[str, frozenset[str]]] = []
    for title, into, brought in merges:
        commits = dict(_iter_commits(repo, into, brought))
        is_same = title.lower() in commits.values()
        if 1 <= len(commits) <= _MOST_COMMITS and not (is_same and dice.random() > _SAME_KEPT):
            found.append((title, frozenset(commits)))
        if len(found) == most:
            break
    return found


def _iter_merges(repo: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (title, what was merged into, what was merged) of each pull request that a merge names."""
    for record in _git(repo, "log", "--merges", "--format=%P%x00%B%x01", "HEAD").split("\x01"):
        parents, _, message = record.strip().partition("\0")
        shas, lines = parents.split(), [line.strip() for line in message.splitlines() if line.strip()]
        is_request = len(shas) == 2 and len(lines) > 1 and _MERGE.match(lines[0])
        if is_request and len(lines[1].split()) >= _LEAST_WORDS:
            yield lines[1], shas[0], shas[1]


def _iter_commits(repo: Path, into: str, brought: str) -> Iterator[tuple[str, str]]:
    """Yield (sha, subject in lower case) of the commits that a merge brought, merges left out."""
    for line in _git(repo, "log", "--no-merges", "--format=%H %s", brought, f"^{into}").splitlines():
        sha, _, subject = line.partition(" ")
        yield sha, subject.strip().lower()


def _git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")
