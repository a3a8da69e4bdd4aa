"""What `related` would have said about past commits, each staged again on its parent: how often, what, and how fast.

python -m bench.related CLONE [--count 300] [--read 40] [--seed 2026]

For every commit taken, only what its parent reaches may be named, and only files that its parent has may be missed: the
index holds the whole history, and a filter hides what was not there yet. The rarity of words, which picks 30 of up to 330
candidates, still knows the future; nothing else does. Taken are commits that a person made: no merges, no bots, not the
first 300, and no `git revert`, during which the hook is silent. The first --read that it says something about are printed
to be read, from as many commits as that takes; how often it speaks is counted over the first --count.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.indexing.embedding import encode_with
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.updating import update_large
from ail_daemon.model import REF_KINDS
from ail_daemon.relating.cochange import Companion, is_bot
from ail_daemon.relating.missing import find_missing
from ail_daemon.relating.patches import PATCH_MAX_BYTES, parse_patch
from ail_daemon.relating.relate import Relation, relate
from ail_daemon.relating.tracing import Surroundings, Touching
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import find_repository

from .evaluation import BUILT
from .figures import percentile, show

_FIRST = 300
_BATCH = 2048


@dataclass(frozen=True, slots=True)
class Said:
    """What was said about one commit, and how long it took."""

    sha: str
    relations: list[Relation]
    companions: list[Companion]
    took_s: float

    def __bool__(self) -> bool:
        return bool(self.relations or self.companions)


def main() -> None:
    """Print the sayings and the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clone", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--read", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    past = Past(options.clone)
    told: list[Said] = []
    for sha in past.choose(options.seed):
        if len(told) >= options.count and sum(map(bool, told)) >= options.read:
            break
        told.append(past.stage_again(sha))
        if told[-1] and sum(map(bool, told)) <= options.read:
            past.print(told[-1], sum(map(bool, told)))
    counted = told[: options.count]
    show(f"says something about, of {len(counted)} commits", sum(map(bool, counted)), "", digits=0)
    show(f"says something about, of all {len(told)} commits looked at", sum(map(bool, told)), "", digits=0)
    for share in (0.5, 0.95):
        show(f"time, p{share * 100:.0f}", percentile([one.took_s for one in counted], share) * 1e3, "ms", "<= 100 ms")


class Past:
    """A clone, its index, and what every commit could know. parents, ids: of the commits that HEAD reaches, by sha."""

    def __init__(self, clone: Path) -> None:
        self._clone = clone
        self.index = build(clone, BUILT / f"related-{clone.resolve().name}")
        lines = self.git("rev-list", "--parents", "HEAD").split("\n")
        self.parents = {words[0]: words[1:] for line in lines if (words := line.split())}
        self.ids = self.index.store.get_ids(self.parents)

    def choose(self, seed: int) -> Iterator[str]:
        """Yield shas in an order that *seed* decides."""
        shas = [sha for sha, parents in list(self.parents.items())[:-_FIRST] if len(parents) == 1]
        for sha in random.Random(seed).sample(shas, len(shas)):
            author, _, message = self.git("log", "-1", "--format=%an%n%B", sha).partition("\n")
            if not is_bot(author) and "This reverts commit" not in message:
                yield sha

    def stage_again(self, sha: str) -> Said:
        """Return what is said about a commit that its parent's checkout has staged."""
        (parent,) = self.parents[sha]
        known = {self.ids[one] for one in self.reach(parent) if one in self.ids}
        files = set(self.git("ls-tree", "-r", "--name-only", "-z", parent).split("\0"))
        diff = self.git("diff", "-U0", "-w", "--ignore-blank-lines", "-M", parent, sha)[:PATCH_MAX_BYTES]
        when = int(self.git("log", "-1", "--format=%ct", sha))
        author = self.git("log", "-1", "--format=%ae", sha).strip()
        around = Surroundings(when, known.__contains__, files.__contains__, frozenset([author.lower()]))
        started = time.perf_counter()
        changes, touching = parse_patch(diff), Touching(self.index, around)
        relations = relate(self.index, changes, touching, around)[:5]
        missing = find_missing(self.index, changes, touching, around)[: 5 - len(relations)][:3]
        return Said(sha, relations, missing, time.perf_counter() - started)

    def print(self, said: Said, number: int) -> None:
        """Print one saying to be read."""
        print(f"{number}. {said.sha[:10]} {self.git('log', '-1', '--format=%s', said.sha).strip()}")
        for one in said.relations:
            print(f"     {one.commit.sha[:10]} {one.kind}: {one.commit.subject} — {one.sentence}")
        for other in said.companions:
            print(f"     missing {other.path}, {other.times} of {other.of} with {other.beside}", flush=True)

    def reach(self, sha: str) -> set[str]:
        """Return *sha* and all that it reaches."""
        seen, todo = {sha}, [sha]
        while todo:
            for parent in self.parents.get(todo.pop(), ()):
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen

    def git(self, *arguments: str) -> str:
        """Return what git prints of the clone."""
        done = subprocess.run(["git", "-C", self._clone, *arguments], capture_output=True, check=True)
        return done.stdout.decode("utf-8", "surrogateescape")


def build(clone: Path, directory: Path) -> RepoIndex:
    """Return the index of *clone*, words and changed lines alone, built in *directory* where it is not there yet."""
    index = RepoIndex(directory, None)
    if not index.tips.shas:
        place = find_repository(str(clone))
        reader = LocalReader(place, REF_KINDS)
        update_large(reader, encode_with(None), Repo(directory, place), index, lambda: None, lambda _: {})
    return index


if __name__ == "__main__":
    main()
