"""The domain as one service of the daemon: which objects it consists of, how they start and stop, which methods it offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
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
from .asking.askparams import ASK, ASK_ALL
from .asking.caches import AnswerCaches
from .asking.caching import Caching
from .asking.consistency import SAMPLE, Consistency
from .asking.everywhere import Everywhere
from .asking.fallback import Fallback
from .asking.linelog import LOG, LineLog
from .asking.pool import QuestionPool
from .asking.prefetching import PREFETCH, Prefetching
from .asking.probing import LIMIT_S, Probing
from .asking.shadow import Shadow
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
from .process import heap, machine
from .relating.related import Related
from .search import filters
from .server.params import Handler, Method, Param, flag, number, raw, text, texts, whole


@contextlib.asynccontextmanager
async def archaeology(flags: Flags, is_on_battery: Callable[[], bool] = machine.is_on_battery) -> AsyncIterator[Offer]:
    """Keep enrolled repositories indexed and answer questions, until this context ends. *is_on_battery*: see `open_indexing`."""
    settings, state = flags.current, Path(get_state_dir())
    encoder, repos, indexer = indexing = open_indexing(flags, is_on_battery)
    freshness = Freshness(repos, indexer, flags)
    pool = QuestionPool(flags)
    caches = AnswerCaches.make(settings.cache_size, settings.faiss_cache_size, settings.faiss_similarity_threshold)
    figures, recent, pull_requests = SideFigures(), RecentQuestions(), PullRequests(flags)
    prefetching = Prefetching(repos)
    answering = Answering(encoder, caches, prefetching)
    shadow = Shadow(flags, pool, figures, answering.search)
    asking = Asking(repos, freshness, flags, pool, answering, Fallback(pool, figures))
    asking.completing = lambda one: pull_requests.add_to(one.asked.repo, one.wire)
    asking.observers = (recent.observe, figures.observe, shadow.observe)
    everywhere = Everywhere(asking, answering, repos, pool, pull_requests.add_to)
    showing = Showing(repos, freshness, encoder, pool)
    linelog = LineLog(repos, freshness, encoder, pool, answering)
    related = Related(repos, freshness, encoder, pool, flags)
    checking = Checking(repos, indexer, flags, encoder)
    related.observers = (pull_requests.add_to,)
    ask_unheard = Method(asking.answer, *ASK)
    caching = Caching(ask_unheard, repos, caches, recent)

    def forget_removed() -> None:
        caching.forget_removed()
        answering.forget()
        heap.trim()  # freed memory still holds texts of the removed repository

    enrolment = Enrolment(repos, indexer, freshness, encoder, forget_removed)
    keeping = Keeping(repos, freshness, encoder, state, forget_removed)
    warming = Warming(ask_unheard, repos, recent, pool)
    applying = Applying(flags, os.fspath(state / "models"), indexing, pool, caches, freshness)
    configuring = Configuring(flags, pool, applying)
    consistency = Consistency(repos, answering, asking.find, recent.sample)

    pool.submit(encoder.get)
    freshness.on_look = encoder.look_at_files
    indexer.on_updated = warming.note_update
    indexer.start()
    await freshness.start()
    try:
        methods = _offer_methods(
            asking,
            everywhere,
            caching,
            configuring,
            showing,
            linelog,
            prefetching,
            related,
            enrolment,
            checking,
            consistency,
            keeping,
        )
        doctor = Doctor(flags, encoder, repos, pool, state / "models", pull_requests.describe)
        methods["doctor"] = Method(doctor.examine, text("repo", default=None))
        probing = Probing(repos, lambda: _encode(pool, encoder), ask_unheard)

        async def get_status(start: str | None) -> dict[str, Any]:
            status = await enrolment.get_status(start)
            model = {
                "no_model": encoder.reason,
                "model_remedy": encoder.remedy if encoder.reason else None,
                "preparing_s": encoder.preparing_s,
            }
            return {**status, **model, "notice": flags.notice, "github": pull_requests.describe()}

        yield Offer(
            methods,
            get_status,
            probing.find_fault,
            lambda: _get_model(encoder),
            lambda: _read_metrics(enrolment, caches, encoder),
            figures.describe,
            lambda: encoder.preparing_s is None and all(repo.progress.phase == "idle" for repo in repos),
        )
    finally:
        encoder.stop()
        await asyncio.to_thread(pull_requests.stop)
        await applying.stop()
        await warming.stop()
        await freshness.stop()
        await asyncio.to_thread(indexer.stop)
        await asyncio.to_thread(shadow.stop)
        await asyncio.to_thread(answering.stop)
        await asyncio.to_thread(pool.stop)
        repos.close()


def _offer_methods(
    asking: Asking,
    everywhere: Everywhere,
    caching: Caching,
    configuring: Configuring,
    showing: Showing,
    linelog: LineLog,
    prefetching: Prefetching,
    related: Related,
    enrolment: Enrolment,
    checking: Checking,
    consistency: Consistency,
    keeping: Keeping,
) -> dict[str, Handler]:
    repo, timeout = text("repo"), number("timeout", 0.001, 3600, default=None)
    maybe_repo = text("repo", default=None)

    return {
        "ask": Method(asking.ask, *ASK),
        "ask.all": Method(everywhere.ask, *ASK_ALL),
        "log": Method(linelog.log, *LOG),
        "prefetch": Method(prefetching.prefetch, *PREFETCH),
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


async def _read_metrics(enrolment: Enrolment, caches: AnswerCaches, encoder: ServingEncoder) -> list[Family]:
    status = await enrolment.get_status(None)
    kept = gauges.read_caches({name: cache.stats() for name, cache in caches._asdict().items()})
    return [*gauges.read_repositories(status["repos"]), *kept, gauges.read_model(encoder.loaded is not None)]


async def _encode(pool: QuestionPool, encoder: ServingEncoder) -> None:
    """Encode something if there is a model: the probe if no repository can be asked about."""
    loaded = await pool.run(LIMIT_S, encoder.get)
    if loaded:
        await pool.run(LIMIT_S, lambda: loaded.encode(["why?"]))


def _get_model(encoder: ServingEncoder) -> str | None:
    serving = encoder.loaded
    return serving.model_id if serving else None
