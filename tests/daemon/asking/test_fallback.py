"""Words that step in for meaning, and the comparisons that wait for replies, with real threads and a real loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from ail_daemon.asking.fallback import Fallback
from ail_daemon.asking.plan import NoMeaningError, Plan
from ail_daemon.asking.pool import QuestionPool
from ail_daemon.asking.shadow import WAITING, Shadow
from ail_daemon.asking.sides import Comparison, SideFigures
from ail_daemon.flags import Flags
from ail_daemon.model import Scope
from ail_daemon.settings import Loaded, Settings
from ail_rpc.errors import NotFoundError, OutOfTimeError, StorageError

MEANING = Plan("semantic", "auto", 0.5)
STRICT = Plan("semantic", "auto", 0.5, may_fall_back=False)
WORDS = Plan("lexical", "lexical")
SAME = Comparison(True, 1.0, 1.0)


class Desk:
    """A pool of two threads with what runs on it."""

    def __init__(self, **settings: object) -> None:
        self.flags = Flags(Loaded(Settings(max_workers=2, **settings), {}))  # type: ignore[arg-type]
        self.pool = QuestionPool(self.flags)
        self.figures = SideFigures()
        self.fallback = Fallback(self.pool, self.figures)

    def run(self, work: Callable[[], Awaitable[str]]) -> str:
        async def main() -> str:
            return await work()

        try:
            return asyncio.run(main())
        finally:
            self.pool.stop()


def fail(error: Exception) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


def say(problem: NoMeaningError | None) -> str:
    return f"words, {problem.cause if problem else None}"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("Error in faiss"), "failed"),
        (AssertionError(), "failed"),
        (NoMeaningError("model", "model missing"), "model"),
    ],
)
def test_words_answer_where_meaning_fails_and_are_told_why(error: Exception, cause: str) -> None:
    desk = Desk()
    assert desk.run(lambda: desk.fallback.run(MEANING, 5, fail(error), say)) == f"words, {cause}"
    assert desk.figures.describe()["semantic"]["errors"] == 1


def test_words_that_may_not_step_in_leave_an_error_that_says_what_to_do() -> None:
    desk = Desk()
    with pytest.raises(NoMeaningError, match="meaning failed") as told:
        desk.run(lambda: desk.fallback.run(STRICT, 5, fail(RuntimeError()), say))
    assert "mode lexical" in told.value.hint


@pytest.mark.parametrize("error", [NotFoundError("no such file"), StorageError("the disk is full")])
def test_what_words_would_fail_at_too_is_told_as_it_is(error: Exception) -> None:
    desk = Desk()
    with pytest.raises(type(error), match=str(error)):
        desk.run(lambda: desk.fallback.run(MEANING, 5, fail(error), say))


def test_the_lexical_side_is_asked_alone() -> None:
    desk = Desk()
    assert desk.run(lambda: desk.fallback.run(WORDS, 5, fail(AssertionError()), say)) == "words, None"


def test_words_answer_within_the_limit_while_meaning_hangs_in_every_thread() -> None:
    desk, release = Desk(), threading.Event()

    async def ask_many() -> str:
        asked = [desk.fallback.run(MEANING, 2.0, lambda: str(release.wait(30)), say) for _ in range(4)]
        told = await asyncio.gather(*asked)
        told.append(await desk.fallback.run(WORDS, 2.0, lambda: "", say))  # as after a rollback: it need not wait
        release.set()
        return "; ".join(told)

    assert desk.run(ask_many) == "; ".join(["words, out_of_time"] * 4 + ["words, None"])


def test_an_answer_that_neither_side_gives_in_time_names_the_whole_limit() -> None:
    desk, release = Desk(), threading.Event()

    async def ask() -> str:
        try:
            return await desk.fallback.run(MEANING, 0.2, lambda: str(release.wait(30)), lambda _: str(release.wait(30)))
        finally:
            release.set()

    with pytest.raises(OutOfTimeError, match=r"no answer within 0\.2 s"):
        desk.run(ask)


# --- the shadow -------------------------------------------------------------------------------------------------------


QUESTION = ("repo", Scope(), "why?")


def compare_after(desk: Desk, serve: Callable[[Shadow, list[str]], Awaitable[None]]) -> list[str]:
    """Return what happened, in order, until nothing is left to do."""
    happened: list[str] = []

    async def main() -> None:
        shadow = Shadow(desk.flags, desk.pool, desk.figures, lambda _: {})
        await serve(shadow, happened)
        while shadow.is_at_work:
            await asyncio.sleep(0.01)
        shadow.stop()

    asyncio.run(main())
    desk.pool.stop()
    return happened


def test_a_comparison_begins_when_the_reply_was_written_and_no_question_is_under_way() -> None:
    desk = Desk(shadow=100)

    async def serve(shadow: Shadow, happened: list[str]) -> None:
        def work() -> Comparison:
            happened.append("compared")
            return SAME

        async def request() -> None:
            shadow.offer(QUESTION, work)
            await asyncio.sleep(0)
            happened.append("written")

        other = threading.Event()
        under_way = asyncio.create_task(desk.pool.run(30, lambda: other.wait(30)))
        await asyncio.create_task(request())
        for _ in range(20):
            await asyncio.sleep(0.01)
        happened.append("the other question ends")
        other.set()
        await under_way

    assert compare_after(desk, serve) == ["written", "the other question ends", "compared"]
    assert desk.figures.describe()["agreement"]["count"] == 1


def test_more_than_may_wait_is_dropped_and_counted() -> None:
    desk = Desk(shadow=100)

    async def serve(shadow: Shadow, _: list[str]) -> None:
        async def request() -> None:
            shadow.offer(QUESTION, lambda: SAME)

        other = threading.Event()
        under_way = asyncio.create_task(desk.pool.run(30, lambda: other.wait(30)))
        await asyncio.sleep(0)
        await asyncio.gather(*(asyncio.create_task(request()) for _ in range(WAITING + 3)))
        await asyncio.sleep(0)
        other.set()
        await under_way

    compare_after(desk, serve)
    agreement = desk.figures.describe()["agreement"]
    assert (agreement["count"], agreement["dropped"]) == (WAITING, 3)


@pytest.mark.parametrize("settings", [{"shadow": 0}, {"shadow": 100, "faiss_enabled": False}])
def test_nothing_is_compared_unless_the_settings_ask_for_it(settings: dict[str, object]) -> None:
    desk = Desk(**settings)

    async def serve(shadow: Shadow, _: list[str]) -> None:
        async def request() -> None:
            shadow.offer(QUESTION, lambda: SAME)

        await asyncio.create_task(request())

    compare_after(desk, serve)
    assert desk.figures.describe()["agreement"]["count"] == 0


def test_a_comparison_that_fails_is_dropped_and_the_next_goes_on() -> None:
    desk = Desk(shadow=100)

    async def serve(shadow: Shadow, _: list[str]) -> None:
        def fail_once() -> Comparison:
            raise RuntimeError

        async def request(work: Callable[[], Comparison]) -> None:
            shadow.offer(QUESTION, work)

        for work in (fail_once, lambda: SAME):
            await asyncio.create_task(request(work))

    compare_after(desk, serve)
    agreement = desk.figures.describe()["agreement"]
    assert (agreement["count"], agreement["dropped"]) == (1, 1)
