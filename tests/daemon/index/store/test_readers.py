"""Connections for reading: as many as read at once, few while nothing reads."""

from __future__ import annotations

import sqlite3

import pytest

from ail_daemon.index.store.readers import KEPT, ClosedError, Reader, Readers


def connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", check_same_thread=False)


def is_open(reader: Reader) -> bool:
    try:
        reader.connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_as_many_are_kept_as_read_at_once_but_no_more_than_a_few() -> None:
    lender = Readers(connect)
    lent = [lender.take() for _ in range(KEPT + 2)]
    for reader in lent:
        lender.give_back(reader)
    assert [is_open(one) for one in lent] == [*[True] * KEPT, False, False]
    assert lender.take() is lent[KEPT - 1]


def test_none_is_lent_once_closed_and_those_lent_are_closed_too() -> None:
    lender = Readers(connect)
    free, lent = lender.take(), lender.take()
    lender.give_back(free)
    lender.close()
    assert not is_open(free)
    assert not is_open(lent)
    lender.give_back(lent)
    with pytest.raises(ClosedError):
        lender.take()
