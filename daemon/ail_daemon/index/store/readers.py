"""The connections that a database is read through: as many as read at the same moment, of which few are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ail_rpc.errors import BusyError

if TYPE_CHECKING:
    import sqlite3

KEPT = 2
"""Connections kept open while nothing is read. One a thread meant two descriptors for each thread in each repository it had ever
read: a daemon of twenty repositories, under time-outs, gained seventeen in an hour. (SQLite keeps the descriptor of a closed
connection, for the next one, while others of the process hold locks on the file: as many as ever read at the same moment.)"""


class ClosedError(BusyError):
    """Another thread closed the database, to replace or remove it; opened again, it is the new one."""

    def __init__(self) -> None:
        super().__init__("the index was closed meanwhile, to be replaced or removed", "ask again in a moment")


class Reader:
    """A connection and its lock: closing one while another thread reads through it would crash the process."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.using = threading.Lock()

    def __del__(self) -> None:
        self.connection.close()


class Readers:
    """Lends readers, opened by *connect* where none is free. Safe to use from several threads."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._free: list[Reader] = []  # the last one given back is lent first: its pages are cached
        self._lent: set[Reader] = set()
        self._is_closed = False

    def take(self) -> Reader:
        """Return a reader for this thread alone, until it is given back. Raises ClosedError once closed."""
        with self._lock:
            if self._free:
                reader = self._free.pop()
                self._lent.add(reader)
                return reader
        reader = Reader(self._connect())  # 0.2 ms, for which nobody waits
        with self._lock:
            if self._is_closed:
                raise ClosedError
            self._lent.add(reader)
        return reader

    def give_back(self, reader: Reader) -> None:
        """Take back a reader; it is closed where enough are free."""
        with self._lock:
            self._lent.discard(reader)
            if self._is_closed:
                return  # `close` has closed it, or is about to
            if len(self._free) < KEPT:
                self._free.append(reader)
                return
        reader.connection.close()

    def close(self) -> None:
        """Lend none any more, and close each as soon as nothing is being read through it."""
        with self._lock:
            self._is_closed = True
            readers, self._free = [*self._free, *self._lent], []
        for reader in readers:
            with reader.using:
                reader.connection.close()
