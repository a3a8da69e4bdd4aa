"""Which commits may answer a question, with the signals of each. Reads the index; ranks nothing.

The union of what each signal finds: nearest messages, words of messages, words of changed lines, commits that touch the asked
file or lines, that spell the question's names, or that the question names by sha.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ..index.repoindex import RepoIndex
from ..index.words import CHANGED_FIELDS, MESSAGE_FIELDS, PROSE_FIELDS
from ..model import Embeddings, Mode, Scope
from ..text.direction import find_commit_direction, find_direction
from ..text.terms import find_names
from .features import QuestionTerms, Signals, covers, measure_asking
from .linehistory import NO_LINES, Lines

NEAREST, BY_WORDS, BY_CHANGED, BY_PROSE = 70, 50, 30, 20
"""Candidates by vectors, by words, by changed lines, by the prose among them; of commits that touch the file, NEAREST more. 100
of the first three find nothing better: own words, open, MRR .379 with these and .384 with 100, release notes .826 with either."""

KNOWN = 200
"""Candidates with a score by words; those beyond, which other signals found, score 0."""

NAMED_CANDIDATES = 20
MOST_NAMES = 5
MOST_REFERRED = 3
"""Commits that name the same issue; of more, none counts as the one meant."""

MOST_PATHS = 200
"""Paths of a commit that count, as in the word index."""

MOST_TOUCHING = 1000
"""Commits of a file that are compared with the question: a file of 10,000 commits must not cost 10 ms."""

_REFERENCE = re.compile(r"(?<![\w&])(?:#\d+|(?:GH|gh)-\d+|CVE-\d{4}-\d+|RFC[ -]?\d+|[A-Z]{2,}-\d{2,})\b")
_SHA = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. blamed: line number -> sha, for a scope with lines; logged: shas that changed those lines, newest first.

    among: ids that may answer, None: all. aside: ids that HEAD does not reach; of equals they rank last. lines: what
    git says of the asked file or lines. share_read: of the history, above 0 to 1: the answer may be in the rest.
    named: ids of the commit that it is about. is_pointing: it names a place or a commit and says no more than that.
    """

    text: str
    scope: Scope = field(default_factory=Scope)
    limit: int = 5
    mode: Mode = "auto"
    blamed: dict[int, str] = field(default_factory=dict)
    logged: tuple[str, ...] = ()
    among: frozenset[int] | None = None
    aside: frozenset[int] = frozenset()
    lines: Lines = NO_LINES
    share_read: float = 1.0
    named: frozenset[int] = frozenset()
    is_pointing: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """The candidates by id, and the question's terms."""

    candidates: dict[int, Signals]
    asked: QuestionTerms


def gather(index: RepoIndex, question: Question, embedding: Embeddings | None) -> Gathered:
    """Return the candidates of *question*; *embedding* (1, dimension) is None for the lexical side."""
    analyzed = index.words.analyze(question.text)
    asked = QuestionTerms(
        index.words.get_rarity(analyzed),
        len(find_names(question.text)[:MOST_NAMES]),
        measure_asking(question.text),
        index.counts.commits,
        find_direction(question.text),
    )
    looked = _look_up(index, question, analyzed, embedding)
    return Gathered(_describe(index, question, asked, looked), asked)


@dataclass(slots=True)
class _LookedUp:
    """What was found in the index: scores by commit id, sets of ids."""

    near: dict[int, float]
    words: dict[int, float]
    changed: dict[int, float]
    prose: dict[int, float]
    touching: set[int]
    blamed: set[int]
    logged: dict[int, float]
    referred: set[int]
    named_changed: dict[int, int]
    ids: list[int] = field(default_factory=list)


