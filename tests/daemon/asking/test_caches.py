from __future__ import annotations

import threading

import numpy as np
import pytest

from ail_daemon.asking.caches import CacheStats, ExactCache, SimilarCache
from ail_rpc.framing import unpack
from ail_rpc.messages import encode_reply

HERE = np.array([[1.0, 0.0]], np.float32)
NEAR = np.array([[0.9, np.sqrt(1 - 0.81)]], np.float32)
FAR = np.array([[0.8, 0.6]], np.float32)


def test_a_reply_comes_back_as_another_object() -> None:
    cache = ExactCache(2)
    reply = {"answer": "because", "citations": [{"sha": "ab"}]}
    cache.put("why", reply)
    first, second = cache.get("why"), cache.get("why")
    assert first
    assert second
    assert first is not second
    for found in (first, second):
        assert unpack(encode_reply(7, None, found)) == [1, 7, None, reply]
        assert [*found["citations"]] == reply["citations"]
    first["answer"] = "changed"
    assert second["answer"] == "because"


def test_a_reply_that_was_put_again_replaces_the_one_that_is_ready_to_be_sent() -> None:
    cache = ExactCache(2)
    for number in range(2):
        cache.put("why", {"citations": [number]})
        assert [*cache.get("why")["citations"]] == [number]  # type: ignore[index]
    cache.clear()
    assert cache.get("why") is None


def test_the_least_recently_used_goes_first_and_everything_is_counted() -> None:
    cache = ExactCache(2)
    for key in "ab":
        cache.put(key, {})
    cache.get("a")
    cache.put("c", {})
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ({}, None, {})
    stats = cache.stats()
    assert stats == CacheStats(hits=3, misses=1, evictions=1, entries=2, size=2, bytes=stats.bytes)
    assert stats.bytes > 0
    assert stats.to_wire()["hits"] == 3


def test_a_cache_of_size_0_keeps_nothing() -> None:
    cache = ExactCache(0)
    cache.put("a", {})
    assert cache.get("a") is None
    assert cache.stats().entries == 0


def test_putting_a_key_again_evicts_nothing() -> None:
    cache = ExactCache(1)
    for number in range(3):
        cache.put("a", {"n": number})
    assert cache.get("a") == {"n": 2}
    assert cache.stats().evictions == 0


def test_a_smaller_size_keeps_what_was_used_last() -> None:
    cache = ExactCache(3)
    for key in "abc":
        cache.put(key, {"key": key})
    cache.get("a")
    cache.resize(2)
    assert [cache.get(key) for key in "abc"] == [{"key": "a"}, None, {"key": "c"}]
    cache.resize(0)
    assert cache.stats().entries == 0
    cache.resize(1)
    cache.put("d", {})
    assert cache.get("d") == {}


def test_what_is_cleared_can_be_chosen() -> None:
    cache = ExactCache(9)
    for key in [("r", 1), ("r", 2), ("s", 1)]:
        cache.put(key, {})
    assert cache.clear(lambda key: isinstance(key, tuple) and key[0] == "r") == 2
    assert cache.stats().entries == 1
    assert cache.clear() == 1


@pytest.mark.parametrize(("asked", "is_hit"), [(HERE, True), (NEAR, True), (FAR, False)])
def test_a_similar_question_hits_from_the_threshold_on(asked: np.ndarray, *, is_hit: bool) -> None:
    cache = SimilarCache(2, threshold=0.85)
    cache.put("key", HERE, {"n": 1})
    assert (cache.get("key", asked) is not None) is is_hit
    assert cache.get("another key", asked) is None


def test_an_embedding_of_another_model_never_hits() -> None:
    cache = SimilarCache(2, threshold=0.0)
    cache.put("key", HERE, {})
    assert cache.get("key", np.ones((1, 3), np.float32)) is None


def test_threads_may_share_a_cache() -> None:
    cache = ExactCache(8)

    def work(seed: int) -> None:
        for number in range(500):
            cache.put((seed * number) % 16, {"n": number})
            cache.get(number % 16)
            if number % 100 == 0:
                cache.resize(8 - seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = cache.stats()
    assert stats.hits + stats.misses == 2000
    assert stats.entries <= 8
