"""Answers one question, in a thread: opens the index, looks for a similar question, searches, explains, caches.

Knows no time limit and no fallback: `asking` chooses the side that answers, and falls back to the other.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from time import time
from typing import Any, NamedTuple

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import SUGGESTING, NotFoundError

from ..encoding.encoders import RecentEmbeddings, RecentEncoder, ServingEncoder
from ..history.limits import ASKED
from ..history.opening import open_history
from ..history.worktree import read_file
from ..index.repoindex import RepoIndex
from ..index.words import MESSAGE_FIELDS
from ..indexing.embedding import describe_wait
from ..model import SCHEMA, Encoder, Scope
from ..repos.repo import Progress, Repo, describe_first_read, describe_index, is_first_read
from ..search import filters, search
from ..search.branches import Aside, Branches
from ..search.candidates import Question
from ..search.linehistory import NO_LINES, LineHistories, Lines, NotCommittedError
from ..search.standing import StandingFiles
from .askparams import AskParams
from .caches import AnswerCaches
from .plan import SWITCHED_OFF, NoMeaningError, Plan
from .prefetching import Prefetching
from .replies import Asked, Reply
from .wording import canonical

_BEFORE = "these lines are older than the history that this shallow clone has: `git fetch --unshallow` brings the rest"
_OLDER = "older changes of these lines are still looked for: ask again in a moment"


class Glance(NamedTuple):
    """What a repository has for a question at first sight.

    cosine: of the nearest message; None while not all are embedded. coverage: the best BM25 score over messages and paths, in
    units of the question's rarity there, so that it can be compared between repositories.
    """

    cosine: float | None
    coverage: float


class Answering:
    """Answers from indexes and from the caches. Its methods may be called by several threads."""

    def __init__(self, encoder: ServingEncoder, caches: AnswerCaches, prefetching: Prefetching) -> None:
        self._encoder = encoder
        self._caches = caches
        self._prefetching = prefetching
        self._lines = LineHistories()
        self._branches = Branches()
        self._recent = RecentEmbeddings()
        self._standing = StandingFiles()

    def recall(self, asked: Asked) -> Reply | None:
        """Return the cached reply to the same question, None for none. Fast enough for the loop: touches no index."""
        index = asked.repo.index
        if index is None or asked.params.no_cache:
            return None
        kept = self._caches.exact.get(_get_key(asked, index, asked.params.levelled))
        return Reply({**kept, "index": describe_index(asked.repo, index, asked.place)}, "exact") if kept else None

    def answer(self, asked: Asked, problem: NoMeaningError | None = None) -> Reply:
        """Return the reply of the side that the plan names; *problem*: why the semantic side, tried before, could not.

        Raises NoMeaningError where the semantic side is to answer and cannot, and as `ask`.
        """
        index, encoder = self._open(asked)
        if encoder and (reply := self._recall_similar(asked, index, encoder)):
            return self._keep(asked, index, reply)
        reply = _explain(asked.plan, self._search(asked, index, encoder), problem)
        if encoder and reply.may_be_kept and not asked.params.no_cache:
            key = _get_key(asked, index, canonical(asked.params.question))
            self._caches.similar.put(key, encoder.encode([asked.params.question]), reply.body)
        return self._keep(asked, index, reply)

    def search(self, asked: Asked) -> dict[str, Any]:
        """Return the body of the reply by the side that the plan names, bypassing every cache: for comparisons."""
        return self._search(asked, *self._open(asked))

    def encode(self, question: str) -> None:
        """Encode *question* ahead of several searches for it, which take its embedding from what was encoded lately."""
        if serving := self._encoder.get():
            self._recent.encode(serving, [question])

    def glance(self, asked: Asked) -> Glance | None:
        """Return how near the nearest message is, and how well the best one matches by words; None where none may answer."""
        try:
            index, encoder = self._open(asked)
        except NoMeaningError:  # words are looked at alone; whether they may answer is decided when it is asked in full
            index, encoder = self._open(asked.by_words())
        question = asked.params.question
        among = _find_among(index, asked.place, asked.params, "HEAD", asked.scope)
        if among is not None and not among:
            return None
        is_embedded = encoder is not None and index.counts.embedded and not index.counts.unembedded
        near = index.find_near(encoder.encode([question]), 1, among) if encoder and is_embedded else {}
        analyzed = index.words.analyze(question)
        rarity = sum(index.words.get_rarity(analyzed).values())
        matches = index.words.find(analyzed, MESSAGE_FIELDS, 1) if rarity else {}
        cosine = max(near.values(), default=0.0) if is_embedded else None
        return Glance(cosine, max(matches.values(), default=0.0) / (rarity or 1.0))

    def forget(self) -> None:
        """Forget what was kept of repositories besides replies."""
        self._lines.forget()
        self._prefetching.forget()
        self._recent.forget()
        self._standing.forget()

    def stop(self) -> None:
        """Stop the work done after replies."""
        self._lines.stop()
        self._prefetching.stop()

    def _open(self, asked: Asked) -> tuple[RepoIndex, RecentEncoder | None]:
        """Return the index and, for the semantic side, what encodes it; the lexical one awaits no model."""
        is_semantic = asked.plan.side == "semantic"
        serving = self._encoder.get() if is_semantic else self._encoder.loaded
        if is_semantic and serving is None:
            raise NoMeaningError("model", self._encoder.reason or "model missing", self._encoder.remedy)
        index = asked.repo.open_index(serving)
        if is_semantic and (index.vectors is None or index.encoder is None):
            raise NoMeaningError("failed", index.no_vectors or "the embeddings are not loaded")
        _check_file(index, asked)
        # The index may still hold the embeddings of the model that served before.
        return index, RecentEncoder(index.encoder, self._recent) if is_semantic and index.encoder else None

    def _recall_similar(self, asked: Asked, index: RepoIndex, encoder: Encoder) -> Reply | None:
        """Return the cached reply to a similar question, adapted to this one; None where none is."""
        question = asked.params.question
        if asked.params.no_cache:
            return None
        kept = self._caches.similar.get(_get_key(asked, index, canonical(question)), encoder.encode([question]))
        here = {"question": question, "index": describe_index(asked.repo, index, asked.place)}
        return Reply(kept | here, "similar") if kept else None

    def _search(self, asked: Asked, index: RepoIndex, encoder: Encoder | None) -> dict[str, Any]:
        """Return the body of the reply. encoder None: by words alone."""
        params, scope, place, plan = asked.params, asked.scope, asked.place, asked.plan
        commit = self.find_commit(place, params)
        among = _find_among(index, place, params, commit, scope)
        lines = self._find_lines(asked, commit)
        described = describe_index(asked.repo, index, place)
        aside = self._branches.find_aside(index, place, described["head"])
        question = Question(
            params.question, scope, params.limit, plan.mode, lines.blamed, lines.logged, among, aside.ids, lines,
            measure_share_read(asked.repo.progress, index, lines),
            named=(among or frozenset()) if params.at and not scope.file else frozenset(),
        )  # fmt: skip
        lack = _describe_lack(asked.repo, index, is_semantic=encoder is not None)
        return {
            "schema_version": SCHEMA, "repo": place.root, "question": params.question, "file": scope.file,
            "lines": list(scope.lines) if scope.lines else None,
            **self._locate(_name_branches(search.answer(index, encoder, question, plan.required), aside), place, described),
            "degraded": lack or lines.notice or _describe_rest(lines, is_shallow=described["is_shallow"]),
            "index": described,
        }  # fmt: skip

    def find_commit(self, place: RepoPlace, params: AskParams) -> str:
        """Return the commit whose lines are asked about: a sha, or "HEAD". Raises NotFoundError."""
        return _find_commit(place, params.at) if params.at else "HEAD"

    def find_lines(self, params: AskParams, scope: Scope, place: RepoPlace, commit: str) -> Lines:
        """Return where the asked lines come from: those of the given contents, of a named commit, or of the file on the disk."""
        file, lines, given = scope.file, scope.lines, params.contents
        if not file:
            return NO_LINES
        ahead = None if params.at else self._prefetching.find(place, file)
        if not lines:
            return self._lines.find(place, file, None, None, commit, ahead)
        contents = None if given is None else given.encode("utf-8", "surrogateescape")
        if given is None and not params.at:
            contents = read_file(place, file)
        return self._lines.find(place, file, lines, contents, commit, ahead)

    def _find_lines(self, asked: Asked, commit: str) -> Lines:
        try:
            return self.find_lines(asked.params, asked.scope, asked.place, commit)
        except NotCommittedError:
            raise
        except NotFoundError as err:  # the whole file still has a history
            if not asked.scope.lines:
                raise
            return NO_LINES._replace(notice=f"{err.message}: asked about the whole file")

    def _locate(self, found: dict[str, Any], place: RepoPlace, index: dict[str, Any]) -> dict[str, Any]:
        """Return *found*, its first passage of a file marked with whether it still stands in HEAD, and on which line."""
        first = next((one for one in found["evidence"] if one["path"] and one["is_current"] is None), None)
        if first and index["head"] and found["outcome"] == "answered":
            first["line_now"] = self._standing.find_line(place, first["path"], first["text"], index["head"])
            first["is_current"] = first["line_now"] is not None
        return found

    def _keep(self, asked: Asked, index: RepoIndex, reply: Reply) -> Reply:
        if reply.may_be_kept and not asked.params.no_cache:
            self._caches.exact.put(_get_key(asked, index, asked.params.levelled), reply.body)
        return reply


def _explain(plan: Plan, body: dict[str, Any], problem: NoMeaningError | None) -> Reply:
    """Return *body* as a reply that says why the lexical side answers for the semantic one."""
    if problem:
        lack = "; ".join(filter(None, (problem.message, body["degraded"])))
        return Reply(body | {"degraded": lack}, cause=problem.cause)
    if plan.refused:
        return Reply(body | {"degraded": body["degraded"] or SWITCHED_OFF}, cause=plan.refused)
    if plan.side == "semantic" and body["mode"] == "lexical":
        return Reply(body, cause="low_confidence")  # `mode` says so; nothing is missing from this answer
    return Reply(body)


def _get_key(asked: Asked, index: RepoIndex, wording: Hashable) -> tuple[Hashable, ...]:
    """Return the cache's key: this enrolment, the index's generation, the scope, every option, *wording*.

    The plan is part of it: a semantic answer is not reused once the lexical side is to answer.
    """
    params = asked.params
    options = (params.limit, params.mode, params.at, asked.state, filters.get_key(params.filters, time()))
    return (asked.repo.token, index.generation, asked.place.git_dir, asked.scope, asked.plan, options, wording)


def _find_commit(place: RepoPlace, name: str) -> str:
    """Return the sha of the commit that is asked about. Raises NotFoundError."""
    sha = open_history(place, limits=ASKED).find_commit(name)
    if sha is None:
        raise NotFoundError(f"there is no commit {name!r:.200}", "`git log` lists the commits")
    return sha


def _find_among(
    index: RepoIndex, place: RepoPlace, params: AskParams, commit: str, scope: Scope
) -> frozenset[int] | None:
    """Return the ids that may answer, None for all: a named commit alone or, with a file, all that it reaches."""
    options = params.filters
    if params.at and scope.file:
        options = options._replace(ref=options.ref or commit)
    passing = filters.compile(options, index, place)
    if not params.at or scope.file:
        return passing.ids if passing else None
    ids = frozenset(index.store.get_ids([commit]).values())
    return ids & passing.ids if passing else ids


def _name_branches(found: dict[str, Any], aside: Aside) -> dict[str, Any]:
    """Return *found* with the branch of each citation that HEAD does not reach; None for the others."""
    for citation in found["citations"]:
        citation["branch"] = aside.name_branch(citation["sha"])
    return found


def _describe_rest(lines: Lines, *, is_shallow: bool) -> str | None:
    """Say that the asked lines have older history, which is not here, or not found yet; None where all was found."""
    if lines.are_older and is_shallow:
        return _BEFORE
    return None if lines.is_whole else _OLDER


def _describe_lack(repo: Repo, index: RepoIndex, *, is_semantic: bool) -> str | None:
    """Say which part of the history is not searchable yet; None where all is."""
    if begun := describe_first_read(repo, index):
        return begun
    counts = index.counts
    embedded, commits = (counts.embedded or 0) + counts.unembeddable, counts.commits
    if not is_semantic or embedded >= commits:
        return None
    if wait := describe_wait(repo):
        return wait
    return f"indexing: meaning finds {embedded:,} of {max(commits, repo.progress.of):,} commits so far, words find {commits:,}"


def measure_share_read(progress: Progress, index: RepoIndex, lines: Lines) -> float:
    """Return the share of the history that has been read, while that is done for the first time; else 1.

    1 also where the commits that made the asked lines are there: older ones hardly know better. Asked of a quarter of
    prometheus's history, two questions of eight got a wrong answer at 81 and 83 %.
    """
    if not is_first_read(progress, index):
        return 1.0
    shas = set(lines.blamed.values())
    if shas and len(index.store.get_ids(shas)) == len(shas):
        return 1.0
    return max(progress.done, 1) / max(progress.of, index.counts.commits, 1)


def _check_file(index: RepoIndex, asked: Asked) -> None:
    """Raise NotFoundError for a file that no commit touched (git is asked too), with similar names as a hint."""
    file, place = asked.scope.file, asked.place
    is_whole = asked.repo.progress.phase not in ("waiting", "reading")
    if not file or not is_whole or index.store.knows_path(file) or open_history(place, limits=ASKED).knows_path(file):
        return
    near = index.store.find_resembling(file)
    before, colon, _ = file.rpartition(":")
    if colon and index.store.knows_path(before):
        near = [before]
    hint = f"{SUGGESTING}{' or '.join(near)}?" if near else ""
    if not place.is_bare and os.path.lexists(os.path.join(place.root, file)):
        raise NotFoundError(f"{file} is not committed yet", hint or "it has a history once it is committed")
    raise NotFoundError(
        f"no commit of {asked.repo.place.root} ever touched {file}",
        hint or "check the spelling; a new file has a history once it is committed",
    )
