"""One question to a reply by one side, from the index. Runs in a thread; knows no cache, no time limit, no other side."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import Any, NamedTuple

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import SUGGESTING, NotFoundError

from ..encoding.encoders import EncodedOnce, ServingEncoder
from ..history.limits import ASKED
from ..history.opening import open_history
from ..history.worktree import read_file
from ..index.repoindex import RepoIndex
from ..model import SCHEMA, Encoder, Scope
from ..repos.repo import Repo, describe_index
from ..search import filters
from ..search import search as searcher
from ..search.branches import Branches, name_branch
from ..search.candidates import Question
from ..search.linehistory import NO_LINES, LineHistories, Lines, NotCommittedError
from .plan import NoMeaningError, Plan

_OLDER = "older changes of these lines are still looked for: ask again in a moment"


class Asked(NamedTuple):
    """A checked question: in words, about what, where, how it is to be answered, with its other params.

    state: what tells apart the texts in which its lines are counted.
    """

    text: str
    scope: Scope
    repo: Repo
    place: RepoPlace
    plan: Plan
    params: dict[str, Any]
    state: Hashable = None


class Answering:
    """Answers from indexes. Its methods may be called by several threads."""

    def __init__(self, encoder: ServingEncoder) -> None:
        self._encoder = encoder
        self._lines = LineHistories()
        self._branches = Branches()

    def forget(self) -> None:
        """Forget what was asked about lines."""
        self._lines.forget()

    def stop(self) -> None:
        """End what goes on after replies."""
        self._lines.stop()

    def ask(self, asked: Asked) -> dict[str, Any]:
        """Return the reply of the side that the plan names. Raises NoMeaningError, and what `ask` raises."""
        if asked.plan.side == "lexical":
            return self.find(asked, self.open_for_words(asked), None)
        return self.find(asked, *self.open_for_meaning(asked))

    def open_for_meaning(self, asked: Asked) -> tuple[RepoIndex, EncodedOnce]:
        """Return the index, and what encodes this question once. Raises NoMeaningError saying what is missing."""
        encoder = self._encoder.get()
        if encoder is None:
            raise NoMeaningError("model", self._encoder.reason or "model missing")
        index = asked.repo.open_index(encoder)
        if index.vectors is None or index.encoder is None:
            raise NoMeaningError("failed", index.no_vectors or "the embeddings are not loaded")
        _check_file(index, asked)
        return index, EncodedOnce(index.encoder)  # the index may still be another model's than the one that serves next

    def open_for_words(self, asked: Asked) -> RepoIndex:
        """Return the index; waits for no model."""
        index = asked.repo.open_index(self._encoder.loaded)
        _check_file(index, asked)
        return index

    def find(self, asked: Asked, index: RepoIndex, encoder: Encoder | None) -> dict[str, Any]:
        """Return the reply, without what only its call knows: `cached`, `query_time_ms`. encoder None: by words alone."""
        text, scope, repo, place, plan, params, _ = asked
        commit = _find_commit(place, params["at"]) if params["at"] else "HEAD"
        among = _find_among(index, place, params, commit, scope)
        lines = self._find_lines(asked, commit)
        told = describe_index(repo, index, place)
        aside = self._branches.find_aside(index, place, told["head"])
        question = Question(text, scope, params["limit"], plan.mode, lines.blamed, lines.logged, among, aside)
        return {
            "schema_version": SCHEMA, "repo": place.root, "question": text, "file": scope.file,
            "lines": list(scope.lines) if scope.lines else None,
            **_name_branches(searcher.ask(index, encoder, question, plan.required), index, place, aside),
            "degraded": _describe_lack(repo, index, is_semantic=encoder is not None)
            or lines.notice or (None if lines.is_whole else _OLDER),
            "index": told,
        }  # fmt: skip

    def _find_lines(self, asked: Asked, commit: str) -> Lines:
        """Return where the asked lines come from: those of the given contents, of a named commit, or of the file on the disk."""
        file, lines, given = asked.scope.file, asked.scope.lines, asked.params["contents"]
        if not file or not lines:
            return NO_LINES
        if given is not None:
            contents = given.encode("utf-8", "surrogateescape")
        else:
            contents = None if asked.params["at"] else read_file(asked.place, file)
        try:
            return self._lines.find(asked.place, file, lines, contents, commit)
        except NotCommittedError:
            raise
        except NotFoundError as err:  # its history is there all the same
            return NO_LINES._replace(notice=f"{err.message}: asked about the whole file")


def _find_commit(place: RepoPlace, name: str) -> str:
    """Return the sha of the commit that is asked about. Raises NotFoundError."""
    sha = open_history(place, limits=ASKED).find_commit(name)
    if sha is None:
        raise NotFoundError(f"there is no commit {name!r:.200}", "`git log` lists the commits")
    return sha


def _find_among(
    index: RepoIndex, place: RepoPlace, params: dict[str, Any], commit: str, scope: Scope
) -> frozenset[int] | None:
    """Return the ids that may answer, None for all: a named commit alone, or with a file what that commit reaches."""
    is_at = params["at"] and not scope.file
    reaching = {"ref": params["ref"] or commit} if params["at"] and scope.file else {}
    passing = filters.compile(params | reaching, index, place)
    if not is_at:
        return passing.ids if passing else None
    ids = frozenset(index.store.get_ids([commit]).values())
    return ids & passing.ids if passing else ids


def _name_branches(found: dict[str, Any], index: RepoIndex, place: RepoPlace, aside: frozenset[int]) -> dict[str, Any]:
    """Return what was *found*, with the branch of each citation that HEAD does not reach; None for the others."""
    shas = [citation["sha"] for citation in found["citations"]]
    ids = index.store.get_ids(shas) if aside else {}
    for citation in found["citations"]:
        is_aside = ids.get(citation["sha"]) in aside
        citation["branch"] = name_branch(place, citation["sha"]) if is_aside else None
    return found


def _describe_lack(repo: Repo, index: RepoIndex, *, is_semantic: bool) -> str | None:
    """Say what of the history is not searched yet; None where nothing is missing."""
    if repo.progress.phase in ("waiting", "reading") and not index.tips.shas:
        return f"indexing: {index.counts.commits} commits so far"
    counts = index.counts
    embedded, commits = (counts.embedded or 0) + counts.unembeddable, counts.commits
    return f"indexing {100 * embedded // commits} %" if is_semantic and embedded < commits else None


def _check_file(index: RepoIndex, asked: Asked) -> None:
    """Raise NotFoundError for a file that no commit touched, as git has it too, with what may have been meant."""
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
