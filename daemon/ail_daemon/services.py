"""The domain as one service of the daemon: what is made, in which order it starts and stops, which methods it offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ail_rpc.paths import get_state_dir

from . import filters
from .applying import Applying
from .asking import Asking
from .caches import ExactCache, SimilarCache
from .caching import Caching
from .checking import Checking
from .configuring import Configuring
from .encoders import ServingEncoder, make_bulk
from .enrolment import Enrolment
from .flags import Flags
from .freshness import Freshness
from .indexer import Indexer
from .logs import log
from .methods import Offer
from .params import Handler, Method, Param, flag, lines, number, raw, text, texts, whole
from .pool import QuestionPool
from .recent import RecentQuestions
from .related import Related
from .repos import Repo, Repos
from .showing import Showing
from .siblings import Siblings
from .warming import Warming

_ASK = (
    text("repo"), number("timeout", 0.001, 3600, default=None), text("question"), text("file", default=None), lines("lines"),
    whole("limit", 1, 100, default=5), text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"),
    *(text(name, default=None) for name in filters.NAMES),
)  # fmt: skip


@contextlib.asynccontextmanager
async def archaeology(flags: Flags) -> AsyncIterator[Offer]:
    """Enrolled repositories, kept indexed, and answers about them."""
    settings = flags.current
    state = Path(get_state_dir())
    models_dir = os.fspath(state / "models")
    encoder = ServingEncoder(make_bulk(settings, models_dir))
    repos = Repos(state / "repos")
    indexer = Indexer(flags, encoder.get_serving, _log_failure, Siblings(repos).find_kept)
    freshness = Freshness(repos, indexer, flags)
    pool = QuestionPool(flags)
    exact = ExactCache(settings.cache_size)
    similar = SimilarCache(settings.faiss_cache_size, settings.faiss_similarity_threshold)
    asking = Asking(repos, freshness, encoder, pool, flags, exact, similar)
    showing = Showing(repos, freshness, encoder, pool)
    related = Related(repos, freshness, encoder, pool, flags)
    enrolment = Enrolment(repos, indexer, freshness, encoder)
    checking = Checking(repos, indexer, flags, encoder)
    recent = RecentQuestions()
    ask = Method(asking.ask, *_ASK)
    caching = Caching(ask, repos, exact, similar, recent)
    warming = Warming(ask, repos, recent, pool)
    applying = Applying(flags, models_dir, encoder, pool, exact, similar, repos, indexer, freshness)
    configuring = Configuring(flags, pool, applying)

    pool.submit(encoder.get)
    indexer.on_updated = warming.note_update
    indexer.start()
    await freshness.start()
    try:
        methods = _offer_methods(caching, configuring, showing, related, enrolment, checking)

        async def get_status(start: str | None) -> dict[str, Any]:
            return {**await enrolment.get_status(start), "notice": flags.notice}

        yield Offer(methods, get_status, lambda: encoder.is_decided, lambda: _get_model(encoder))
    finally:
        await applying.stop()
        await warming.stop()
        await freshness.stop()
        await asyncio.to_thread(indexer.stop)
        await asyncio.to_thread(pool.stop)
        repos.close()


def _offer_methods(
    caching: Caching,
    configuring: Configuring,
    showing: Showing,
    related: Related,
    enrolment: Enrolment,
    checking: Checking,
) -> dict[str, Handler]:
    repo, timeout = text("repo"), number("timeout", 0.001, 3600, default=None)
    maybe_repo = text("repo", default=None)

    async def remove(params: dict[str, Any]) -> dict[str, Any]:
        removed = await enrolment.remove(params)
        await asyncio.to_thread(caching.forget_removed)
        return removed

    return {
        "ask": Method(caching.ask, *_ASK),
        "related": Method(
            related.related, repo, timeout, texts("files", default=()), raw("staged", default=None), text("by", default=""),
            text("range", default=None), whole("limit", 1, 100, default=5),
            text("mode", "auto", "semantic", "lexical", default="auto"), flag("no_cache"),
            *(text(name, default=None) for name in filters.NAMES),
        ),
        "show": Method(showing.show, repo, timeout, text("sha")),
        "repo.add": Method(enrolment.add, repo),
        "repo.remove": Method(remove, repo, flag("purge")),
        "repo.list": Method(enrolment.list),
        "repo.notify": Method(enrolment.notify, repo),
        "check.index": Method(checking.check_index, maybe_repo),
        "cache.stats": Method(caching.stats),
        "cache.clear": Method(caching.clear, maybe_repo),
        "cache.warm": Method(caching.warm, repo, texts("questions", default=None), text("file", default=None)),
        "flags": Method(configuring.flags, Param("set", lambda given: isinstance(given, dict), "a map of values by name", None)),
        "reload": Method(configuring.reload),
    }  # fmt: skip


def _get_model(encoder: ServingEncoder) -> str | None:
    serving = encoder.loaded
    return serving.model_id if serving else None


def _log_failure(repo: Repo, error: Exception) -> None:
    log("indexing_failed", level="error", repo_id=repo.key, error=error)
