"""`check.consistency`: asks both sides the same questions and reports how often they agree, and where they do not.

The questions are subjects of the history's own commits, and recent questions, which are in memory. Questions and answers are only
returned to the caller; nothing is logged, stored, cached or counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import fmean
from time import monotonic
from typing import Any, NamedTuple

from ail_rpc.errors import AilError

from ..index.lookups import sample_subjects
from ..repos.repo import Repo
from ..repos.repos import Repos
from ..search import filters
from .answering import Answering
from .askparams import AskParams
from .plan import NoMeaningError, Plan
from .replies import Asked
from .sides import Comparison, compare

SAMPLE = 50
BAR = 0.8
"""Share of subjects that must agree. Of 2,786 release notes of six projects, which reuse commits' words as subjects do, 96 % to
99 % agree. Questions in people's own words have no bar: of 330 without a scope 44 % agree, and that is what meaning is for."""

_LIMIT_S = 60.0
_HALF = 0.5
_SHOWN = 20

Params = dict[str, Any]


class _Question(NamedTuple):
    asked: Asked
    is_recent: bool


@dataclass(slots=True)
class _Compared:
    """The comparisons for one repository: of subjects, and of recent questions."""

    subjects: list[Comparison] = field(default_factory=list)
    recent: list[Comparison] = field(default_factory=list)
    differing: list[dict[str, Any]] = field(default_factory=list)
    notice: str | None = None

    @property
    def is_ok(self) -> bool:
        rate = _describe(self.subjects)["rate"]
        return self.notice is None and (rate is None or rate >= BAR)

    def describe(self, repo: Repo) -> dict[str, Any]:
        return {
            "path": repo.place.root, "ok": self.is_ok, **_describe([*self.subjects, *self.recent]),
            "subjects": _describe(self.subjects), "recent": _describe(self.recent),
            "differing": self.differing[:_SHOWN], "notice": self.notice,
        }  # fmt: skip


def agrees(found: Comparison) -> bool:
    """Whether two answers agree: they cite the same commit first, or half of all they cite is cited by both."""
    return found.is_same or found.overlap >= _HALF


class Consistency:
    """Compares the sides. *find* finds a question's repository; *sample_recent* returns up to n questions' params."""

    def __init__(
        self,
        repos: Repos,
        answering: Answering,
        find: Callable[[AskParams], Asked],
        sample_recent: Callable[[int], list[Params]] = lambda _: [],
    ) -> None:
        self._repos = repos
        self._answering = answering
        self._find = find
        self._sample_recent = sample_recent

    async def check_consistency(self, params: Params) -> dict[str, Any]:
        """Return for `repo`, or for every repository, how far the sides agree on up to `sample` questions each.

        ok: whether every rate of subjects reaches `bar`. complete: whether the time, `timeout` or a minute, was enough for all
        questions.
        The settings do not matter: a side that is switched off may be checked before it is switched on again.
        """
        until = monotonic() + (params["timeout"] or _LIMIT_S)
        start = params["repo"]
        repos = list(self._repos) if start is None else [self._repos.find(start)[0]]
        reports, is_complete = [], True
        for repo in repos:
            questions = await asyncio.to_thread(self._gather, repo, params["sample"])
            compared = _Compared()
            is_complete = await self._compare_all(questions, until, compared) and is_complete
            reports.append(compared.describe(repo))
        return {
            "ok": all(one["ok"] for one in reports), "bar": BAR, "sample": params["sample"], "complete": is_complete,
            "repos": reports,
        }  # fmt: skip

    def _gather(self, repo: Repo, sample: int) -> list[_Question]:
        """Return the questions: up to half of them recent ones, the rest subjects from all over the history."""
        recent = [one for params in self._sample_recent(sample) if (one := self._take(params)) and one.repo is repo]
        recent = recent[: sample // 2]
        subjects = sample_subjects(repo.open_index(None).store, sample - len(recent))
        own = (self._take({"repo": repo.place.root, "question": subject}) for subject in subjects)
        return [*(_Question(one, True) for one in recent), *(_Question(one, False) for one in own if one)]

    def _take(self, params: Params) -> Asked | None:
        """Return the question of *params*, None if it cannot be asked any more."""
        try:
            return self._find(AskParams.parse({**_DEFAULTS, **params, "mode": "lexical", "no_cache": True}))
        except (AilError, OSError):
            return None

    async def _compare_all(self, questions: list[_Question], until: float, compared: _Compared) -> bool:
        """Compare one after the other, each in a thread, so that stopping the daemon waits for one at most.

        Returns whether all of them were asked by *until*, monotonic.
        """
        for question in questions:
            if monotonic() >= until:
                return False
            try:
                await asyncio.to_thread(self._compare, question, compared)
            except NoMeaningError as err:
                compared.notice = f"the sides cannot be compared: {err.message}"
                break
            except AilError:
                continue  # a file or a ref that is not there any more: no question
        return True

    def _compare(self, question: _Question, compared: _Compared) -> None:
        asked = question.asked
        meaning = self._answering.search(replace(asked, plan=Plan("semantic", "auto")))
        words = self._answering.search(replace(asked, plan=Plan("lexical", "lexical")))
        found = compare(meaning, words)
        (compared.recent if question.is_recent else compared.subjects).append(found)
        if not agrees(found):
            compared.differing.append({
                "question": asked.params.question[:300], "overlap": round(found.overlap, 4), "likeness": round(found.likeness, 4),
                "semantic": _name_first(meaning), "lexical": _name_first(words),
            })  # fmt: skip


def _name_first(reply: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a reply cites first, None where it cites nothing."""
    first = next(iter(reply["citations"]), None)
    return first and {"sha": first["sha"], "subject": first["subject"], "confidence": reply["confidence"]}


def _describe(found: list[Comparison]) -> dict[str, Any]:
    """Return how many were asked, how many of them agree, and in what; None: none was asked."""
    columns: dict[str, list[float]] = {
        "rate": [agrees(one) for one in found], "same_first": [one.is_same for one in found],
        "overlap": [one.overlap for one in found], "likeness": [one.likeness for one in found],
    }  # fmt: skip
    return {"asked": len(found)} | {
        name: round(fmean(values), 4) if values else None for name, values in columns.items()
    }


_DEFAULTS: Params = dict.fromkeys(("file", "lines", "timeout", *filters.NAMES)) | {"limit": 5}