def _look_up(index: RepoIndex, question: Question, analyzed: list[str], embedding: Embeddings | None) -> _LookedUp:
    among, store = question.among, index.store
    looked = _LookedUp(
        near=index.find_near(embedding, NEAREST, among) if embedding is not None else {},
        words=_find_words(index, analyzed, MESSAGE_FIELDS, among),
        changed=_find_words(index, analyzed, CHANGED_FIELDS, among),
        prose=_find_words(index, analyzed, PROSE_FIELDS, among),
        touching=store.find_touching(question.scope.file) if question.scope.file else set(),
        blamed=set(store.get_ids(set(question.blamed.values())).values()),
        logged=_share_history(store.get_ids(question.logged), question.logged),
        referred=_find_referred(index, question.text) | (question.named if question.is_pointing else frozenset()),
        named_changed=_find_named(index, question.text),
    )
    near_file = _score_touching(index, looked.touching, embedding)
    looked.near |= near_file
    best = (
        (looked.near, NEAREST), (looked.words, BY_WORDS), (looked.changed, BY_CHANGED), (looked.prose, BY_PROSE)
    )  # fmt: skip
    ids = {i for by_score, most in best for i in list(by_score)[:most]}
    ids |= {*looked.blamed, *looked.logged, *looked.referred, *looked.named_changed}
    ids |= set(sorted(near_file, key=near_file.__getitem__, reverse=True)[:NEAREST])
    looked.ids = sorted(ids if among is None else ids & among)
    if embedding is not None:
        looked.near |= index.score_near(embedding, [i for i in looked.ids if i not in looked.near])
    return looked


def _find_words(
    index: RepoIndex, analyzed: list[str], fields: dict[str, float], among: frozenset[int] | None
) -> dict[int, float]:
    """Return the best KNOWN by words; where *among* lets few through, more are looked up until enough are."""
    limit = KNOWN
    while True:
        found = index.words.find(analyzed, fields, limit)
        if among is None:
            return found
        allowed = {i: score for i, score in found.items() if i in among}
        if len(allowed) >= min(KNOWN, len(among)) or len(found) < limit:
            return dict(list(allowed.items())[:KNOWN])
        limit *= 8


def _score_touching(index: RepoIndex, touching: set[int], embedding: Embeddings | None) -> dict[int, float]:
    """Return the cosines of commits that touch the file; 0 for some that have none (yet): a scope must find some."""
    some = sorted(touching, reverse=True)[:MOST_TOUCHING]
    scored = {} if embedding is None else index.score_near(embedding, some)
    unscored = [i for i in some if i not in scored]
    return scored | dict.fromkeys(unscored[: max(0, NEAREST - len(scored))], 0.0)


def _share_history(ids: Mapping[str, int], logged: tuple[str, ...]) -> dict[int, float]:
    """Return commit id -> its share of the lines' history."""
    return {ids[sha]: 2 / (2 + len(logged)) for sha in logged if sha in ids}


def _find_referred(index: RepoIndex, text: str) -> set[int]:
    """Return the commits that the question names: by their sha, or seven of its digits or more, or by an issue's number."""
    shas = [sha for prefix in _SHA.findall(text)[:MOST_NAMES] if len(sha := index.store.find_sha(prefix)) == 1]
    found = set(index.store.get_ids([sha for (sha,) in shas]).values())
    for reference in _REFERENCE.findall(text)[:MOST_NAMES]:
        found |= _find_mentioning(index, reference)
    return found


def _find_mentioning(index: RepoIndex, reference: str) -> set[int]:
    """Return the commits whose message has *reference* as it is written; none where too many have it for one to be meant."""
    likely = index.words.find_all(index.words.analyze_name(reference), MESSAGE_FIELDS, NAMED_CANDIDATES)
    is_there = re.compile(rf"(?<![\w#-]){re.escape(reference)}(?!\w)", re.IGNORECASE)
    found = {i for i, commit in index.store.get_commits(list(likely)).items() if is_there.search(commit.message)}
    return found if len(found) <= MOST_REFERRED else set()


def _find_named(index: RepoIndex, text: str) -> dict[int, int]:
    """Return commit id -> how many of the question's names its changed lines spell, as `git log -S` would look for them."""
    found: dict[int, int] = {}
    for name in find_names(text)[:MOST_NAMES]:
        for commit_id in index.words.find_all(index.words.analyze_name(name), CHANGED_FIELDS, NAMED_CANDIDATES):
            if name in index.store.get_changed(commit_id):
                found[commit_id] = found.get(commit_id, 0) + 1
    return found


