"""Passages that may answer a question, with the signals of each. Reads the index; judges nothing (see `judging`).

They come from three places: the commits that were ranked best (paragraphs of their messages, and prose that they added), for
lines the commits of the lines' history, and for a file the comments that stand in it today, with the commits that wrote them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect, bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ..index.repoindex import RepoIndex
from ..index.words import PROSE_FIELDS
from ..model import Encoder
from ..text import prose
from ..text.paragraphs import is_parameter_field
from ..text.passages import Passage, get_key, split_message
from ..text.reasons import Worth
from .candidates import Question
from .features import QuestionTerms
from .linehistory import Lines
from .ranking import Hit

HITS = 20
"""Ranked commits whose passages are looked at."""

BY_PROSE = 8
"""Further commits whose passages hold most of the question's words: a reason is often not what its commit is about."""

OF_LINES = 12
"""Commits of the asked lines' history whose passages are looked at, whatever their rank."""

JOINED_CHARS = 800
"""Neighbouring paragraphs of a message up to this are one passage: as much as a citation's excerpt shows."""

STANDING = 24
"""Comments of the asked file that are looked at: those that share most with the question."""

ENCODED = 5
COMPARED_CHARS = 200
"""Passages, and of each its beginning, whose meaning is compared with the question's: most of what a question costs.

Of 400 characters they take half as much again, and what is quoted holds the reason for 253 of 440 questions instead of 252.
Where lines are asked about that brings nothing: of 192 such questions .84 and .86 are answered (reason in the message, in the
diff), with it .81 and .85.
"""

_WORD = re.compile(r"[^\W_]+")
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|e?d|e?s|er|ly|e)$")
_FAR = 60  # lines; a comment further away is not about the asked ones


class Found(NamedTuple):
    """One passage that may answer, with its commit and the signals of both.

    rank: of its commit, from 0, None where it was not ranked. score: the commit's share of all candidates' weight, 0 to 1.
    overlap: share of the question's rarity that the passage holds, overlap_code: of the asked lines' words; cosine: of
    question and passage, None where it was not compared. distance: lines between it and the asked ones, where it stands
    in the file today; None elsewhere. of_lines: the commit made the lines what they are (1) or changed them before (.5).
    is_in_file: the passage stands in the asked file; touches_file: its commit changed that.
    """

    commit_id: int
    passage: Passage
    rank: int | None = None
    score: float = 0.0
    commit_cosine: float = 0.0
    commit_coverage: float = 0.0
    overlap: float = 0.0
    overlap_code: float = 0.0
    worth: int = 0
    cosine: float | None = None
    distance: int | None = None
    of_lines: float = 0.0
    is_in_file: bool = False
    line_now: int | None = None
    touches_file: bool = False


def find_evidence(
    index: RepoIndex,
    question: Question,
    asked: QuestionTerms,
    hits: Sequence[Hit],
    lines: Lines,
    encoder: Encoder | None,
) -> list[Found]:
    """Return the passages that may answer *question*, not ranked; *hits*: its ranked candidates, best first."""
    found = _Found(index, question, asked, hits, lines)
    found.add_standing()
    found.add_written()
    return found.found if question.scope.lines else _compare(found.found, question.text, encoder)


