"""`related`: from a call's params to a reply about files, a staged change or a range."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from ail_rpc.discovery import RepoPlace
from ail_rpc.errors import NotFoundError, UsageError

from ..asking.askparams import locate
from ..asking.pool import QuestionPool
from ..encoding.encoders import ServingEncoder
from ..flags import Flags
from ..history.limits import ASKED
from ..history.opening import open_history
from ..index.repoindex import RepoIndex
from ..indexing.freshness import Freshness
from ..model import SCHEMA, Commit, Encoder, Mode
from ..repos.repo import Repo, describe_first_read, describe_index
from ..repos.repos import Repos
from ..search import answers, filters
from ..search.branches import Branches
from ..search.fates import Fate, find_fate
from . import bearing, missing, reasons, relate
from .cochange import Companion
from .patches import PATCH_MAX_BYTES, FileChange, parse_patch
from .relate import Relation
from .tracing import Surroundings, Touching

COMPANIONS_MAX = 3
_MAX_FILES = 4096
_MOST_OWN = 256  # commits of a range
_NONE: frozenset[int] = frozenset()


class Related:
    """Answers what bears on a change. Its coroutine runs on the daemon's loop, the work in *pool*."""

    def __init__(
        self, repos: Repos, freshness: Freshness, encoder: ServingEncoder, pool: QuestionPool, flags: Flags
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._encoder = encoder
        self._pool = pool
        self._flags = flags
        self._branches = Branches()
        self.observers: Sequence[
            Callable[[Repo, dict[str, Any]], None]
        ] = ()  # each may add to a reply about to be sent

    async def related(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the commits that bear on `files`, on `staged` (a diff) or on `range`, and files missing from the change.

        Raises UsageError, NotEnrolledError, NotFoundError, OutOfTimeError.
        """
        started = time.perf_counter()
        _check(params)
        repo, place, files = self._repos.find_owner(params["repo"], params["files"])
        params = params | {"files": files}
        limit_s = self._pool.get_limit_s(params["timeout"])
        await self._freshness.ensure(repo, limit_s)
        reply = await self._pool.run(limit_s, lambda: self._answer(repo, place, params, limit_s))
        reply["query_time_ms"] = round((time.perf_counter() - started) * 1000, 3)
        for observe in self.observers:
            observe(repo, reply)
        return reply

    def _answer(self, repo: Repo, place: RepoPlace, params: dict[str, Any], limit_s: float) -> dict[str, Any]:
        index = repo.open_index(self._encoder.get())
        files = [locate(file, place) for file in params["files"]]
        changes, own, note = self._read_change(place, params, limit_s)
        if files and changes is not None:
            changes = [change for change in changes if change.path in files or change.old_path in files]
        passing = filters.compile(filters.Filters.of(params), index, place)
        may_name = _make_filter(index, own, passing.ids if passing else None)
        is_review = params["range"] is not None
        described = describe_index(repo, index, place)
        aside = self._branches.find_aside(index, place, described["head"])
        left_out = aside.ids if is_review else _NONE
        made = _find_own(index, own)
        by = frozenset(filter(None, [params["by"].lower(), *(one.email.lower() for one in made)]))
        around = Surroundings(
            time.time(),
            may_name,
            _make_lookup(place),
            by,
            is_review,
            reasons.is_retiring([one.subject for one in made]),
            left_out,
        )
        if changes is None:
            _check_known(index, repo, place, files)
            found, companions = bearing.find_bearing(index, self._get_encoder(index, params["mode"]), files, around), []
        else:
            touching = Touching(index, around)
            found = relate.relate(index, changes, touching, around)
            companions = missing.find_missing(index, changes, touching, around)
        shown = found[: params["limit"]]
        return {
            "schema_version": SCHEMA, "repo": place.root, "files": files or [one.path for one in changes or []][:100],
            "outcome": "answered" if shown or companions else "no_evidence",
            "citations": [
                _cite(one, _find_fate(index, one.commit), aside.name_branch(one.commit.sha)) for one in shown
            ],
            "companions": [_describe(companion) for companion in companions[:COMPANIONS_MAX]],
            "degraded": note or _describe_progress(repo, index), "index": described,
        }  # fmt: skip

    def _get_encoder(self, index: RepoIndex, mode: Mode) -> Encoder | None:
        return index.encoder if mode != "lexical" and self._flags.current.faiss_enabled else None

    def _read_change(
        self, place: RepoPlace, params: dict[str, Any], limit_s: float
    ) -> tuple[list[FileChange] | None, frozenset[str], str | None]:
        """Return the change (None if only files were named), its own commits, and a note on what was left out."""
        if params["staged"] is not None:
            return parse_patch(params["staged"]), frozenset(), None
        if params["range"] is None:
            return None, frozenset(), None
        read = open_history(place, limits=ASKED).read_range(params["range"], PATCH_MAX_BYTES, limit_s)
        note = (
            f"the range is larger than {PATCH_MAX_BYTES >> 10} KiB: only its first files count" if read.is_cut else None
        )
        return parse_patch(read.patch), read.shas, note


def _check(params: dict[str, Any]) -> None:
    """Raise UsageError if the call names nothing, too many files, or a change in two ways."""
    if params["staged"] is not None and params["range"] is not None:
        raise UsageError("both a staged change and a range are given", "ask about one of them")
    if not params["files"] and params["staged"] is None and params["range"] is None:
        raise UsageError("nothing is named", "name files, what is staged, or a range such as main..HEAD")
    if len(params["files"]) > _MAX_FILES:
        raise UsageError(f"more than {_MAX_FILES:,} files are named", "name fewer")
    if len((params["staged"] or "").encode("utf-8", "surrogateescape")) > PATCH_MAX_BYTES:
        raise UsageError(f"the staged change is larger than {PATCH_MAX_BYTES:,} bytes", "cut it at a file's boundary")


def _check_known(index: RepoIndex, repo: Repo, place: RepoPlace, files: list[str]) -> None:
    """Raise NotFoundError for a file that no commit ever touched: "nothing bears on it" would be true of every misspelling."""
    is_whole = repo.progress.phase not in ("waiting", "reading")
    for file in files if is_whole else ():
        if not (index.store.knows_path(file) or os.path.isdir(os.path.join(place.root, file))):
            raise NotFoundError(
                f"no commit of {place.root} ever touched {file}",
                "check the spelling; a new file has a history once it is committed",
            )


def _make_filter(index: RepoIndex, own: frozenset[str], among: AbstractSet[int] | None) -> Callable[[int], bool]:
    """Return a test whether a commit may be named: it passes the filters and is not one of the change's own."""
    ids = frozenset(index.store.get_ids(own).values())
    return lambda commit_id: commit_id not in ids and (among is None or commit_id in among)


def _find_own(index: RepoIndex, shas: frozenset[str]) -> list[Commit]:
    """Return the change's own commits, a few hundred of them."""
    ids = sorted(index.store.get_ids(shas).values())[-_MOST_OWN:]
    return list(index.store.get_commits(ids).values())


def _make_lookup(place: RepoPlace) -> Callable[[str], bool]:
    """Return a test whether a path exists; always True in a bare repository, which has no work tree."""
    return lambda path: place.is_bare or os.path.lexists(os.path.join(place.root, path))


def _find_fate(index: RepoIndex, commit: Commit) -> Fate:
    ids = index.store.get_ids([commit.sha])  # none: it went meanwhile
    return find_fate(index.store, ids[commit.sha], commit) if ids else Fate()


def _cite(relation: Relation, fate: Fate, branch: str | None) -> dict[str, Any]:
    commit = relation.commit
    return {
        "sha": commit.sha, "subject": commit.subject, "author": commit.author,
        "author_time": answers.format_time(commit), "score": relation.score, "excerpt": answers.excerpt(commit),
        "path": relation.path, "line": relation.line, "reasons": list(relation.reasons),
        **fate._asdict(), "pull_request": None, "branch": branch,
        "relation": relation.kind, "sentence": relation.sentence,
    }  # fmt: skip


def _describe(companion: Companion) -> dict[str, Any]:
    return {
        "path": companion.path, "share": round(companion.share, 4), "of": companion.of, "beside": companion.beside,
    }  # fmt: skip


def _describe_progress(repo: Repo, index: RepoIndex) -> str | None:
    if begun := describe_first_read(repo, index):
        return begun
    changed, commits = index.counts.changed, index.counts.commits
    return f"indexing: changed lines of {changed:,} of {commits:,} commits" if changed < commits else None
