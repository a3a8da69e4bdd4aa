"""The domain as one service of the daemon: what is made, in which order it starts and stops, which methods it offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ail_rpc.paths import get_state_dir

from .administration.backup.keeping import Keeping
from .administration.checking import Checking
from .administration.configuring import Applying, Configuring
from .administration.doctor.visiting import Doctor
from .administration.enrolment import Enrolment
from .asking.answering import Answering
from .asking.asking import Asking
from .asking.caches import ExactCache, SimilarCache
from .asking.caching import Caching
from .asking.consistency import SAMPLE, Consistency
from .asking.pool import QuestionPool
from .asking.probing import LIMIT_S, Probing
from .asking.showing import Showing
from .asking.sides import SideFigures
from .asking.warming import RecentQuestions, Warming
from .daemon import Offer
from .encoding.encoders import ServingEncoder
from .flags import Flags
from .github.pullrequests import PullRequests
from .indexing.freshness import Freshness
from .indexing.opening import open_indexing
from .metrics import gauges
from .metrics.exposition import Family
from .process import heap
from .relating.related import Related
from .search import filters
from .server.params import Handler, Method, Param, flag, lines, number, raw, text, texts, whole

_ASK = (
    text("repo"), number("timeout", 0.001, 3600, default=None), text("question", default=""), text("file", default=None),
    lines("lines"), raw("contents", default=None), text("at", default=None), whole("limit", 1, 100, default=5), flag("no_cache"),
    text("mode", "auto", "semantic", "lexical", default="auto"),
    *(text(name, default=None) for name in filters.NAMES),
)  # fmt: skip


@contextlib.asynccontextmanager
async def archaeology(flags: Flags) -> AsyncIterator[Offer]:
    """Enrolled repositories, kept indexed, and answers about them."""
    settings, state = flags.current, Path(get_state_dir())
    encoder, repos, indexer = open_indexing(flags)
    freshness = Freshness(repos, indexer, flags)
    pool = QuestionPool(flags)
    exact = ExactCache(settings.cache_size)
    similar = SimilarCache(settings.faiss_cache_size, settings.faiss_similarity_threshold)
    figures, answering = SideFigures(), Answering(encoder)
    asking = Asking(repos, freshness, flags, pool, answering, exact, similar, figures)
    showing = Showing(repos, freshness, encoder, pool)
    related = Related(repos, freshness, encoder, pool, flags)
    checking = Checking(repos, indexer, flags, encoder)
    recent = RecentQuestions()
    ask = Method(asking.ask, *_ASK)
    caching = Caching(asking.ask, ask, repos, exact, similar, recent)

    def forget_removed() -> None:
        caching.forget_removed()
        answering.forget()
        heap.trim()  # what was freed holds texts of what is gone, until somebody writes there again

    enrolment = Enrolment(repos, indexer, freshness, encoder, forget_removed)
    keeping = Keeping(repos, freshness, encoder, state, forget_removed)
    warming = Warming(ask, repos, recent, pool)
    applying = Applying(flags, os.fspath(state / "models"), encoder, pool, exact, similar, repos, indexer, freshness)
    configuring = Configuring(flags, pool, applying)
    pull_requests = PullRequests(flags, repos)
    consistency = Consistency(repos, answering, asking.check, recent.sample)

    pool.submit(encoder.get)
    indexer.on_updated = warming.note_update
    indexer.start()
    await freshness.start()
    try:
        methods = _offer_methods(caching, configuring, showing, related, enrolment, checking, consistency, keeping)
        for name in ("ask", "related"):
            methods[name] = pull_requests.around(methods[name])
        doctor = Doctor(flags, encoder, repos, pool, state / "models", pull_requests.describe)
        methods["doctor"] = Method(doctor.examine, text("repo", default=None))
        probing = Probing(repos, lambda: _encode(pool, encoder), ask)

        async def get_status(start: str | None) -> dict[str, Any]:
            told = await enrolment.get_status(start)
            return {**told, "notice": flags.notice, "github": pull_requests.describe()}

        yield Offer(
            methods,
            get_status,
            probing.find_fault,
            lambda: _get_model(encoder),
            lambda: _read_metrics(enrolment, exact, similar, encoder),
            figures.describe,
            lambda: all(repo.progress.phase == "idle" for repo in repos),
        )
    finally:
        await asyncio.to_thread(pull_requests.stop)
        await applying.stop()
        await warming.stop()
        await freshness.stop()
        await asyncio.to_thread(indexer.stop)
        await asyncio.to_thread(asking.stop)
        await asyncio.to_thread(answering.stop)
        await asyncio.to_thread(pool.stop)
        repos.close()


def _offer_methods(
    caching: Caching,
    configuring: Configuring,
    showing: Showing,
    related: Related,
    enrolment: Enrolment,
    checking: Checking,
    consistency: Consistency,
    keeping: Keeping,
) -> dict[str, Handler]:
    repo, timeout = text("repo"), number("timeout", 0.001, 3600, default=None)
    maybe_repo = text("repo", default=None)

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
        "repo.remove": Method(enrolment.remove, repo, flag("purge")),
        "repo.list": Method(enrolment.list),
        "repo.notify": Method(enrolment.notify, repo),
        "check.index": Method(checking.check_index, maybe_repo),
        "check.consistency": Method(
            consistency.check_consistency, maybe_repo, timeout, whole("sample", 1, 10_000, default=SAMPLE),
        ),
        "cache.stats": Method(caching.stats),
        "cache.clear": Method(caching.clear, maybe_repo),
        "cache.warm": Method(caching.warm, repo, texts("questions", default=None), text("file", default=None)),
        "flags": Method(configuring.flags, Param("set", lambda given: isinstance(given, dict), "a map of values by name", None)),
        "reload": Method(configuring.reload),
        "backup": Method(keeping.backup, text("file"), maybe_repo),
        "restore": Method(keeping.restore, text("file")),
    }  # fmt: skip


async def _read_metrics(
    enrolment: Enrolment, exact: ExactCache, similar: SimilarCache, encoder: ServingEncoder
) -> list[Family]:
    told = await enrolment.get_status(None)
    caches = gauges.read_caches({"exact": exact.stats(), "similar": similar.stats()})
    return [*gauges.read_repositories(told["repos"]), *caches, gauges.read_model(encoder.loaded is not None)]


async def _encode(pool: QuestionPool, encoder: ServingEncoder) -> None:
    """Encode something, where there is a model: what a probe does where no repository can be asked about."""
    loaded = await pool.run(LIMIT_S, encoder.get)
    if loaded:
        await pool.run(LIMIT_S, lambda: loaded.encode(["why?"]))


def _get_model(encoder: ServingEncoder) -> str | None:
    serving = encoder.loaded
    return serving.model_id if serving else None