class _Found:
    """Collects passages, each text of a commit once: as first added, so those that stand in the file go first."""

    def __init__(
        self, index: RepoIndex, question: Question, asked: QuestionTerms, hits: Sequence[Hit], lines: Lines
    ) -> None:
        self._index = index
        self._scope = question.scope
        self._among = question.among
        self._lines = lines
        self._rarity = _rate_words(index, question.text, asked)
        self._total = sum(asked.rarity.values()) or 1.0
        self._asked = frozenset(self._rarity)
        self._code = _shorten(lines.code) - self._asked
        self._hits = {hit.commit_id: (rank, hit) for rank, hit in enumerate(hits)}
        self._opposite = {hit.commit_id for hit in hits if hit.signals.is_opposite}
        self._ids = self._choose_commits(question, hits)
        self.found: list[Found] = []
        self._texts: dict[int, str] = {}

    def _choose_commits(self, question: Question, hits: Sequence[Hit]) -> list[int]:
        """Return the ids of the commits to read: of the lines' history, the best hits, those with the question's words."""
        index_words = self._index.words
        named = list(dict.fromkeys([*self._lines.blamed.values(), *self._lines.logged]))[:OF_LINES]
        of_lines = self._index.store.get_ids(named)
        self._of_lines = {of_lines[sha]: 0.5 for sha in named if sha in of_lines}
        self._of_lines |= {of_lines[sha]: 1.0 for sha in self._lines.blamed.values() if sha in of_lines}
        by_prose = index_words.find(index_words.analyze(question.text), PROSE_FIELDS, BY_PROSE)
        ids = dict.fromkeys([*self._of_lines, *(hit.commit_id for hit in hits[:HITS]), *by_prose])
        return [i for i in ids if self._among is None or i in self._among]

    def add_standing(self) -> None:
        """Add the comments that stand in the asked file, near the lines or sharing words with the question."""
        if self._lines.around:
            near = [(one, self._lines.around.get(one.line or 0)) for one in self._lines.standing]
            self._add_near([(one, sha) for one, sha in near if sha])
        elif self._lines.standing:
            self._add_of_file(self._lines.standing)

    def _add_near(self, standing: list[tuple[Passage, str]]) -> None:
        ids = self._index.store.get_ids({sha for _, sha in standing})
        for passage, sha in standing:
            distance = self._measure_distance(passage)
            if sha in ids and distance is not None and distance <= _FAR:
                self._add(ids[sha], passage, distance=distance, line_now=passage.line)

    def _add_of_file(self, standing: Sequence[Passage]) -> None:
        overlaps = [self._measure_overlap(_shorten(one.text)) for one in standing]
        rated = sorted(((overlaps[n], one.worth, n) for n, one in enumerate(standing)), reverse=True)
        chosen = [standing[n] for overlap, _, n in rated[:STANDING] if overlap > 0 or standing[n].worth > 1]
        writers = self._index.store.find_writers([get_key(one.text) for one in chosen])
        for passage in chosen:
            written = writers.get(get_key(passage.text), [])
            here = [commit_id for commit_id, path in written if path == passage.path] or [i for i, _ in written]
            if here:
                self._add(here[-1], passage, line_now=passage.line)  # the first indexed commit that wrote it

    def add_written(self) -> None:
        """Add what the chosen commits wrote: in their messages, and in what they changed."""
        commits = self._index.store.get_commits(self._ids)
        passages = self._index.store.get_passages(self._ids)
        for commit_id, commit in commits.items():
            for passage in [*read_message(commit.message), *passages.get(commit_id, ())]:
                self._add(commit_id, passage)

    def _add(self, commit_id: int, passage: Passage, distance: int | None = None, line_now: int | None = None) -> None:
        is_barred = commit_id in self._opposite or (self._among is not None and commit_id not in self._among)
        words = _shorten(passage.text)
        if is_barred or _is_bare_field(passage) or self._has(commit_id, words, passage.text):
            return
        rank, hit = self._hits.get(commit_id, (None, None))
        is_in_file = passage.path is not None and passage.path == self._scope.file
        self.found.append(Found(
            commit_id, passage, rank, hit.score if hit else 0.0, (hit.signals.cosine or 0.0) if hit else 0.0,
            hit.signals.coverage / self._total if hit else 0.0,
            self._measure_overlap(words), len(words & self._code) / (len(self._code) or 1), passage.worth, None, distance,
            self._of_lines.get(commit_id, 0.0), is_in_file, line_now,
            is_in_file or (hit is not None and hit.signals.touches_file),
        ))  # fmt: skip

    def _has(self, commit_id: int, words: frozenset[str], text: str) -> bool:
        """Whether the commit has a passage of that text; else note it. Only texts of the same words are compared."""
        mark = hash((commit_id, words))
        while (other := self._texts.get(mark)) is not None:
            if get_key(other) == get_key(text):
                return True
            mark += 1
        self._texts[mark] = text
        return False

    def _measure_overlap(self, words: frozenset[str]) -> float:
        return sum(self._rarity[word] for word in words & self._asked) / self._total

    def _measure_distance(self, passage: Passage) -> int | None:
        """Return how many lines lie between *passage* and the asked ones, 0 within; None where that is unknown."""
        if passage.line is None:
            return None
        first, last = self._lines.there
        end = passage.line + len(passage.text) // 70  # roughly; where the code that it describes begins
        return max(first - end, passage.line - last, 0)


def _is_bare_field(passage: Passage) -> bool:
    """Whether *passage* says what a parameter or a result is, and names no reason: of 7,000 found for questions one held it."""
    return passage.worth < Worth.REASON and is_parameter_field(passage.text)


def _rate_words(index: RepoIndex, question: str, asked: QuestionTerms) -> dict[str, float]:
    """Return the question's words, shortened as `_shorten` does, with their terms' rarity in the index."""
    rated = {}
    for word in _WORD.findall(question):
        rarity = max((asked.rarity.get(term, 0.0) for term in index.words.analyze(word)), default=0.0)
        if rarity:
            rated[_stem(word)] = rarity
    return rated


def _shorten(text: str) -> frozenset[str]:
    """Return the words of *text* without their endings: at a tenth of the cost of the index's analyzer."""
    return frozenset(map(_stem, _WORD.findall(text)))


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    return _ENDING.sub("", word.lower())[:7]


@lru_cache(maxsize=512)
def read_message(message: str) -> list[Passage]:
    """Return a message in passages of neighbouring paragraphs: what one says, the next explains, of the same squashed commit.

    Its subject is a title, left out unless it names a reason. Questions about one thing read the same messages; the last
    ones are kept, two kilobytes each.
    """
    subject, _, body = message.lstrip("\n").partition("\n")
    titles = sorted(place + 2 for place in prose.find_titles(subject, body.split("\n")))
    joined: list[Passage] = []
    for passage in split_message(message):
        if passage.line == 1 and (not passage.worth or prose.is_merge(passage.text)):
            continue
        is_same = bool(joined) and bisect(titles, passage.line or 0) == bisect_left(titles, joined[-1].line or 0)
        if is_same and len(joined[-1].text) + len(passage.text) < JOINED_CHARS:
            before = joined.pop()
            passage = before._replace(text=f"{before.text}\n{passage.text}", worth=max(before.worth, passage.worth))
        joined.append(passage)
    return joined


def _compare(found: list[Found], question: str, encoder: Encoder | None) -> list[Found]:
    """Return *found* with the cosines of those likeliest by their other signals."""
    if encoder is None or not found:
        return found
    likeliest = sorted(range(len(found)), key=lambda place: -_guess(found[place]))[:ENCODED]
    asked = encoder.encode([question])[0]  # encoded already, as whoever searches hands it on
    embeddings = encoder.encode([found[place].passage.text[:COMPARED_CHARS] for place in likeliest])
    compared = dict(zip(likeliest, (embeddings @ asked).tolist(), strict=True))
    return [one._replace(cosine=compared.get(place)) for place, one in enumerate(found)]


def _guess(one: Found) -> float:
    near = math.exp(-one.distance / 8) if one.distance is not None else 0.0
    return one.overlap + one.score + near + 0.4 * one.of_lines + 0.2 * one.worth - 0.5 * one.passage.is_removed
