"""The domain as one service of the daemon: what is made, in which order it starts and stops, which methods it offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

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
from .logs import log
from .methods import Offer
from .params import Handler, Method, flag, lines, number, raw, text, texts, whole
from .pool import QuestionPool
from .related import Related
from .repos import Repo, Repos
from .showing import Showing
from .siblings import Siblings
from .workers import Bulk


@contextlib.asynccontextmanager
async def archaeology(flags: Flags) -> AsyncIterator[Offer]:
    """Enrolled repositories, kept indexed, and answers about them."""
    settings = flags.current
    state = Path(get_state_dir())
    bulk = Bulk(settings.model, settings.encoder, os.fspath(state / "models"), settings.max_workers)
    encoder = ServingEncoder(bulk)
    repos = Repos(state / "repos")
    indexer = Indexer(bulk, settings.refs, encoder.get, _log_failure, Siblings(repos).find_kept)
    freshness = Freshness(repos, indexer, is_watching=settings.watch, reconcile_s=settings.reconcile_s)
    pool = QuestionPool(flags)
    exact = ExactCache(settings.cache_size)
    similar = SimilarCache(settings.faiss_cache_size, settings.faiss_similarity_threshold)
    asking = Asking(repos, freshness, encoder, pool, exact, similar)
    showing = Showing(repos, freshness, encoder, pool)
    related = Related(repos, freshness, encoder, pool)
    enrolment = Enrolment(repos, indexer, freshness, encoder)
    checking = Checking(repos, indexer, settings.refs, encoder)

    pool.submit(encoder.get)
    indexer.start()
    await freshness.start()
    try:
        methods = _offer_methods(asking, showing, related, enrolment, checking)
        yield Offer(methods, enrolment.get_status, lambda: encoder.is_decided, lambda: _get_model(encoder))
    finally:
        await freshness.stop()
        await asyncio.to_thread(indexer.stop)
        await asyncio.to_thread(pool.stop)
        repos.close()


def _offer_methods(
    asking: Asking, showing: Showing, related: Related, enrolment: Enrolment, checking: Checking
) -> dict[str, Handler]:
    repo, timeout = text("repo"), number("timeout", 0.001, 3600, default=None)
    return {
        "ask": Method(
            asking.ask, repo, timeout, text("question"), text("file", default=None), lines("lines"),
            whole("limit", 1, 100, default=5), text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"),
            *(text(name, default=None) for name in filters.NAMES),
        ),
        "related": Method(
            related.related, repo, timeout, texts("files", default=()), raw("staged", default=None), text("by", default=""),
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
    }  # fmt: skip


def _get_model(encoder: ServingEncoder) -> str | None:
    serving = encoder.loaded
    return serving.model_id if serving else None


def _log_failure(repo: Repo, error: Exception) -> None:
    log("indexing_failed", level="error", repo_id=repo.key, error=error)
