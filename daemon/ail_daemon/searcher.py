"""A question to a reply: candidates from words, vectors and touched files, ranked, judged, quoted. Knows no socket and no git.

The lines' commits come in as `blamed`, worked out by whoever may run git.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from . import answers, relations
from .folding import fold
from .index import RepoIndex
from .model import Commit, Embeddings, Encoder, Mode, Scope
from .ranking import LEXICAL, NO_EVIDENCE_BELOW, NOTHING_BELOW, SEMANTIC, Evidence, Hit, Signals, rank
from .terms import find_identifiers
from .words import CHANGED_FIELDS, MESSAGE_FIELDS

CANDIDATES = 100
"""Taken from words, from vectors, and of what touches the file; a quarter of it from changed lines. Of 245 questions 98 %
have an answer among the first 100 of words or vectors; 200 found no more."""

MOST_PATHS = 200
"""Paths of a commit that count for its words, as in the word index."""

MOST_TOUCHING = 1000
"""Commits of a file that are compared with the question: a file of 10,000 commits must not cost 10 ms."""


FOLDED_HITS = 4
"""Hits looked at for each citation: so many may be one change with a better one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. blamed: line number -> sha, for a scope with lines. among: ids that may answer, None: all."""

    text: str
    scope: Scope = field(default_factory=Scope)
    limit: int = 5
    mode: Mode = "auto"
    blamed: dict[int, str] = field(default_factory=dict)
    among: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: hits best first, and what they were found by."""

    hits: list[Hit]
    confidence: float
    is_semantic: bool


def ask(index: RepoIndex, encoder: Encoder | None, question: Question) -> dict[str, Any]:
    """Return outcome, answer, confidence, citations and mode, as the contract's reply has them."""
    found = search(index, encoder, question)
    cited = (
        _cite(index, question, _fold(index, found.hits, question.limit)) if found.confidence >= NOTHING_BELOW else []
    )
    said = answers.answer(question.text, cited, has_evidence=found.confidence >= NO_EVIDENCE_BELOW)
    return {
        "outcome": said.outcome,
        "answer": said.text,
        "confidence": round(found.confidence, 4),
        "citations": [answers.citation(one) for one in cited],
        "mode": "semantic" if found.is_semantic else "lexical",
    }


def search(index: RepoIndex, encoder: Encoder | None, question: Question) -> Found:
    """Return the ranked candidates of *question* and the probability that the first is an answer."""
    analyzed = index.words.analyze(question.text)
    if not analyzed and not question.blamed:
        return Found([], 0.0, is_semantic=False)
    embedding = encoder.encode([question.text]) if encoder is not None and question.mode != "lexical" else None
    signals = _collect(index, question, analyzed, embedding)
    hits = rank(signals, is_semantic=embedding is not None)
    return Found(hits, _confidence(index, analyzed, hits, embedding is not None), embedding is not None)


def _collect(
    index: RepoIndex, question: Question, analyzed: list[str], embedding: Embeddings | None
) -> dict[int, Signals]:
    """Return the union of the candidates of every signal, each with all of its signals."""
    words = _find_words(index, analyzed, MESSAGE_FIELDS, question.among)
    changed = _find_words(index, analyzed, CHANGED_FIELDS, question.among)
    near = index.find_near(embedding, CANDIDATES, question.among) if embedding is not None else {}
    touching = index.store.find_touching(question.scope.file) if question.scope.file else set()
    touching = touching if question.among is None else touching & question.among
    blamed = set(index.store.get_ids(set(question.blamed.values())).values())
    ids = {*words, *list(changed)[: CANDIDATES // 4], *near, *blamed}
    if embedding is not None:
        alike = index.score_near(embedding, sorted(touching, reverse=True)[:MOST_TOUCHING])
        ids |= set(sorted(alike, key=alike.__getitem__, reverse=True)[:CANDIDATES])
        near |= alike | index.score_near(embedding, [i for i in ids if i not in near and i not in alike])
    return {
        i: Signals(near.get(i), words.get(i, 0.0), changed.get(i, 0.0), i in touching or i in blamed, i in blamed)
        for i in (ids if question.among is None else ids & question.among)
    }


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


def _confidence(index: RepoIndex, analyzed: list[str], hits: list[Hit], is_semantic: bool) -> float:
    if not hits:
        return 0.0
    return (SEMANTIC if is_semantic else LEXICAL).confidence(judge(index, analyzed, hits))


def judge(index: RepoIndex, analyzed: list[str], hits: list[Hit]) -> Evidence:
    """Return the evidence that the first of *hits* (at least one) is an answer."""
    first = hits[0]
    commits = index.store.get_commits([first.commit_id])
    text = "\n".join(
        [*(commit.message for commit in commits.values()), *index.store.get_paths(first.commit_id)[:MOST_PATHS]]
    )
    return Evidence(
        cosine=max(first.signals.cosine or 0.0, 0.0),
        share=index.words.get_share(analyzed, text),
        margin=first.score - hits[1].score if len(hits) > 1 else first.score,
        scoped=float(first.signals.touches_file) + float(first.signals.touches_lines),
    )


def _fold(index: RepoIndex, hits: list[Hit], limit: int) -> list[Hit]:
    """Return up to *limit* hits, each standing, with its group's best score, for all that are one change with it."""
    by_id = {hit.commit_id: hit for hit in hits[: FOLDED_HITS * limit]}
    groups = fold(index.store, list(by_id))[:limit]
    return [by_id[group[0]]._replace(score=max(by_id[i].score for i in group)) for group in groups]


def _cite(index: RepoIndex, question: Question, hits: list[Hit]) -> list[answers.Cited]:
    commits = index.store.get_commits([hit.commit_id for hit in hits])
    names = find_identifiers(question.text)
    cited = [_cited(question, names, hit, commits[hit.commit_id]) for hit in hits if hit.commit_id in commits]
    fates = [relations.find_fate(index.store, one.hit.commit_id, one.commit) for one in cited]
    return [replace(one, **fate._asdict()) for one, fate in zip(cited, fates, strict=True)]


def _cited(question: Question, names: frozenset[str], hit: Hit, commit: Commit) -> answers.Cited:
    line = next((number for number, sha in sorted(question.blamed.items()) if sha == commit.sha), None)
    tests: dict[str, Callable[[], bool]] = {
        "meaning": lambda: (hit.signals.cosine or 0.0) >= 0.3,
        "words": lambda: hit.signals.words > 0 or hit.signals.changed > 0,
        "touches_file": lambda: hit.signals.touches_file,
        "touches_lines": lambda: hit.signals.touches_lines,
        "named": lambda: any(name in commit.message for name in names),
    }
    reasons = tuple(name for name, holds in tests.items() if holds())
    return answers.Cited(hit, commit, reasons, question.scope.file if hit.signals.touches_file else None, line)
