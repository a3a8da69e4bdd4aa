"""The passages that are quoted as evidence, best first, and how likely the first of them is the reason that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from posixpath import basename

from ..index.repoindex import RepoIndex
from ..model import Encoder
from ..text.passages import get_key
from .candidates import Question
from .evidence import Found, find_evidence, read_message
from .features import QuestionTerms
from .judging import build_columns, find_counterpart, lean, load_judge, measure_sureness
from .ranking import Hit, Ranked

_OPENING = 20  # lines at the top of a file, a licence among them; what begins there is about all of it

_SAYS_WHAT = 0.1
"""The most that a first passage is told which only says what was done ("Move frame defs to execute.c"). Of 26 such ones, each
judged by the other projects, two held the reason; for lines that a question only points at one was told at .83."""

_POINTED = 0.56
"""Share of the log odds that stays where lines are only pointed at: no such question was learned from. Fitted to 104 answers
about lines drawn by chance, which were read: what was told at .95 was right for .85 (`python -m bench.quality.pointed`)."""

_MAKER_TELLS, _OPENING_TELLS = 0.6, 0.35
"""What is told where a file is only pointed at: of the message of the commit that made it, and of the comment that it begins
with. Of 32 and 17, of files drawn by chance and read, .67 and .35 tell why it is there (`python -m bench.quality.pointed`)."""

_FEW = 20
"""Passages that a commit wrote. The first one of Svelte 5 wrote hundreds, and lines of its parser were told by .eslintignore."""


@dataclass(frozen=True, slots=True)
class Quotes:
    """found: passages, best first; the first *count* are of one commit and quoted together.

    probability: 0 to 1, that those hold the reason; is_sure: enough to be the answer.
    """

    found: tuple[Found, ...] = ()
    count: int = 0
    probability: float = 0.0
    is_sure: bool = False


def find_quotes(
    index: RepoIndex, question: Question, asked: QuestionTerms, ranked: Ranked, encoder: Encoder | None
) -> Quotes:
    """Return the passages that may be quoted as the reason. encoder None: by words and places alone."""
    found = find_evidence(index, question, asked, ranked.hits, question.lines, encoder)
    if not found:
        return Quotes()
    judge, scope = load_judge(), get_scope(question)
    first = ranked.hits[0].commit_id if ranked.hits else None
    weights = judge.weigh(build_columns(found, scope)) + lean(
        found, scope, first, ranked.confidence, question.aside, is_pointing=question.is_pointing
    )
    order = (-weights).argsort(kind="stable")
    if question.is_pointing and question.scope.file:
        about = _find_about(found, question.scope.file)
        order = order[[place in about for place in order.tolist()]]
    best = [found[place] for place in order.tolist()]
    if not best:
        return Quotes()
    sureness = measure_sureness(best, weights[order], ranked.confidence, scope)
    share = _POINTED if question.is_pointing and question.scope.lines else 1.0
    probability = judge.get_probability(sureness, share) * question.share_read
    if not best[0].passage.worth:
        probability = min(probability, _SAYS_WHAT)
    counterpart = find_counterpart(best, weights[order])
    if counterpart is not None:
        best.insert(1, best.pop(counterpart))
    return Quotes(tuple(best), 1 if counterpart is None else 2, probability, probability >= float(judge.bars[scope]))


def _find_about(found: Sequence[Found], file: str) -> set[int]:
    """Return the places of passages that tell of *file*, which a question only points at.

    Those of another file do where they are about the change as a whole: a page or a changelog entry of a commit that wrote few.
    """
    beside = Counter(one.commit_id for one in found if one.passage.path)

    def is_about(one: Found) -> bool:
        passage = one.passage
        path = passage.path or file
        # By its name alone: it may have been moved since. Or a file of the directory that is asked about.
        if basename(path) == basename(file) or path.startswith(f"{file}/"):
            return True
        return passage.kind in ("docs", "changelog") and not passage.is_removed and beside[one.commit_id] <= _FEW

    return {place for place, one in enumerate(found) if is_about(one)}


def put_maker_first(index: RepoIndex, question: Question, quotes: Quotes) -> Quotes:
    """Return *quotes* about a file with what the commit that made it says of that first, or else what the file says of itself.

    Without words there is nothing to weigh passages by: the likeliest of a file's has 2 or 3 %. One that is sure stays.
    """
    dated = index.store.find_dated(question.scope.file or "")
    if quotes.is_sure or not dated or (question.among is not None and dated[-1][1] not in question.among):
        return quotes
    maker = dated[-1][1]
    said = [Found(maker, passage) for passage in read_message(index.store.get_commits([maker])[maker].message)]
    said.sort(key=lambda one: -one.passage.worth)
    tells = _MAKER_TELLS if said else _OPENING_TELLS
    said = said or _find_opening(index, question)
    if not said:
        return quotes
    others = (one for one in quotes.found if one.commit_id != said[0].commit_id)
    probability = (tells if said[0].passage.worth else _SAYS_WHAT) * question.share_read
    return replace(quotes, found=(*said, *others), count=1, probability=probability)


def _find_opening(index: RepoIndex, question: Question) -> list[Found]:
    """Return the comment or docstring that the asked file begins with, of the commit that wrote it; [] where none tells more."""
    telling = (one for one in question.lines.standing if one.worth and one.kind != "test")
    opening = next((one for one in telling if one.line and one.line < _OPENING), None)
    if opening is None:
        return []
    key = get_key(opening.text)
    writers = index.store.find_writers([key]).get(key, [])
    ids = [commit_id for commit_id, _ in writers if question.among is None or commit_id in question.among]
    return [Found(ids[-1], opening, is_in_file=True, line_now=opening.line)] if ids else []


def get_scope(question: Question) -> int:
    """Return the place in `judging.SCOPES` of what *question* is about."""
    return 2 if question.scope.lines else 1 if question.scope.file else 0


def reorder(hits: Sequence[Hit], quotes: Quotes) -> list[Hit]:
    """Return *hits* by their commits' best passages, then as ranked; commits found only by their passages are added.

    On eleven projects, each tested with a fit to the others, the right one is first for .89 of the questions about lines, where
    the ranker alone has .75; for .46 (.40) about files, .29 (.25) open. No mixture of both has a better Hit@1.
    """
    known = {hit.commit_id: hit for hit in hits}
    if not known:
        return []
    named = [hit for hit in hits if hit.signals.is_reference]
    last = hits[-1]
    quoted = [known.get(one.commit_id) or last._replace(commit_id=one.commit_id, score=0.0) for one in quotes.found]
    return list({hit.commit_id: hit for hit in (*named, *quoted, *hits)}.values())
