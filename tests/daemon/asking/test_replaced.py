"""A question whose index is closed under it is asked of the one that takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ail_daemon.asking.pool import QuestionPool
from ail_daemon.flags import Flags
from ail_daemon.index.store import ClosedError
from ail_daemon.settings import Loaded, Settings


def run(work: Callable[[], str]) -> str:
    pool = QuestionPool(Flags(Loaded(Settings(), {})))
    try:
        return asyncio.run(pool.run(5.0, work))
    finally:
        pool.stop()


@pytest.mark.parametrize("replaced", [0, 1, 2, 3])
def test_it_is_asked_again_as_often_as_it_was_replaced(replaced: int) -> None:
    left = [ClosedError()] * replaced

    def ask() -> str:
        if left:
            raise left.pop()
        return "answered"

    assert run(ask) == "answered"


def test_one_that_is_closed_for_good_is_told() -> None:
    def ask() -> str:
        raise ClosedError

    with pytest.raises(ClosedError):
        run(ask)
