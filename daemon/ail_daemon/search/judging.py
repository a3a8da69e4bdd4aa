"""How likely each passage is the reason that was asked for. Pure: numbers in, numbers out; knows no index.

Boosted trees over the signals of a passage, its commit and their place (`evidence.Found`), fitted by `python -m
bench.quality.evidence --write` to questions whose reasons are known by key words; a logistic regression over the best passage
gives the probability that what is quoted holds the reason. Both are read from evidence.json beside this file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from .evidence import Found
from .features import Floats
from .trees import Trees

KINDS = ("message", "comment", "docstring", "docs", "changelog", "test")
SCOPES = ("open", "file", "lines")

COLUMNS = (
    "score", "log_rank", "is_ranked", "commit_cosine", "commit_coverage", "overlap", "overlap_code", "tells", "states",
    "cosine", "is_compared", "near", "is_within", "stands", "made_lines", "changed_lines", "is_in_file", "is_removed", "length",
    *KINDS, "overlap_share", "cosine_share", "beside", "opens", "about_file", "about_lines",
)  # fmt: skip
"""The columns of `build_columns`."""

_SURE, _OF_SURE = 0.5, 0.5
"""The ranker's confidence from which the passages of its first commit gain so many log odds, unless lines are asked about. Judged
by the other projects, of 220 open questions five more get a right answer so, of 110 about files three, of 400 titles eleven."""

_ASIDE = -1.5
"""Log odds for a passage whose commit HEAD does not reach. Of 333 questions about five projects, asked with all branches indexed,
such a commit was first for 17: for one it was the right one, and two got a wrong answer from it (at .53 and .87)."""

_ELSEWHERE = -1.5
"""Log odds where a file is asked about for a passage of a commit that never touched it. Of 87 questions one fewer is answered by
the right reason so; of 48 plain ones of which nobody accepted an answer nine get one instead of thirteen."""

_OTHER_CODE, _CLOSE = -2.0, 12
"""Log odds where lines are only pointed at ("why is this so?") for a comment that stands further than so many lines from them, or
stands no more: it is about other code of its commit. Of 108 such answers that were read, what was told at .7 and more was right
for .73, and for .83 of those that are left since."""

_NOT_RANKED = -3.5  # log rank of a commit that was not ranked
_NEAR, _TIED = 2.0, 0.6
"""Log odds behind the first passage up to which a second one of its commit is quoted too: one that stands elsewhere (a comment
beside a message, or the other way round), and any. Of 192 questions about lines .026 more are answered rightly by the latter."""


_NO_RIVAL = -6.0
_SAME = 0.7  # share of the shorter one's words from which two passages say the same
_SAME_CHARS = 400


class Sureness(NamedTuple):
    """What the probability depends on: the best passage's worth and its lead over the best of another commit."""

    worth: float
    lead: float
    confidence: float
    scope: int


@dataclass(frozen=True)
class Judge:
    """What weighs passages, and how sure that is.

    trees: of the columns of `build_columns`. sure: weights of `Sureness`, by scope, the bias last. bars: the least
    probability, by scope, from which a passage is quoted as the reason.
    """

    trees: Trees
    sure: Floats
    bars: Floats

    def weigh(self, columns: Floats) -> Floats:
        """Return for each row of *columns* (see COLUMNS) how far it looks like the reason, as log odds."""
        return self.trees.weigh(columns)

    def get_probability(self, sureness: Sureness, share: float = 1.0) -> float:
        """Return the probability, 0 to 1, that the best passage, or its counterpart, holds the reason.

        share: how much of the log odds counts, where they are known to be too sure.
        """
        weights = self.sure[sureness.scope]
        values = np.array([sureness.worth, sureness.lead, sureness.confidence, 1.0])
        return 1 / (1 + math.exp(-share * float(values @ weights)))


@cache
def load_judge() -> Judge:
    """Return the shipped trees and weights."""
    kept = json.loads(resources.files(__package__).joinpath("evidence.json").read_text("utf-8"))
    return Judge(Trees(kept, kept["base"]), np.array(kept["sure"]), np.array(kept["bars"]))


def build_columns(found: Sequence[Found], scope: int) -> Floats:
    """Return (len(found), len(COLUMNS)); *scope*: the question's place in SCOPES."""
    most_overlap = max((one.overlap for one in found), default=0.0) or 1.0
    most_cosine = max((one.cosine or 0.0 for one in found), default=0.0) or 1.0
    beside = Counter(one.commit_id for one in found)
    rows = [_describe(one, most_overlap, most_cosine, beside[one.commit_id], scope) for one in found]
    return np.array(rows, np.float64).reshape(len(found), len(COLUMNS))