def _describe(index: RepoIndex, question: Question, asked: QuestionTerms, looked: _LookedUp) -> dict[int, Signals]:
    """Return the signals of every candidate."""
    read = _read(index, looked.ids, asked.rarity, find_names(question.text)[:MOST_NAMES])
    pulls = index.get_pulls()
    merges, brought_by = pulls.find_merges(looked.ids), pulls.get_merges(looked.ids)
    outlines, counted = index.store.get_outlines(looked.ids), index.store.count_passages(looked.ids)
    near, words, changed, prose = looked.near.get, looked.words.get, looked.changed.get, looked.prose.get
    signals = {}
    for i, coverage, coverage_anywhere in zip(looked.ids, read.coverage, read.coverage_anywhere, strict=True):
        subject, body = outlines.get(i, ("", 0))
        passages, reasons = counted.get(i, (0, 0))
        signals[i] = Signals(
            cosine=near(i),
            words=words(i, 0.0),
            changed=changed(i, 0.0),
            coverage=coverage,
            coverage_anywhere=coverage_anywhere,
            named=read.named.get(i, 0),
            named_changed=looked.named_changed.get(i, 0),
            is_merge=i in merges,
            is_reference=i in looked.referred,
            pull=brought_by.get(i),
            prose=prose(i, 0.0),
            body=body,
            passages=passages,
            reasons=reasons,
            **(_direct(subject, asked, index) if asked.direction else {}),
        )
    return _add_scope(index, question.scope.file, looked, signals) if question.scope.file else signals


def _add_scope(index: RepoIndex, file: str, looked: _LookedUp, signals: dict[int, Signals]) -> dict[int, Signals]:
    """Return *signals* with those of *file* and the asked lines added."""
    paths = index.store.get_paths_of(looked.ids, MOST_PATHS)
    touching = looked.touching | looked.blamed | looked.logged.keys()
    return {
        i: signal._replace(
            touches_file=i in touching,
            touches_lines=i in looked.blamed,
            logged=looked.logged.get(i, 0.0),
            paths=len(paths.get(i, ())),
            **_compare_paths(paths.get(i, []), file),
        )
        for i, signal in signals.items()
    }


def _direct(subject: str, asked: QuestionTerms, index: RepoIndex) -> dict[str, Any]:
    """Return direction and is_opposite: which way a commit went, and whether that was the opposite, with the same thing."""
    direction = find_commit_direction(subject)
    is_opposite = direction * asked.direction == -1 and covers(asked, index.words.analyze(subject))
    return {"direction": direction, "is_opposite": is_opposite}


class _Read(NamedTuple):
    """What the candidates' texts say: two coverages, in the candidates' order; commit id -> names that its message spells."""

    coverage: list[float]
    coverage_anywhere: list[float]
    named: dict[int, int]


def _read(index: RepoIndex, ids: list[int], rarity: Mapping[str, float], names: list[str]) -> _Read:
    """Ask the word index; messages are read only where they hold a name's words."""
    spelled = [index.words.analyze_name(name) for name in names]
    terms = list(dict.fromkeys([*rarity, *(term for parts in spelled for term in parts)]))
    in_message, in_changed = index.words.cover(ids, terms)
    weights = np.array([rarity.get(term, 0.0) for term in terms])
    holding = [in_message[:, [terms.index(part) for part in parts]].all(axis=1) for parts in spelled]
    likely = [ids[place] for place in np.flatnonzero(np.any(holding, axis=0))] if holding else []
    commits = index.store.get_commits(likely) if likely else {}
    named = {i: sum(name in commit.message for name in names) for i, commit in commits.items()}
    return _Read((in_message @ weights).tolist(), ((in_message | in_changed) @ weights).tolist(), named)


def _compare_paths(paths: list[str], file: str) -> dict[str, Any]:
    """Return nearness and stem: how alike the nearest of *paths* is to *file*, part by part, and whether one holds its name."""
    parts, stem = set(file.split("/")), PurePosixPath(file).stem.strip("_")
    likeness = [len(parts & (own := set(path.split("/")))) / max(len(parts), len(own)) for path in paths]
    return {"nearness": max(likeness, default=0.0), "stem": any(stem in os.path.basename(path) for path in paths)}
