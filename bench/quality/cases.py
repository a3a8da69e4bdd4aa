"""Questions whose reasons are known, each with the passages that a history has for it: what the judge of passages is fitted to.

Three kinds: questions in other words, from `questions/NAME.jsonl` with `keywords`; questions in the words of commits' titles,
which `asked_titles` makes; and plain ones, whose first passages were read (`questions/plain.jsonl`).
"""

from __future__ import annotations

import hashlib
import json
import pickle
import random
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Scope
from ail_daemon.search import candidates, evidence, features, linehistory, ranking
from ail_daemon.search.candidates import Question
from ail_daemon.search.evidence import Found, find_evidence
from ail_daemon.search.linehistory import NO_LINES
from ail_daemon.search.search import rank_gathered
from ail_daemon.text import direction, paragraphs, passages, prose, reasons
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError

from .asked_titles import STRANGERS, choose_questions, choose_read, tells_why
from .gathering import INDEXES, build_index, find_whole
from .sets import CODE, FITTED_ON, QUESTIONS

HOLDS = 2  # key words that a passage has to hold
TOLD_OF = ("aiohttp", "twisted")
"""Projects of questions that were written from messages that state a reason; they have no key words."""

_DECIDING = (candidates, direction, evidence, features, linehistory, paragraphs, passages, prose, reasons, ranking)
"""Modules whose sources decide which passages are found, with which signals."""

_PLAIN = QUESTIONS / "plain.jsonl"


class Case(NamedTuple):
    """One question with the passages found for it; holds: which of them hold the reason.

    ranked: the ids of the commits, best first, as the ranker has them; answers: those of the right ones.
    """

    row: dict[str, Any]
    scope: int
    found: list[Found]
    holds: list[bool]
    confidence: float
    ranked: list[int]
    answers: frozenset[int]

    @property
    def is_answerable(self) -> bool:
        """Whether the history has an answer."""
        return bool(self.row["answers"])

    @property
    def is_own(self) -> bool:
        """Whether it is asked in other words than the commit's."""
        return not (self.is_title or self.is_plain)

    @property
    def is_title(self) -> bool:
        """Whether it is asked in the words of a commit's title (see `asked_titles`)."""
        return "title" in self.row

    @property
    def is_plain(self) -> bool:
        """Whether it is a plain question: that none of its passages was accepted does not mean that there is no answer."""
        return "accepted" in self.row


def gather(name: str, encoder: Encoder, *, is_again: bool = False) -> list[Case]:
    """Return the questions of one set with their passages; kept in INDEXES by all that decides them.

    is_again: return what trees learn from beside those questions: the same asked without their file and lines and, of TOLD_OF,
    questions whose reason is what the answer's message says.
    """
    rows = [json.loads(line) for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines()]
    if is_again:
        told = rows if name in TOLD_OF else []
        rows = [*told, *(row | {"file": None, "lines": None} for row in rows if row["file"])]
    return _gather_rows(name, rows, encoder)


def gather_titles(encoder: Encoder) -> dict[str, list[Case]]:
    """Return by project the questions in the words of its commits' titles, and of others', which have no answer there."""
    asked: dict[str, list[dict[str, Any]]] = {}
    read: dict[str, list[dict[str, Any]]] = {}
    for project in FITTED_ON:
        index = build_index(CODE / f"{project}.git", INDEXES / project, encoder)
        try:
            asked[project] = choose_questions(index, project)
            read[project] = choose_read(index, project)
        finally:
            index.close()
    cases = {}
    for project, own in asked.items():
        others = [row for other, rows in asked.items() if other != project for row in rows]
        strange = [row | {"file": None, "answers": []} for row in random.Random(project).sample(others, STRANGERS)]
        cases[project] = _gather_rows(project, [*own, *read[project], *strange], encoder)
    return cases


def gather_plain(encoder: Encoder) -> dict[str, list[Case]]:
    """Return by project the plain questions; a passage holds the reason if it is one of those that whoever read them accepted."""
    rows = [json.loads(line) for line in _PLAIN.read_text().splitlines()]
    cases = {}
    for project in FITTED_ON:
        own = [row for row in rows if row["project"] == project]
        asked = [row | {"lines": None, "answers": sorted({one["sha"] for one in row["accepted"]})} for row in own]
        cases[project] = _gather_rows(project, asked, encoder)
    return cases


def _gather_rows(name: str, rows: list[dict[str, Any]], encoder: Encoder) -> list[Case]:
    project = name.removesuffix("-diff")
    key = hashlib.sha256(repr((rows, encoder.model_id, _hash_sources())).encode()).hexdigest()[:16]
    kept = INDEXES / f"{name}-{key}.evidence"
    if kept.exists():
        cases: list[Case] = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
        return cases
    repo = CODE / f"{project}.git"
    index = build_index(repo, INDEXES / project, encoder)
    try:
        cases = [_ask(index, find_repository(str(repo)), encoder, row) for row in rows]
    finally:
        index.close()
    kept.write_bytes(pickle.dumps(cases))
    return cases


def _hash_sources() -> str:
    """Return a hash of the code and the weights that decide what is found."""
    files = [Path(str(module.__file__)) for module in _DECIDING]
    files.append(files[-1].with_name("ranking.json"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _ask(index: RepoIndex, place: RepoPlace, encoder: Encoder, row: dict[str, Any]) -> Case:
    scope = Scope(row["file"], tuple(row["lines"]) if row["lines"] else None)
    lines = NO_LINES
    if scope.file:
        try:
            lines = find_whole(place, scope.file, scope.lines)
        except AilError:
            lines = NO_LINES
    question = Question(row["question"], scope, 10, "auto", lines.blamed, lines.logged, lines=lines)
    asked, ranked = rank_gathered(index, encoder, question)
    found = find_evidence(index, question, asked, ranked.hits, lines, encoder)
    ids = set(index.store.get_ids(row["answers"]).values())
    holds = [_holds(one, row, ids) for one in found]
    of = 2 if scope.lines else 1 if scope.file else 0
    return Case(row, of, found, holds, ranked.confidence, [hit.commit_id for hit in ranked.hits], frozenset(ids))


def _holds(one: Found, row: dict[str, Any], answers: Collection[int]) -> bool:
    if "accepted" in row:
        text = " ".join(one.passage.text.split())
        return one.commit_id in answers and any(text.startswith(accepted["begins"]) for accepted in row["accepted"])
    if "title" in row:
        return tells_why(one, answers, row.get("tells"))
    if "keywords" in row:
        return holds_reason(one.passage.text, row["keywords"])
    return one.commit_id in answers and one.passage.kind == "message" and one.passage.worth > 0


def holds_reason(text: str, keywords: Iterable[str]) -> bool:
    """Whether *text* has two of the *keywords*, in any case and however it is wrapped."""
    folded = " ".join(text.lower().split())
    return sum(word.lower() in folded for word in keywords) >= HOLDS