def _describe(one: Found, most_overlap: float, most_cosine: float, beside: int, scope: int) -> list[float]:
    # Rounded: all of the question is 1 give or take the last bit of a sum, and trees split there.
    passage, cosine = one.passage, one.cosine or 0.0
    return [
        one.score, -math.log1p(one.rank) if one.rank is not None else _NOT_RANKED, one.rank is not None,
        one.commit_cosine, round(one.commit_coverage, 4), round(one.overlap, 4), one.overlap_code,
        passage.worth >= 1, passage.worth >= 2,
        cosine, one.cosine is not None, math.exp(-one.distance / 6) if one.distance is not None else 0.0,
        one.distance == 0, one.line_now is not None, one.of_lines == 1, one.of_lines == 0.5, one.is_in_file,
        passage.is_removed, math.log(len(passage.text)) - 5, *(passage.kind == kind for kind in KINDS),
        one.overlap / most_overlap, cosine / most_cosine, math.log(beside),
        passage.kind == "message" and (passage.line or 9) <= 3, scope == 1, scope == 2,
    ]  # fmt: skip


def lean(
    found: Sequence[Found],
    scope: int,
    first: int | None,
    confidence: float,
    aside: Collection[int] = frozenset(),
    *,
    is_pointing: bool = False,
) -> Floats:
    """Return what each of *found* gains beside its weight, as log odds: what no tree was taught, for too few questions tell it.

    first: the ranker's first commit, None for none, with its *confidence*. aside: commits that HEAD does not reach.
    is_pointing: the question says no more than its place does.
    """
    of_sure = _OF_SURE if confidence >= _SURE and SCOPES[scope] != "lines" else 0.0
    elsewhere = _ELSEWHERE if SCOPES[scope] == "file" else 0.0
    other_code = _OTHER_CODE if is_pointing and SCOPES[scope] == "lines" else 0.0
    return np.array([
        of_sure * (one.commit_id == first) + _ASIDE * (one.commit_id in aside) + elsewhere * (not one.touches_file)
        + other_code * _is_of_other_code(one)
        for one in found
    ], np.float64)  # fmt: skip


def _is_of_other_code(one: Found) -> bool:
    """Whether a passage is a comment, a docstring or a test that does not stand close to the asked lines today."""
    is_far = one.distance is None or one.distance > _CLOSE
    return is_far and one.passage.kind in ("comment", "docstring", "test")


def find_counterpart(found: Sequence[Found], weights: Floats) -> int | None:
    """Return the place of what the same commit says elsewhere: its message beside a comment, a comment beside its message.

    found: best first, with their *weights*. Else of what is as good as the first, by chance behind it; None where nothing near
    states a reason. Of questions about lines whose reason is in a message, .67 are answered by the first passage, .84 by the
    two; the asker sees the comment.
    """
    first = found[0]
    own = [place for place, one in enumerate(found[1:], 1) if one.commit_id == first.commit_id and one.passage.worth]
    is_message = first.passage.kind == "message"
    elsewhere = next((place for place in own if (found[place].passage.kind == "message") != is_message), None)
    if elsewhere is not None and weights[elsewhere] > weights[0] - _NEAR:
        return elsewhere
    return own[0] if own and weights[own[0]] > weights[0] - _TIED else None


def measure_sureness(found: Sequence[Found], weights: Floats, confidence: float, scope: int) -> Sureness:
    """Return how sure the first of *found*, best first, is; *confidence*: the ranker's in its first commit.

    A rival is what another commit says, and not in the same words: a commit that was applied twice is none to itself.
    """
    best, first = float(weights[0]), found[0]
    ordered = zip(found, weights, strict=True)
    rivals = (float(w) for one, w in ordered if one.commit_id != first.commit_id and not _says_the_same(one, first))
    lead = best - next(rivals, _NO_RIVAL)
    return Sureness(best, lead, math.log((confidence + 1e-3) / (1 - confidence + 1e-3)), scope)


def _says_the_same(one: Found, other: Found) -> bool:
    words, others = (set(each.passage.text[:_SAME_CHARS].lower().split()) for each in (one, other))
    return len(words & others) >= _SAME * min(len(words), len(others))
