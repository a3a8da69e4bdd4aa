"""Which commits may answer a question, with all that is known about each. Reads the index; ranks nothing.

The union of what each signal brings up: nearest messages, words of messages, words of changed lines, what touches the asked file
or lines, what spells the question's names, and the commit that the question names by its sha.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from .coverage import Reader, weigh
from .features import Asked, Signals, measure_asking
from .index import RepoIndex
from .model import Commit, Embeddings, Mode, Scope
from .terms import find_names
from .words import CHANGED_FIELDS, MESSAGE_FIELDS

CANDIDATES = 100
"""Taken from words, from vectors, and of what touches the file. Of release notes 98 % have an answer among them; of questions in
people's own words 56 to 77 % open and 90 to 96 % about a file, at 30 each 39 to 57 % and 77 to 84 %."""

CHANGED_CANDIDATES = 50
NAMED_CANDIDATES = 20
MOST_NAMES = 5
MOST_PATHS = 200
"""Paths of a commit that count, as in the word index."""

MOST_TOUCHING = 1000
"""Commits of a file that are compared with the question: a file of 10,000 commits must not cost 10 ms."""

_SHA = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. blamed: line number -> sha, for a scope with lines; logged: shas that changed those lines, newest first.

    among: ids that may answer, None: all.
    """

    text: str
    scope: Scope = field(default_factory=Scope)
    limit: int = 5
    mode: Mode = "auto"
    blamed: dict[int, str] = field(default_factory=dict)
    logged: tuple[str, ...] = ()
    among: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The candidates by id, and what the question itself says."""

    candidates: dict[int, Signals]
    asked: Asked


def gather(index: RepoIndex, question: Question, embedding: Embeddings | None) -> Gathered:
    """Return the candidates of *question*; *embedding* (1, dimension) is None where words alone are asked."""
    analyzed = index.words.analyze(question.text)
    asked = Asked(
        index.words.get_rarity(analyzed),
        len(find_names(question.text)[:MOST_NAMES]),
        measure_asking(question.text),
        index.counts.commits,
    )
    looked = _look_up(index, question, analyzed, embedding)
    return Gathered(_describe(index, question, asked, looked), asked)


@dataclass(slots=True)
class _LookedUp:
    """What the index gave: scores by commit id, and sets of ids."""

    near: dict[int, float]
    words: dict[int, float]
    changed: dict[int, float]
    touching: set[int]
    blamed: set[int]
    logged: dict[int, float]
    referred: set[int]
    named_changed: dict[int, int]
    ids: list[int] = field(default_factory=list)


def _look_up(index: RepoIndex, question: Question, analyzed: list[str], embedding: Embeddings | None) -> _LookedUp:
    among, store = question.among, index.store
    looked = _LookedUp(
        near=index.find_near(embedding, CANDIDATES, among) if embedding is not None else {},
        words=_find_words(index, analyzed, MESSAGE_FIELDS, among),
        changed=_find_words(index, analyzed, CHANGED_FIELDS, among),
        touching=store.find_touching(question.scope.file) if question.scope.file else set(),
        blamed=set(store.get_ids(set(question.blamed.values())).values()),
        logged=_share_history(store.get_ids(question.logged), question.logged),
        referred=_find_referred(index, question.text),
        named_changed=_find_named(index, question.text),
    )
    near_file = _score_touching(index, looked.touching, embedding)
    looked.near |= near_file
    ids = {*looked.words, *list(looked.changed)[:CHANGED_CANDIDATES], *list(looked.near)[:CANDIDATES], *looked.blamed}
    ids |= {*looked.logged, *looked.referred, *looked.named_changed}
    ids |= set(sorted(near_file, key=near_file.__getitem__, reverse=True)[:CANDIDATES])
    looked.ids = sorted(ids if among is None else ids & among)
    if embedding is not None:
        looked.near |= index.score_near(embedding, [i for i in looked.ids if i not in looked.near])
    return looked


def _find_words(
    index: RepoIndex, analyzed: list[str], fields: dict[str, float], among: frozenset[int] | None
) -> dict[int, float]:
    """Return the best CANDIDATES by words; where few may be found, as many more are looked at as it takes."""
    limit = CANDIDATES
    while True:
        found = index.words.find(analyzed, fields, limit)
        if among is None:
            return found
        allowed = {i: score for i, score in found.items() if i in among}
        if len(allowed) >= min(CANDIDATES, len(among)) or len(found) < limit:
            return dict(list(allowed.items())[:CANDIDATES])
        limit *= 8


