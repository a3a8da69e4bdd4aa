"""`ask.all`: one question over every enrolled repository, in one list ranked by confidence.

The question is encoded once. Each repository is first looked at for its nearest message and its best match of words, which takes
a millisecond; the few that have most of both are then asked in full, as if each had been asked alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from os.path import basename
from time import perf_counter
from typing import Any

from ail_rpc.errors import AilError, NotEnrolledError, UsageError

from ..model import SCHEMA
from ..repos.repo import Repo, describe_index
from ..repos.repos import Repos
from .answering import Answering, Glance
from .asking import DAMAGE, Asking
from .askparams import AskParams
from .pool import QuestionPool
from .replies import Asked

SEARCHED = 4
"""Most repositories that are asked in full. Over 40 repositories with 270,000 commits the one a question was about was always
among the first four by `_rate`, for subjects of commits (160) and for release notes (107), and first for .99 and .89 of them."""

MARGIN = 0.5
"""How much less than the best, of at most 2, a repository that is asked in full may have: on average 1.8 and 2.9 are asked. More
make it no better: a passage of an unrelated repository may look more like a reason than what stands in the right one."""

_UNEXPLAINED = 0.5
"""What a commit that is surely meant and records no reason counts among others' answers, whose probability is a reason's."""

_EVIDENCE_MAX = 10

AddRequests = Callable[[Repo, dict[str, Any]], None]


class Everywhere:
    """Answers questions about all repositories, each as *asking* would."""

    def __init__(
        self,
        asking: Asking,
        answering: Answering,
        repos: Repos,
        pool: QuestionPool,
        add_requests: AddRequests,
    ) -> None:
        self._asking = asking
        self._answering = answering
        self._repos = repos
        self._pool = pool
        self._add_requests = add_requests

    async def ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the reply. Raises UsageError, NotEnrolledError where no repository matches, and as `Asking.ask`."""
        started = perf_counter()
        asked_for = AskParams.of_all(params)
        chosen = self._choose(params["repos"])
        limit_s = self._pool.get_limit_s(asked_for.timeout_s)
        found, failed = await self._find(asked_for, chosen)
        replies = await self._ask_best(found, limit_s, started, failed)
        wire = _merge(replies, asked_for)
        counts = {"asked": len(chosen), "searched": len(replies), "failed": len(failed)}
        degraded = wire["degraded"] or (_describe(failed) if failed else None)
        index = _sum_up(chosen)
        spent_ms = round((perf_counter() - started) * 1000, 3)
        return {**wire, "degraded": degraded, "repos": counts, "index": index, "query_time_ms": spent_ms}

    def _choose(self, pattern: str | None) -> list[Repo]:
        chosen = [repo for repo in self._repos if pattern is None or _matches(repo, pattern)]
        if not chosen:
            what = f"no enrolled repository matches {pattern!r:.200}" if pattern else "no repository is enrolled"
            raise NotEnrolledError(what, "`ail-client repos` lists them; `ail-client add DIR` adds one")
        return chosen

    async def _find(self, params: AskParams, chosen: list[Repo]) -> tuple[list[Asked], list[Exception]]:
        """Return the question for each of *chosen*, encoded; and what failed."""
        found: list[Asked] = []
        failed: list[Exception] = []
        for repo in chosen:
            try:
                found.append(self._asking.find(replace(params, repo=repo.place.root)))
            except AilError as err:
                if isinstance(err, UsageError):
                    raise
                failed.append(err)
        if any(asked.plan.side == "semantic" for asked in found):
            limit_s = self._pool.get_limit_s(params.timeout_s)
            await self._pool.run(limit_s, lambda: self._answering.encode(params.question))
        return found, failed

    async def _ask_best(
        self, found: list[Asked], limit_s: float, started: float, failed: list[Exception]
    ) -> list[tuple[Asked, dict[str, Any]]]:
        """Return the replies of the repositories that look best. Raises the first error where none could be asked."""
        end = started + limit_s
        glanced = await _gather(failed, (self._look(asked, end) for asked in found))
        best = choose_best([(asked, seen) for asked, seen in glanced if seen is not None])
        replies = await _gather(failed, (self._answer(asked, end) for asked in best))
        if failed and not glanced and not replies:
            raise failed[0]
        return replies

    async def _look(self, asked: Asked, end: float) -> tuple[Asked, Glance | None]:
        await self._asking.freshen(asked, _left(end))
        try:
            return asked, await self._pool.run(_left(end), lambda: self._answering.glance(asked))
        except DAMAGE as err:
            self._asking.mend(asked, err)
            raise

    async def _answer(self, asked: Asked, end: float) -> tuple[Asked, dict[str, Any]]:
        wire = (await self._asking.reply(asked, _left(end))).body
        wire = {**wire, "citations": [*wire["citations"]]}
        self._add_requests(asked.repo, wire)
        return asked, wire


