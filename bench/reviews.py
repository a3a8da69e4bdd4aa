"""What `related --range` would have said as a reviewer of past pull requests, and whether it speaks of deleted fixes.

python -m bench.reviews PYTEST [AIOHTTP …] [--count 300] [--read 60] [--deletions 50] [--seed 2026]

Reviewed is what was merged into the first clone's main line: merges (from where the branch parted to its end) and single
commits, each with what its base could know, as in `bench.related`. The first --read it says something about are printed.

Deleted are lines that a fix added: of a commit whose subject says that it fixes something, or whose message speaks of security,
one run of code lines that stands in HEAD as that commit wrote it, two telling lines at least, tests and pages left out; of
--deletions in all, each clone gives as many. A fix of documentation, annotations, spelling, lint or tests is no bug fix. It
speaks of one if any commit is named; that it names the very fix is counted
apart.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ail_daemon.model import Commit
from ail_daemon.relating.cochange import is_bot, is_test
from ail_daemon.relating.missing import find_missing
from ail_daemon.relating.overlap import is_log
from ail_daemon.relating.patches import PATCH_MAX_BYTES, is_telling, parse_patch
from ail_daemon.relating.reasons import is_about_security, is_chore, is_retiring, is_trifle, is_wording
from ail_daemon.relating.relate import SWEEP_PATHS, Relation, relate
from ail_daemon.relating.tracing import Surroundings, Touching

from .figures import percentile, show
from .related import Past, Said

_FIX = re.compile(r"^\W*(?:\w+: )?(?:bug)?fix(?:e[sd]|ing)?\b|\bfix(?:es)? #?\d+", re.IGNORECASE)
_OF_TESTS = re.compile(r"\b(?:tests?|mypy|ci|coverage|build)\b", re.IGNORECASE)
_HUNK = re.compile(r"^@@ -\S+ \+(\d+)", re.MULTILINE)
_LEAST_TELLING = 2
_FILES_READ = 6  # of a fix


@dataclass(frozen=True, slots=True)
class Deletion:
    """A change that takes out lines of HEAD which a fix wrote."""

    fix: Commit
    patch: str


def main() -> None:
    """Print the sayings and the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clones", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--read", type=int, default=60)
    parser.add_argument("--deletions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    pasts = [Merged(clone) for clone in options.clones]
    try:
        measure(pasts, options)
    finally:
        for past in pasts:
            past.index.close()


def measure(pasts: Sequence[Merged], options: argparse.Namespace) -> None:
    """Print every figure."""
    review(pasts[0], options.count, options.read, options.seed)
    share = -(-options.deletions // len(pasts))
    found = [one for past in pasts for one in judge_deletions(past, share, options.seed)][: options.deletions]
    spoke, named = sum(spoke for spoke, _ in found), sum(named for _, named in found)
    show(
        f"speaks of deleted lines of a fix, of {len(found)}", 100 * spoke / max(len(found), 1), "%", ">= 80 %", digits=0
    )
    show("... names that very fix", 100 * named / max(len(found), 1), "%", digits=0)


def review(past: Merged, count: int, read: int, seed: int) -> None:
    """Print what is said of *count* changes that were merged, of the first *read* in words, and how often it is."""
    told: list[Said] = []
    for sha in past.choose_merged(seed):
        if len(told) >= count:
            break
        told.append(past.review(sha))
        if told[-1] and sum(map(bool, told)) <= read:
            past.print(told[-1], sum(map(bool, told)))
    spoke = sum(map(bool, told))
    show(
        f"says something about, of {len(told)} merged changes", 100 * spoke / max(len(told), 1), "%", "5-25 %", digits=0
    )
    for share in (0.5, 0.95):
        show(f"time, p{share * 100:.0f}", percentile([one.took_s for one in told], share) * 1e3, "ms")


class Merged(Past):
    """A clone with its main line. aside: ids that HEAD does not reach."""

    def __init__(self, clone: Path) -> None:
        super().__init__(clone)
        everything = self.git("rev-list", "--all").split()
        self.aside = frozenset(self.index.store.get_ids(everything).values()) - frozenset(self.ids.values())

    def choose_merged(self, seed: int) -> Iterator[str]:
        """Yield shas of the main line, but for its beginning, in an order that *seed* decides: no bots, no releases."""
        line = self.git("log", "--first-parent", "--format=%H%x00%an%x00%s").splitlines()
        rows = [row.split("\0") for row in line[: len(line) - len(line) // 4]]
        for sha, author, subject in random.Random(seed).sample(rows, len(rows)):
            if (
                not is_bot(author)
                and not is_bot(subject)
                and not re.match(r"(?i)prepar|release|merge branch|revert", subject)
            ):
                yield sha

    def review(self, sha: str) -> Said:
        """Return what a reviewer of *sha* is told: a merge's second parent against its first, or a commit against its parent."""
        parents = self.parents[sha]
        base, tip = parents[0], parents[1] if len(parents) > 1 else sha
        fork = self.git("merge-base", base, tip).strip() if len(parents) > 1 else base
        diff = self.git("diff", "-U0", "-w", "--ignore-blank-lines", "-M", fork, tip)[:PATCH_MAX_BYTES]
        known = {self.ids[one] for one in self.reach(base) if one in self.ids}
        files = set(self.git("ls-tree", "-r", "--name-only", "-z", tip).split("\0"))
        when = int(self.git("log", "-1", "--format=%ct", sha))
        own = [line.partition(" ") for line in self.git("log", "--format=%ae %s", f"{fork}..{tip}").splitlines()]
        by = frozenset(email.lower() for email, _, _ in own)
        retiring = is_retiring([subject for _, _, subject in own])
        around = Surroundings(when, known.__contains__, files.__contains__, by, is_review=True, is_retiring=retiring)
        return self.judge(sha, diff, around)

    def judge(self, sha: str, diff: str, around: Surroundings) -> Said:
        """Return what is said of *diff*."""
        started = time.perf_counter()
        changes, touching = parse_patch(diff), Touching(self.index, around)
        relations = relate(self.index, changes, touching, around)[:5]
        return Said(
            sha, relations, find_missing(self.index, changes, touching, around)[:3], time.perf_counter() - started
        )

    def iter_deletions(self, seed: int) -> Iterator[Deletion]:
        """Yield deletions of fixes' lines in an order that *seed* decides."""
        shas = [sha for sha, parents in self.parents.items() if len(parents) == 1]
        ids = [self.ids[sha] for sha in random.Random(seed).sample(shas, len(shas)) if sha in self.ids]
        for begin in range(0, len(ids), 256):
            for commit in self.index.store.get_commits(ids[begin : begin + 256]).values():
                if _is_fix(commit) and (patch := self._delete(commit.sha)):
                    yield Deletion(commit, patch)

    def _delete(self, sha: str) -> str:
        """Return a patch of HEAD that takes out the first run of lines that *sha* added and that still stands; "" for none."""
        for change in parse_patch(self.git("diff", "-U0", "-M", f"{sha}^", sha)[:PATCH_MAX_BYTES])[:_FILES_READ]:
            if change.is_gone or is_test(change.path) or is_log(change.path) or not change.path.endswith(".py"):
                continue
            shown = self.git("diff", "-U0", f"{sha}^", sha, "--", change.path)
            telling = [run for run in _read_runs(shown) if sum(map(is_telling, map(str.strip, run))) >= _LEAST_TELLING]
            for at, run in ((self._find_run(change.path, run), run) for run in telling):
                if at:
                    return _write_deletion(change.path, at, run)
        return ""

    def _find_run(self, path: str, run: list[str]) -> int:
        """Return the line on which *run* begins in HEAD's *path*, 0 where it does not stand there."""
        listed = self.git("ls-files", "--", path).strip()
        lines = self.git("show", f"HEAD:{path}").split("\n") if listed else []
        return next((at + 1 for at in range(len(lines) - len(run) + 1) if lines[at : at + len(run)] == run), 0)


def _is_fix(commit: Commit) -> bool:
    subject = commit.subject
    says_so = _FIX.search(subject) or is_about_security(commit)
    is_other = is_chore(subject) or is_trifle(subject) or is_wording(subject) or _OF_TESTS.search(subject)
    return bool(says_so) and not (is_other or is_bot(commit.author)) and len(commit.paths) <= SWEEP_PATHS


def _write_deletion(path: str, at: int, run: list[str]) -> str:
    removed = "\n".join(f"-{line}" for line in run)
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}"
    return f"{head}\n@@ -{at},{len(run)} +{at - 1},0 @@\n{removed}\n"


def judge_deletions(past: Merged, most: int, seed: int) -> list[tuple[bool, bool]]:
    """Return for each of *most* deletions whether it is spoken of, and whether the fix itself is named."""
    judged: list[tuple[bool, bool]] = []
    for deletion in past.iter_deletions(seed):
        if len(judged) >= most:
            break
        said = past.judge(
            deletion.fix.sha, deletion.patch, Surroundings(time.time(), is_review=True, aside=past.aside)
        ).relations
        judged.append((bool(said), _names(said, deletion.fix)))
        if not said:
            print(f"silent: {deletion.fix.sha[:10]} {deletion.fix.subject}", flush=True)
    return judged


def _names(said: list[Relation], fix: Commit) -> bool:
    return any(one.commit.sha == fix.sha for one in said)


def _read_runs(diff: str) -> Iterator[list[str]]:
    """Yield the added lines of each hunk of one file's diff."""
    for hunk in _HUNK.split(diff)[2::2]:
        yield [line[1:] for line in hunk.split("\n")[1:] if line.startswith("+")]


if __name__ == "__main__":
    main()
