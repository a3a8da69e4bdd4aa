"""Decides which commits bear on a change: the kinds of relation, and the bar below which nothing is said.

At a commit nobody asked, so the bar is high. It was set by reading the results on aiohttp and attrs, and checked on pytest
(`bench/related.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ail_daemon.index import lookups
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.index.words import MESSAGE_FIELDS
from ail_daemon.model import Commit
from ail_daemon.search.fates import find_fate
from ail_daemon.search.repeated import Repeated
from ail_daemon.text.mentions import is_undoing, read_undone

from .cochange import is_bot
from .overlap import Lines, Overlap, collect_lines, is_comment, is_import
from .patches import FileChange
from .reasons import find_reason, is_about_security, is_chore, is_fix, is_title_alone, is_wording, read_title
from .tracing import Surroundings, Touching, Trace, find_traces

Kind = Literal["reverts", "same_lines", "tried_before", "similar"]

SWEEP_LINES = 400
"""A commit with more telling lines is ignored: its message does not explain any one of them."""

SWEEP_PATHS = 25
FRESH_S = 86_400.0
"""A commit younger than a day is ignored: people still know why it was made."""

OWN_FRESH_S = 14 * 86_400.0
"""... and one's own commit younger than two weeks."""

_LABEL = re.compile(r"^(?:\[[^]]*\]\s*)+|\s*\(#\d+\)")
LEAST_LINES = 2
LEAST_TAKEN_BACK = 0.6
LEAST_AGAIN = 0.5
LEAST_BLAMED = 0.2
LEAST_OF_COMMIT = 0.06
LEAST_OF_CHANGE = 0.15
LEAST_OF_GUARD = 3
LEAST_OF_FIX = 0.1
LEAST_OF_OTHER = 0.3
MOST_SAME_LINES = 2


@dataclass(frozen=True, slots=True)
class Relation:
    """One commit that bears on a change. score: 0 to 1, how surely. sentence: what it has to do with it."""

    kind: Kind
    commit: Commit
    score: float
    sentence: str
    path: str | None
    line: int | None
    reasons: tuple[str, ...] = ("touches_lines",)


def relate(index: RepoIndex, changes: Sequence[FileChange], touching: Touching, around: Surroundings) -> list[Relation]:
    """Return the commits that bear on a change, the surest first, each once; usually []."""
    lines = collect_lines(changes)
    traces = [trace for trace in find_traces(index, changes, lines, touching, around) if _is_near(trace, lines)]
    commits = index.store.get_commits([trace.commit_id for trace in traces])
    sizes = index.store.get_basket_sizes([trace.commit_id for trace in traces])
    judging = _Judging(index, changes, lines, around)
    found = [
        relation
        for trace in traces
        if sizes.get(trace.commit_id, SWEEP_PATHS + 1) <= SWEEP_PATHS and not is_bot(commits[trace.commit_id].author)
        if (relation := judging.judge(trace, commits[trace.commit_id]))
    ]
    return _choose(found)