def choose_best(seen: list[tuple[Asked, Glance]]) -> list[Asked]:
    """Return those to be asked in full, best first: at most SEARCHED, none of them MARGIN worse than the best."""
    cosine = max((glance.cosine or 0.0 for _, glance in seen), default=0.0)
    coverage = max((glance.coverage for _, glance in seen), default=0.0)
    rated = [(_rate(glance, cosine, coverage), asked) for asked, glance in seen]
    rated.sort(key=lambda one: -one[0])
    return [asked for rating, asked in rated[:SEARCHED] if rating >= rated[0][0] - MARGIN]


def _rate(glance: Glance, cosine: float, coverage: float) -> float:
    """Return how much of the best *cosine* and *coverage* of all repositories *glance* has, 0 to 2.

    Where a repository is not embedded, its words count twice.
    """
    words = glance.coverage / coverage if coverage > 0 else 0.0
    if glance.cosine is None:
        return 2 * words
    return words + (max(glance.cosine, 0.0) / cosine if cosine > 0 else 0.0)


def _merge(replies: list[tuple[Asked, dict[str, Any]]], params: AskParams) -> dict[str, Any]:
    """Return one reply of several: by the probability that a citation is an answer.

    That of a repository's first citation is its confidence. The others' is less, as their scores are less than the first one's.
    """
    replies = sorted(replies, key=lambda one: -_weigh(one[1]))
    ranked = [
        (_weigh(wire) * _relate(citation, wire), {**citation, "repo": asked.repo.place.root})
        for asked, wire in replies for citation in wire["citations"]
    ]  # fmt: skip
    ranked.sort(key=lambda one: -one[0])
    evidence = [{**one, "repo": asked.repo.place.root} for asked, wire in replies for one in wire["evidence"]]
    citations = [citation for _, citation in ranked[: params.limit]]
    shown = {(one["repo"], one["sha"]) for one in citations}
    first = replies[0][1] if replies else {"outcome": "no_evidence", "answer": "", "confidence": 0.0, "mode": "lexical"}
    lacks = dict.fromkeys(wire["degraded"] for _, wire in replies if wire["degraded"])
    return {
        "schema_version": SCHEMA, "repo": None, "question": params.question, "file": None, "lines": None,
        "outcome": first["outcome"], "answer": first["answer"], "confidence": first["confidence"],
        "citations": citations,
        "evidence": [one for one in evidence if (one["repo"], one["sha"]) in shown][:_EVIDENCE_MAX],
        "mode": first["mode"], "cached": None, "degraded": "; ".join(lacks) or None,
    }  # fmt: skip


def _weigh(wire: dict[str, Any]) -> float:
    """Return how likely a reply's first citation is what was asked about: its confidence, or more where no reason is recorded."""
    confidence: float = wire["confidence"]
    return max(confidence, _UNEXPLAINED) if wire["outcome"] == "no_reason_recorded" else confidence


def _relate(citation: dict[str, Any], wire: dict[str, Any]) -> float:
    """Return a citation's score as a share, 0 to 1, of that of the first in its repository."""
    best = wire["citations"][0]["score"]
    return min(1.0, max(0.0, citation["score"] / best)) if best > 0 else 1.0


def _sum_up(repos: Iterable[Repo]) -> dict[str, Any]:
    """Return how fresh the indexes are together: their commits, what is pending, whether all are complete."""
    states = [
        describe_index(repo, repo.index)
        if repo.index
        else {"commits": repo.settled.get("commits", 0), "pending": 0, "complete": repo.is_settled}
        for repo in repos
    ]
    commits, pending = (sum(int(state[key]) for state in states) for key in ("commits", "pending"))
    return {
        "head": None,
        "commits": commits,
        "pending": pending,
        "complete": all(state["complete"] for state in states),
    }


def _matches(repo: Repo, pattern: str) -> bool:
    """Whether *pattern*, as a shell's, fits the path of *repo* or the name of its directory."""
    root = repo.place.root.rstrip("/")
    return any(fnmatchcase(name, pattern) for name in (root, basename(root), basename(root).removesuffix(".git")))


def _describe(failed: list[Exception]) -> str:
    first = failed[0].message if isinstance(failed[0], AilError) else "a bug"
    return f"{len(failed)} repositories could not be asked: {first}" if len(failed) > 1 else first


def _left(end: float) -> float:
    return max(0.001, end - perf_counter())


async def _gather(failed: list[Exception], works: Iterable[Awaitable[Any]]) -> list[Any]:
    """Return the results of *works*, done at once; what an AilError ended is noted in *failed*."""
    results = []
    for done in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(done, AilError):
            failed.append(done)
        elif isinstance(done, BaseException):
            raise done
        else:
            results.append(done)
    return results