def _score_touching(index: RepoIndex, touching: set[int], embedding: Embeddings | None) -> dict[int, float]:
    """Return the cosines of what touches the file; without meaning, 0 for some of it: a scope must find something."""
    some = sorted(touching, reverse=True)[:MOST_TOUCHING]
    return dict.fromkeys(some[:CANDIDATES], 0.0) if embedding is None else index.score_near(embedding, some)


def _share_history(ids: Mapping[str, int], logged: tuple[str, ...]) -> dict[int, float]:
    """Return commit id -> its share of the lines' history."""
    return {ids[sha]: 2 / (2 + len(logged)) for sha in logged if sha in ids}


def _find_referred(index: RepoIndex, text: str) -> set[int]:
    """Return the commit that the question names by its sha, or by seven of its digits or more."""
    shas = [sha for prefix in _SHA.findall(text)[:MOST_NAMES] if len(sha := index.store.find_sha(prefix)) == 1]
    return set(index.store.get_ids([sha for (sha,) in shas]).values())


def _find_named(index: RepoIndex, text: str) -> dict[int, int]:
    """Return commit id -> how many of the question's names its changed lines spell, as `git log -S` would look for them."""
    found: dict[int, int] = {}
    for name in find_names(text)[:MOST_NAMES]:
        for commit_id in index.words.find_all(index.words.analyze_name(name), CHANGED_FIELDS, NAMED_CANDIDATES):
            if name in index.store.get_changed(commit_id):
                found[commit_id] = found.get(commit_id, 0) + 1
    return found


def _describe(index: RepoIndex, question: Question, asked: Asked, looked: _LookedUp) -> dict[int, Signals]:
    """Return the signals of every candidate; its own text is read here."""
    reader, names = Reader(asked.rarity), find_names(question.text)[:MOST_NAMES]
    commits, paths = index.store.get_commits(looked.ids), index.store.get_paths_of(looked.ids, MOST_PATHS)
    merges = index.get_pulls().get_merges(looked.ids)
    return {
        commit_id: _signals(commit_id, commit, paths.get(commit_id, []), looked)._replace(
            **_read(reader, asked.rarity, names, commit, paths.get(commit_id, [])),
            **_compare_paths(paths.get(commit_id, []), question.scope.file),
            pull=merges.get(commit_id),
        )
        for commit_id, commit in commits.items()
    }


def _signals(commit_id: int, commit: Commit, paths: list[str], looked: _LookedUp) -> Signals:
    is_blamed = commit_id in looked.blamed
    return Signals(
        cosine=looked.near.get(commit_id),
        words=looked.words.get(commit_id, 0.0),
        changed=looked.changed.get(commit_id, 0.0),
        touches_file=commit_id in looked.touching or is_blamed or commit_id in looked.logged,
        touches_lines=is_blamed,
        logged=looked.logged.get(commit_id, 0.0),
        named_changed=looked.named_changed.get(commit_id, 0),
        paths=len(paths),
        is_merge=len(commit.parents) > 1,
        is_reference=commit_id in looked.referred,
    )


def _read(
    reader: Reader, rarity: Mapping[str, float], names: Iterable[str], commit: Commit, paths: list[str]
) -> dict[str, Any]:
    """Return coverage and named of one commit."""
    seen = reader.read("\n".join([commit.message, *paths]))
    return {
        "coverage": weigh(seen, rarity),
        "named": sum(name in commit.message for name in names),
    }


def _compare_paths(paths: list[str], file: str | None) -> dict[str, Any]:
    """Return nearness and stem: how alike the nearest of *paths* is to *file*, part by part, and whether one holds its name."""
    if file is None:
        return {}
    parts, stem = set(file.split("/")), PurePosixPath(file).stem.strip("_")
    likeness = [len(parts & (own := set(path.split("/")))) / max(len(parts), len(own)) for path in paths]
    return {"nearness": max(likeness, default=0.0), "stem": any(stem in os.path.basename(path) for path in paths)}