class _Judging:
    """One change, against one commit after the other."""

    def __init__(self, index: RepoIndex, changes: Sequence[FileChange], lines: Lines, around: Surroundings) -> None:
        self._index = index
        self._changes = changes
        self._lines = lines
        self._around = around
        self._is_repeated = Repeated(index)
        self._plain = find_plain(lines) if around.is_review else frozenset[str]()
        self._counting = lines.owing(lines.owed - self._plain)

    def judge(self, trace: Trace, commit: Commit) -> Relation | None:
        if tried := self._judge_tried(trace, commit):
            return tried
        if self._is_known(commit) or is_chore(commit.subject):
            return None
        counting = trace.without(self._plain)
        judged = self._judge_reverts(counting, commit) or self._judge_same(counting, commit)
        return judged or self._judge_hole(trace, commit)

    def _is_known(self, commit: Commit) -> bool:
        """Whether the author of the change probably still remembers *commit*."""
        is_own = commit.email.lower() in self._around.by
        return self._around.now - commit.commit_time < (OWN_FRESH_S if is_own else FRESH_S)

    def _judge_tried(self, trace: Trace, commit: Commit) -> Relation | None:
        """Return a relation if the change brings back what *commit* says it took back."""
        met = trace.overlap.inverse_lines
        is_again = trace.overlap.restored_share >= LEAST_AGAIN and len(trace.overlap.restored) >= LEAST_LINES
        if not (is_again or share_taken_back(trace.overlap, self._lines)) or not is_undoing(commit.message):
            return None
        reason = find_reason_to_undo(commit, self._is_repeated)
        first = self._find_undone(trace.commit_id, commit)
        tail = f": {reason}" if reason else ""
        if first is None:
            return self._relation("tried_before", commit, 0.9, f"it took back what comes again{tail}", met)
        return self._relation("tried_before", first, 0.95, f"taken back by {commit.sha[:10]}{tail}", met)

    def _judge_reverts(self, trace: Trace, commit: Commit) -> Relation | None:
        share = share_taken_back(trace.overlap, self._lines)
        if not share:
            return None
        reason = find_reason(commit, self._is_repeated)
        if self._around.is_review and not reason and not self._is_striking(trace.overlap):
            return None
        summary = f"takes back {trace.overlap.inverse} of its {trace.overlap.size} lines"
        sentence = f"{summary}: {reason}" if reason else summary
        return self._relation("reverts", commit, 0.6 + 0.3 * share, sentence, trace.overlap.inverse_lines)

    def _judge_same(self, trace: Trace, commit: Commit) -> Relation | None:
        title = read_title(commit)
        if self._around.is_retiring:
            return None
        mends = self._around.is_review and is_fix(title)
        if self._around.is_review and (is_wording(title) or not (mends or trace.blamed & trace.overlap.undone)):
            return None  # what is only reworded is still there
        of_any_size = mends and is_mostly_removed(trace)
        share = share_blamed(trace, self._counting, 0.0 if of_any_size else LEAST_OF_COMMIT)
        least = LEAST_OF_FIX if mends else LEAST_OF_OTHER
        share = share or (LEAST_BLAMED if self._around.is_review and is_guard_removed(trace, least) else 0.0)
        if not share:
            return None
        reason = find_reason(commit, self._is_repeated) or (title if mends else None)
        is_lost = 2 * len(trace.blamed & self._lines.bare) > len(trace.blamed)
        if not reason or (self._around.is_review and is_title_alone(commit, reason) and not is_lost):
            return None  # of what is written anew, a bare "fix x" says too little
        return self._relation("same_lines", commit, 0.3 + 0.3 * share, reason, trace.blamed)

    def _judge_hole(self, trace: Trace, commit: Commit) -> Relation | None:
        """Return a relation if any removed line was written by *commit* to close a security hole."""
        blamed = trace.blamed - self._lines.setup
        if all(map(is_comment, blamed)) or not is_about_security(commit):
            return None
        reason = find_reason(commit, self._is_repeated) or commit.subject
        return self._relation("same_lines", commit, 0.65, reason, blamed)

    def _is_striking(self, overlap: Overlap) -> bool:
        """Whether going back is worth a word where no reason is known: in code, and with little or the old put in its place."""
        lines = overlap.inverse_lines
        return not lines <= self._lines.beside and bool(
            overlap.restored or 2 * len(lines & self._lines.bare) > len(lines)
        )

    def _find_undone(self, undoing_id: int, undoing: Commit) -> Commit | None:
        """Return the commit that *undoing* names by sha or subject, if it was indeed reverted by it."""
        store = self._index.store
        named = [target for target in lookups.find_targets(store, undoing_id, "reverts") if target]
        ids = list(store.get_ids(sha for target in named for sha in store.find_sha(target)).values())
        if not ids and (subject := read_undone(undoing.message)):
            ids = list(self._index.words.find(self._index.words.analyze(subject), MESSAGE_FIELDS, 10))
        found = store.get_commits(ids).items()
        return next((one for i, one in found if find_fate(store, i, one).reverted_by == undoing.sha), None)

    def _relation(self, kind: Kind, commit: Commit, score: float, sentence: str, lines: frozenset[str]) -> Relation:
        path, line = self._locate(lines)
        return Relation(kind, commit, round(score, 4), sentence, path, line)

    def _locate(self, lines: frozenset[str]) -> tuple[str | None, int | None]:
        """Return path and line where the change first has one of *lines*."""
        for change in self._changes:
            if met := [number for line, number in change.at.items() if line in lines]:
                return change.path, min(met)
        return None, None


