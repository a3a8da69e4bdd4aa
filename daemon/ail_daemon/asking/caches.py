"""The only importer of cachetools: replies kept for questions asked before.

L1, `ExactCache`, gives a reply again for an equal key. L2, `SimilarCache`, for an equal key and an embedding that is near
enough; its keys carry the question's canonical wording (see `wording`). Replies are held packed and compressed, a tenth of
the memory; those that L1 gave last also as they are sent. Every method may be called by several threads.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache

from ail_rpc.framing import Packed, pack, unpack

from ..model import Embeddings

_LATEST = 32
"""Replies held as they are sent, 10 KB each."""

_SENT_AS_IT_IS = ("citations", "evidence")

_IS_COUNTED: ContextVar[bool] = ContextVar("is_counted", default=True)


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache did since it was made, and what it holds. size: the most entries it may hold."""

    hits: int
    misses: int
    evictions: int
    entries: int
    size: int
    bytes: int

    def to_wire(self) -> dict[str, int]:
        """Return the figures under their names."""
        return asdict(self)


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Within the block, look-ups in this context count neither as hits nor as misses: no user asked."""
    token = _IS_COUNTED.set(False)
    try:
        yield
    finally:
        _IS_COUNTED.reset(token)


_Row = tuple[bytes, bytes]  # embedding or b"", packed and compressed reply


class _Replies:
    """At most *size* replies; the least recently used is dropped first. 0: keeps none."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._rows: LRUCache[Hashable, _Row] = LRUCache(size)
        self._hits = self._misses = self._evictions = 0

    def resize(self, size: int) -> None:
        """Hold at most *size* replies; the least recently used beyond that are dropped."""
        with self._lock:
            rows, self._rows = self._rows, LRUCache(size)
            while len(rows) > size:
                rows.popitem()
                self._evictions += 1
            for key in [*rows]:
                self._rows[key] = rows[key]

    def clear(self, is_dropped: Callable[[Hashable], bool] = lambda _: True) -> int:
        """Forget the replies whose key *is_dropped*, all by default; return how many they were."""
        with self._lock:
            dropped = [key for key in self._rows if is_dropped(key)]
            for key in dropped:
                del self._rows[key]
            return len(dropped)

    def stats(self) -> CacheStats:
        """Return the figures."""
        with self._lock:
            held = sum(len(embedding) + len(packed) for embedding, packed in self._rows.values())
            size = int(self._rows.maxsize)
            return CacheStats(self._hits, self._misses, self._evictions, len(self._rows), size, held)

    def _find(self, key: Hashable, is_hit: Callable[[bytes], bool]) -> _Row | None:
        is_counted = _IS_COUNTED.get()
        with self._lock:
            row = self._rows.get(key)
            if row is None or not is_hit(row[0]):
                self._misses += is_counted
                return None
            self._hits += is_counted
            return row

    def _keep(self, key: Hashable, embedding: bytes, reply: dict[str, Any]) -> None:
        row = (embedding, zlib.compress(pack(reply), 1))
        with self._lock:
            if not self._rows.maxsize:
                return
            self._evictions += key not in self._rows and len(self._rows) >= self._rows.maxsize
            self._rows[key] = row


class ExactCache(_Replies):
    """L1: replies under keys of all that decides them."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._latest: LRUCache[int, tuple[_Row, dict[str, Any]]] = LRUCache(
            _LATEST
        )  # by the row's id: a key's hash costs more

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """Return a new copy of the reply, None if none is kept. Its citations and evidence are `Packed`: they are only sent."""
        if (row := self._find(key, lambda _: True)) is None:
            return None
        with self._lock:
            found = self._latest.get(id(row))
            if found is None or found[0] is not row:
                self._latest[id(row)] = found = row, _pack_lists(_decode(row))
        return dict(found[1])

    def clear(self, is_dropped: Callable[[Hashable], bool] = lambda _: True) -> int:
        """See `_Replies`."""
        with self._lock:
            self._latest.clear()
        return super().clear(is_dropped)

    def put(self, key: Hashable, reply: dict[str, Any]) -> None:
        """Keep *reply* under *key*."""
        self._keep(key, b"", reply)


class SimilarCache(_Replies):
    """L2: replies to questions whose key is equal and whose embedding has a cosine of at least *threshold* (0 to 1)."""

    def __init__(self, size: int, threshold: float) -> None:
        super().__init__(size)
        self.threshold = threshold

    def get(self, key: Hashable, embedding: Embeddings) -> dict[str, Any] | None:
        """Return the reply to a similar question, None where none is kept; *embedding* is the asked question's, (1, n)."""

        def is_near(kept: bytes) -> bool:
            other = np.frombuffer(kept, np.float32)
            return other.shape == embedding[0].shape and float(other @ embedding[0]) >= self.threshold

        row = self._find(key, is_near)
        return _decode(row) if row else None

    def put(self, key: Hashable, embedding: Embeddings, reply: dict[str, Any]) -> None:
        """Keep *reply* under *key* and its question's *embedding*."""
        self._keep(key, embedding[0].astype(np.float32).tobytes(), reply)


def _decode(row: _Row) -> dict[str, Any]:
    reply: dict[str, Any] = unpack(zlib.decompress(row[1]))
    return reply


def _pack_lists(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: Packed(value) if name in _SENT_AS_IT_IS else value for name, value in reply.items()}


class AnswerCaches(NamedTuple):
    """Both caches, which are made, cleared and measured together."""

    exact: ExactCache
    similar: SimilarCache

    @classmethod
    def make(cls, exact_size: int, similar_size: int, threshold: float) -> AnswerCaches:
        """Return empty caches of so many replies; *threshold*: see `SimilarCache`."""
        return cls(ExactCache(exact_size), SimilarCache(similar_size, threshold))

    def clear(self, is_dropped: Callable[[Any], bool] = lambda _: True) -> dict[str, int]:
        """Forget the replies whose key *is_dropped*, all by default; return by each cache's name how many they were."""
        return {name: cache.clear(is_dropped) for name, cache in self._asdict().items()}
