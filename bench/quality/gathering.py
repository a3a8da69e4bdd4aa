"""What the ranker sees of every question, kept: gathering it takes minutes, fitting to it seconds.

An index is built in this process, without a daemon, by the functions that the indexer uses; features come from the searcher's
own.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ail_daemon.index import pulls, words
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.indexing.embedding import encode_with
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.updating import update_large
from ail_daemon.model import REF_KINDS, Encoder
from ail_daemon.repos.repo import Repo
from ail_daemon.search import candidates, folding, linehistory
from ail_daemon.search.candidates import Question, gather
from ail_daemon.search.features import FEATURES, QuestionTerms, Signals, build
from ail_daemon.search.folding import Folder
from ail_daemon.search.linehistory import LineHistories, Lines
from ail_daemon.search.search import FOLDED_HITS
from ail_daemon.text import direction, mentions, terms
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError

from .sets import CODE, QuestionSet, Row

INDEXES = CODE.parent / "quality"
"""Where indexes, and what was gathered from them, are kept from one run to the next."""

CITATIONS = 10
LIKELIEST = 80  # of which it is worked out whether they are one change
PLAIN = {"cosine": 0.5, "words": 0.5, "coverage": 0.3, "touches_file": 0.2, "touches_lines": 0.4, "logged": 0.4}
"""The plain sum that chooses which candidates are learned from; a fusion of the kind that the fitted weights have to beat."""

PLAIN_WEIGHTS = np.array([PLAIN.get(name, 0.0) for name in FEATURES])


class Judged(NamedTuple):
    """One question with its candidates; is_answer: whether each is one, in their order."""

    row: Row
    asked: QuestionTerms
    candidates: dict[int, Signals]
    is_answer: npt.NDArray[np.bool_]
    changes: list[list[int]]  # which of the likeliest are one change, the one that stands for them first

    def fold(self, ids: list[int]) -> list[list[int]]:
        """Return *ids*, best first, in groups of one change, as answers of ten citations are folded."""
        of = {i: number for number, change in enumerate(self.changes) for i in change}
        shown = ids[: FOLDED_HITS * CITATIONS]
        numbers = dict.fromkeys(of.get(i, -i) for i in shown)
        return [[i for i in self.changes[n] if i in shown] if n >= 0 else [-n] for n in numbers]


def build_index(repo: Path, directory: Path, encoder: Encoder | None) -> RepoIndex:
    """Return the index of *repo* in *directory*, opened where it is there already."""
    index = RepoIndex(directory, encoder)
    place = find_repository(str(repo))
    reader = LocalReader(place, REF_KINDS)
    if index.tips != reader.tips or index.counts.changed < index.counts.commits:
        update_large(reader, encode_with(encoder), Repo(directory, place), index, lambda: None, lambda _: {})
    return index


def judge(index: RepoIndex, encoder: Encoder | None, repo: Path, row: Row) -> Judged:
    """Gather the candidates of one question, as a daemon would."""
    question = make_question(repo, row)
    embedding = encoder.encode([row.text]) if encoder else None
    gathered = gather(index, question, embedding)
    if row.kind == "title":  # its own merge says it word for word
        others = {i: signals for i, signals in gathered.candidates.items() if not signals.is_merge}
        gathered = replace(gathered, candidates=others)
    answers = set(index.store.get_ids(row.answers).values())
    is_answer = np.array([i in answers for i in gathered.candidates], bool)
    changes = Folder(index.store).fold(find_likeliest(gathered.candidates, gathered.asked))
    return Judged(row, gathered.asked, gathered.candidates, is_answer, [one for one in changes if len(one) > 1])


def find_likeliest(candidates: dict[int, Signals], asked: QuestionTerms) -> list[int]:
    """Return the ids of the LIKELIEST by a plain sum, best first."""
    if not candidates:
        return []
    plain = build(asked, list(candidates.values())) @ PLAIN_WEIGHTS
    ids = list(candidates)
    return [ids[place] for place in np.argsort(-plain)[:LIKELIEST]]


def make_question(repo: Path, row: Row) -> Question:
    """Return *row* as the searcher takes it, with where its lines come from; lines that HEAD has not are left out."""
    if row.scope.file is None or row.scope.lines is None:
        return Question(row.text, row.scope)
    try:
        found = find_whole(find_repository(str(repo)), row.scope.file, row.scope.lines)
    except AilError:
        return Question(row.text, row.scope)
    return Question(row.text, row.scope, blamed=found.blamed, logged=found.logged)


def find_whole(place: RepoPlace, file: str, lines: tuple[int, int] | None) -> Lines:
    """Return the history of lines, all of it: a busy machine must not decide a fit. After 20 s, what there is."""
    for _ in range(100):
        found = _LINES.find(place, file, lines)
        if found.is_whole:
            break
        sleep(0.2)
    return found


def gather_all(measured: QuestionSet, encoder: Encoder | None, directory: Path) -> list[Judged]:
    """Return every question of *measured* with its candidates; kept in *directory* by all that decides them."""
    index = build_index(measured.repo, directory / measured.name, encoder)
    try:
        rows = [(row.kind, row.text, row.scope, sorted(row.answers)) for row in measured.rows]
        key = hashlib.sha256(repr((rows, encoder and encoder.model_id, _hash_sources())).encode()).hexdigest()[:16]
        path = directory / f"{measured.name}-{key}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps([judge(index, encoder, measured.repo, row) for row in measured.rows]))
        kept: list[Judged] = pickle.loads(path.read_bytes())  # noqa: S301 - written by the line above
        return kept
    finally:
        index.close()


def _hash_sources() -> str:
    """Return a hash of the code that gathers: another one gathers something else."""
    sources = (candidates, direction, folding, linehistory, mentions, pulls, terms, words)
    return hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in sources)).hexdigest()


_LINES = LineHistories()