def share_taken_back(overlap: Overlap, lines: Lines) -> float:
    """Return how much of a commit a change takes back, 0 to 1; 0 below the bar.

    Lines that a commit added may also be replaced by newer ones: then what it removed does not come back.
    """
    if overlap.inverse < LEAST_LINES or overlap.inverse < LEAST_OF_CHANGE * len(lines):
        return 0.0
    if overlap.its_removed > 0.3 * overlap.size and overlap.restored_share < LEAST_BLAMED:
        return 0.0
    share = overlap.inverse / overlap.size
    return share if share >= LEAST_TAKEN_BACK else 0.0


def share_blamed(trace: Trace, lines: Lines, of_commit: float = LEAST_OF_COMMIT) -> float:
    """Return the share of the removed lines that a commit wrote, 0 to 1; 0 below the bar.

    They must be a share *of_commit* of what the commit added, too; otherwise its message is about something else.
    """
    share = len(trace.blamed) / (len(lines.owed) or 1)
    is_about = len(trace.blamed) >= of_commit * trace.overlap.its_added
    return share if len(trace.blamed) >= LEAST_LINES and share >= LEAST_BLAMED and is_about else 0.0


def is_mostly_removed(trace: Trace) -> bool:
    """Whether a change takes out, and does not merely reword, more than half of the lines that a commit wrote."""
    return 2 * len(trace.blamed & trace.overlap.undone) > len(trace.blamed)


def find_plain(lines: Lines) -> frozenset[str]:
    """Return the removed lines of which a reviewer needs no reason.

    Of a file that goes as a whole everybody sees that what it was for goes with it; a reworded comment or import says what it
    said; configuration changes with what it configures.
    """
    reworded = lines.owed & lines.edited
    return lines.gone | lines.setup | {one for one in reworded if is_import(one) or is_comment(one)}


def is_guard_removed(trace: Trace, least: float = LEAST_OF_FIX) -> bool:
    """Whether a change takes out, and does not merely reword, a part of what a commit added, however large the change is."""
    removed = trace.blamed & trace.overlap.undone
    return len(removed) >= LEAST_OF_GUARD and len(removed) >= least * trace.overlap.its_added


def find_reason_to_undo(commit: Commit, is_repeated: Callable[[str], bool] = lambda _: False) -> str | None:
    """Return the sentence in which a revert says why, None if it only names what it reverts."""
    reason = find_reason(commit, is_repeated)
    return None if reason and is_undoing(reason) else reason


def _is_near(trace: Trace, lines: Lines) -> bool:
    """Whether it can pass the bar; checked before any message is read."""
    overlap = trace.overlap
    if overlap.size > SWEEP_LINES:
        return False
    return bool(trace.blamed or share_taken_back(overlap, lines) or len(overlap.restored) >= LEAST_LINES)


def _choose(found: list[Relation]) -> list[Relation]:
    """Return the surest first, each commit once, at most two with the relation `same_lines`."""
    chosen: dict[str, Relation] = {}
    for relation in sorted(found, key=lambda one: -one.score):
        same = sum(one.kind == "same_lines" for one in chosen.values())
        subject = _LABEL.sub("", relation.commit.subject)  # picked onto another branch, it is the same once more
        if subject not in chosen and not (relation.kind == "same_lines" and same >= MOST_SAME_LINES):
            chosen[subject] = relation
    return list(chosen.values())
