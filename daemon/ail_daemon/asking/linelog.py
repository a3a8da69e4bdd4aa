"""`log`: the commits that made some lines what they are, each with its reason; cosmetic ones marked.

git says which commits and what each did to the lines; the index says why. The passages of each commit are weighed as those of an
answer about the lines are.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from ail_rpc import WHY
from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import UsageError

from ..encoding.encoders import ServingEncoder
from ..history.command import Stop
from ..history.limits import ASKED
from ..history.linelog import LineChange
from ..history.opening import open_history
from ..index.repoindex import RepoIndex
from ..indexing.freshness import Freshness
from ..model import SCHEMA, Commit, Scope
from ..repos.repo import Repo, describe_index
from ..repos.repos import Repos
from ..search import answers
from ..search.candidates import Question, gather
from ..search.evidence import OF_LINES, Found, find_evidence
from ..search.fates import find_fate
from ..search.features import Signals
from ..search.judging import SCOPES, build_columns, load_judge
from ..search.linehistory import Lines
from ..search.ranking import Hit
from ..search.repeated import Repeated
from ..server.params import lines as line_range
from ..server.params import number, raw, text, whole
from ..text.cosmetic import judge_change
from ..text.redaction import without_secrets
from .answering import Answering
from .askparams import AskParams
from .functions import resolve_function
from .pool import QuestionPool

LOG = (
    text("repo"), number("timeout", 0.001, 3600, default=None), text("file"), line_range("lines"), raw("contents", default=None),
    text("at", default=None), text("function", default=None), whole("limit", 1, 200, default=50),
)  # fmt: skip
"""The parameters of `log`, for `Method`."""

_DIFF_LINES = 200
_FEW_PATHS = 10  # a commit that touches no more does one thing
_WORDS = 6  # by which a comment is found again among the added lines
_WORD = re.compile(r"\w+")
_SHARE = 0.8  # of the time limit, for git; what is left is for the reasons
_SHA_BEHIND = re.compile(r"\s*\([0-9a-f]{10}\)$")
_OLDER = "older changes of these lines were not found in time: --timeout allows more"


class LineLog:
    """Answers `log`. Its coroutine runs on the daemon's loop, the work in *pool*."""

    def __init__(
        self, repos: Repos, freshness: Freshness, encoder: ServingEncoder, pool: QuestionPool, answering: Answering
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._encoder = encoder
        self._pool = pool
        self._answering = answering

    async def log(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the commits that changed lines of a file, the oldest first. Raises as `ask` does."""
        started = perf_counter()
        asked = AskParams.of_lines(params)
        if not (asked.lines or asked.function):
            raise UsageError("no lines are named", "name them: FILE:LINE, FILE:FIRST-LAST or FILE:function")
        repo, place, files = self._repos.find_owner(asked.repo, [asked.file] if asked.file else [])
        asked = replace(asked, file=files[0] if files else None)
        limit_s = self._pool.get_limit_s(asked.timeout_s)
        await self._freshness.ensure(repo, limit_s)
        reply = await self._pool.run(limit_s, lambda: self._answer(repo, place, asked, limit_s))
        return reply | {"query_time_ms": round((perf_counter() - started) * 1000, 3)}

    def _answer(self, repo: Repo, place: RepoPlace, asked: AskParams, limit_s: float) -> dict[str, Any]:
        asked = resolve_function(asked, place)
        scope = asked.get_scope(asked.file, place)
        commit = self._answering.find_commit(place, asked)
        lines = self._answering.find_lines(asked, scope, place, commit)
        changes, is_whole = _trace(place, scope.file or "", lines, commit, asked.limit, limit_s * _SHARE)
        index = repo.open_index(self._encoder.loaded)
        told = _Telling(index, scope, lines).tell(_with_moves(changes, lines) if is_whole else changes)
        return {
            "schema_version": SCHEMA, "repo": place.root, "file": scope.file, "lines": list(scope.lines or ()) or None,
            "outcome": "answered" if told else "no_evidence", "citations": told[::-1],
            "degraded": lines.notice or (None if is_whole or len(changes) == asked.limit else _OLDER),
            "is_whole": is_whole, "index": describe_index(repo, index, place),
        }  # fmt: skip


def _trace(
    place: RepoPlace, file: str, lines: Lines, commit: str, most: int, limit_s: float
) -> tuple[list[LineChange], bool]:
    stop = Stop()
    timer = threading.Timer(limit_s, stop.set)
    timer.start()
    try:
        return open_history(place, limits=ASKED).trace_lines(file, *lines.there, stop, commit, most)
    finally:
        timer.cancel()


def _with_moves(changes: Sequence[LineChange], lines: Lines) -> list[LineChange]:
    """Return *changes* and, as changes without a diff, commits that blame alone names: it sees lines move between files."""
    known = {change.sha for change in changes}
    moved = dict.fromkeys(sha for sha in lines.blamed.values() if sha not in known)
    return [*changes, *(LineChange(sha, "", ()) for sha in moved)]


class _Telling:
    """Says of each commit of the lines what it was for."""

    def __init__(self, index: RepoIndex, scope: Scope, lines: Lines) -> None:
        self._index = index
        self._lines = lines
        self._question = Question(WHY, scope)
        self._is_repeated = Repeated(index)

    def tell(self, changes: Sequence[LineChange]) -> list[dict[str, Any]]:
        """Return *changes* as citations, newest first; commits that are not indexed yet are left out."""
        ids = self._index.store.get_ids([change.sha for change in changes])
        commits = self._index.store.get_commits(list(ids.values()))
        known = [change for change in changes if ids.get(change.sha) in commits]
        known.sort(key=lambda change: -commits[ids[change.sha]].commit_time)  # stable: git's order for equals
        reasons = self._find_reasons({ids[change.sha]: change for change in known})
        return [
            self._cite(change, ids[change.sha], commits[ids[change.sha]], reasons.get(ids[change.sha]))
            for change in known
        ]

    def _find_reasons(self, changes: Mapping[int, LineChange]) -> dict[int, Found]:
        """Return commit id -> its passage that looks most like a reason, of those that bear on its change of the lines."""
        terms = gather(self._index, self._question, None).asked
        sizes = self._index.store.get_basket_sizes(list(changes))
        judge, best = load_judge(), dict[int, tuple[float, Found]]()
        ids = list(changes)
        for begin in range(0, len(ids), OF_LINES):
            part = ids[begin : begin + OF_LINES]
            lines = self._lines._replace(logged=tuple(changes[i].sha for i in part), standing=(), around={}, blamed={})
            asked = replace(self._question, among=frozenset(part), lines=lines)
            passages = find_evidence(self._index, asked, terms, [], lines, None)
            found = [one for one in passages if _bears(one, changes[one.commit_id], sizes.get(one.commit_id, 0))]
            weights = judge.weigh(build_columns(found, SCOPES.index("lines"))).tolist()
            for one, weight in zip(found, weights, strict=True):
                if one.commit_id not in best or weight > best[one.commit_id][0]:
                    best[one.commit_id] = weight, one
        return {commit_id: one for commit_id, (_, one) in best.items()}

    def _cite(self, change: LineChange, commit_id: int, commit: Commit, found: Found | None) -> dict[str, Any]:
        fate = find_fate(self._index.store, commit_id, commit)
        return {
            "sha": commit.sha, "subject": commit.subject, "author": commit.author, "author_time": answers.format_time(commit),
            "path": change.path or None, "excerpt": answers.excerpt(commit), "sentence": self._quote(commit_id, commit, found),
            "cosmetic": judge_change(commit.subject, change.removed, change.added, is_listed=change.is_ignored)
            if change.lines else None,
            "added": len(change.added), "removed": len(change.removed),
            "diff": [without_secrets(line) for line in change.lines[:_DIFF_LINES]],
            **fate._asdict(), "pull_request": None,
        }  # fmt: skip

    def _quote(self, commit_id: int, commit: Commit, found: Found | None) -> str:
        """Return the sentence in which a commit says why, "" where it does not."""
        cited = answers.Cited(Hit(commit_id, 1.0, Signals()), commit, (), None, None)
        passages = [found.passage] if found else []
        said = answers.answer(WHY, [cited], has_evidence=True, is_repeated=self._is_repeated, quoted=passages)
        return _SHA_BEHIND.sub("", said.text) if said.outcome == "answered" else ""


def _bears(found: Found, change: LineChange, paths: int) -> bool:
    """Whether a passage states something and is about this change: *paths*, those of its commit, may be many.

    A comment must be among the added lines; a page or a changelog of a commit that does one thing counts wherever it is.
    """
    passage = found.passage
    if found.worth <= 0 or passage.is_removed:
        return False
    if passage.kind in ("comment", "docstring"):
        return " ".join(_read_words(passage.text)[:_WORDS]) in " ".join(_read_words("\n".join(change.added)))
    return passage.kind == "message" or paths <= _FEW_PATHS


def _read_words(text: str) -> list[str]:
    return _WORD.findall(text)
