"""The domain as one service of the daemon: what is made, in which order it starts and stops, which methods it offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from ail_rpc.paths import get_state_dir

from . import filters
from .asking import Asking
from .caches import ExactCache, SimilarCache
from .checking import Checking
from .encoders import ServingEncoder
from .enrolment import Enrolment
from .flags import Flags
from .freshness import Freshness
from .indexer import Indexer
from .keeping import Keeping
from .logs import log
from .methods import Offer
from .params import Handler, Method, flag, lines, number, text, texts, whole
from .pool import QuestionPool
from .related import Related
from .repos import Repo, Repos
from .showing import Showing
from .siblings import Siblings
from .workers import Bulk


class Indexing(NamedTuple):
    """What indexes are made by, also where no daemon runs."""

    encoder: ServingEncoder
    repos: Repos
    indexer: Indexer


def open_indexing(flags: Flags) -> Indexing:
    """Return the parts that make indexes; the indexer is not started yet."""
    settings, state = flags.current, Path(get_state_dir())
    bulk = Bulk(settings.model, settings.encoder, os.fspath(state / "models"), settings.max_workers)
    encoder, repos = ServingEncoder(bulk), Repos(state / "repos")
    return Indexing(encoder, repos, Indexer(bulk, settings.refs, encoder.get, _log_failure, Siblings(repos).find_kept))


@contextlib.asynccontextmanager
async def archaeology(flags: Flags) -> AsyncIterator[Offer]:
    """Enrolled repositories, kept indexed, and answers about them."""
    settings = flags.current
    encoder, repos, indexer = open_indexing(flags)
    freshness = Freshness(repos, indexer, is_watching=settings.watch, reconcile_s=settings.reconcile_s)
    pool = QuestionPool(flags)
    exact = ExactCache(settings.cache_size)
    similar = SimilarCache(settings.faiss_cache_size, settings.faiss_similarity_threshold)
    asking = Asking(repos, freshness, encoder, pool, exact, similar)
    showing = Showing(repos, freshness, encoder, pool)
    related = Related(repos, freshness, encoder, pool)
    forget = _make_forget(exact, similar)
    enrolment = Enrolment(repos, indexer, freshness, encoder, forget)
    keeping = Keeping(repos, freshness, encoder, Path(get_state_dir()), forget)
    checking = Checking(repos, indexer, settings.refs, encoder)

    pool.submit(encoder.get)
    indexer.start()
    await freshness.start()
    try:
        methods = _offer_methods(asking, showing, related, enrolment, checking, keeping)
        yield Offer(methods, enrolment.get_status, lambda: encoder.is_decided, lambda: _get_model(encoder))
    finally:
        await freshness.stop()
        await asyncio.to_thread(indexer.stop)
        await asyncio.to_thread(pool.stop)
        repos.close()


def _offer_methods(
    asking: Asking, showing: Showing, related: Related, enrolment: Enrolment, checking: Checking, keeping: Keeping
) -> dict[str, Handler]:
    repo, timeout = text("repo"), number("timeout", 0.001, 3600, default=None)
    return {
        "ask": Method(
            asking.ask, repo, timeout, text("question"), text("file", default=None), lines("lines"),
            whole("limit", 1, 100, default=5), text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"),
            *(text(name, default=None) for name in filters.NAMES),
        ),
        "related": Method(
            related.related, repo, timeout, texts("files", default=()), text("staged", default=None), text("by", default=""),
            text("range", default=None), whole("limit", 1, 100, default=5),
            text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"),
            *(text(name, default=None) for name in filters.NAMES),
        ),
        "show": Method(showing.show, repo, timeout, text("sha")),
        "repo.add": Method(enrolment.add, repo),
        "repo.remove": Method(enrolment.remove, repo, flag("purge")),
        "repo.list": Method(enrolment.list),
        "repo.notify": Method(enrolment.notify, repo),
        "check.index": Method(checking.check_index, text("repo", default=None)),
        "backup": Method(keeping.backup, text("file"), text("repo", default=None)),
        "restore": Method(keeping.restore, text("file")),
    }  # fmt: skip


def _make_forget(*caches: ExactCache | SimilarCache) -> Callable[[Repo], None]:
    """Return what drops the answers about one enrolment from memory."""

    def forget(repo: Repo) -> None:
        for cache in caches:
            cache.clear(lambda key: isinstance(key, tuple) and repo.token in key)

    return forget


def _get_model(encoder: ServingEncoder) -> str | None:
    serving = encoder.loaded
    return serving.model_id if serving else None


def _log_failure(repo: Repo, error: Exception) -> None:
    log("indexing_failed", level="error", repo_id=repo.key, error=error)
