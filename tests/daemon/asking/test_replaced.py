"""A question whose index is closed under it is asked of the one that takes its place."""

from __future__ import annotations

import pytest

from ail_daemon.asking.answering import _ask_open
from ail_daemon.index.store import ClosedError


@pytest.mark.parametrize("replaced", [0, 1, 2, 3])
def test_it_is_asked_again_as_often_as_it_was_replaced(replaced: int) -> None:
    left = [ClosedError()] * replaced

    def ask() -> str:
        if left:
            raise left.pop()
        return "answered"

    assert _ask_open(ask) == "answered"


def test_one_that_is_closed_for_good_is_told() -> None:
    def ask() -> str:
        raise ClosedError

    with pytest.raises(ClosedError):
        _ask_open(ask)
