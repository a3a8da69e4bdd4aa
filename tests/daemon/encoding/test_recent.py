"""Embeddings of the texts that were encoded last."""

from __future__ import annotations

from threading import Barrier

import numpy as np

from ail_daemon.encoding.encoders import RecentEmbeddings, RecentEncoder
from ail_daemon.model import Embeddings


class Counting:
    """An encoder that notes what it was given."""

    def __init__(self, model_id: str = "one") -> None:
        self.model_id, self.dimension = model_id, 2
        self.given: list[str] = []

    def encode(self, texts: list[str]) -> Embeddings:
        self.given += texts
        return np.array([[len(text), ord(self.model_id[0])] for text in texts], np.float32)


def test_a_text_is_encoded_once_and_again_when_it_was_forgotten() -> None:
    inner, recent = Counting(), RecentEmbeddings(3, at_once=1)
    encoder = RecentEncoder(inner, recent)
    assert encoder.encode(["a", "bb", "a"]).tolist() == [[1, 111], [2, 111], [1, 111]]
    assert RecentEncoder(inner, recent).encode(["ccc", "a"]).tolist() == [[3, 111], [1, 111]]
    assert inner.given == ["a", "bb", "ccc"]
    encoder.encode(["dddd"])  # `bb` was not asked for the longest time
    encoder.encode(["a", "ccc", "bb"])
    assert inner.given == ["a", "bb", "ccc", "dddd", "bb"]
    recent.forget()
    encoder.encode(["a"])
    assert inner.given[-1] == "a"


def test_models_do_not_share_embeddings_and_nothing_is_nothing() -> None:
    recent = RecentEmbeddings()
    first, second = RecentEncoder(Counting("one"), recent), RecentEncoder(Counting("two"), recent)
    assert first.encode(["a"]).tolist() != second.encode(["a"]).tolist()
    assert first.encode([]).shape[0] == 0


class Meeting(Counting):
    """An encoder whose first two texts wait for each other."""

    def __init__(self) -> None:
        super().__init__()
        self._both = Barrier(2, timeout=5)

    def encode(self, texts: list[str]) -> Embeddings:
        self._both.wait()
        return super().encode(texts)


def test_texts_that_somebody_waits_for_are_encoded_at_the_same_time_and_keep_their_order() -> None:
    encoder = RecentEncoder(Meeting(), RecentEmbeddings(at_once=2))
    assert encoder.encode(["a", "bb"]).tolist() == [[1, 111], [2, 111]]


def test_one_core_encodes_one_text_after_the_other() -> None:
    inner = Counting()
    RecentEncoder(inner, RecentEmbeddings(at_once=1)).encode(["a", "bb", "ccc"])
    assert inner.given == ["a", "bb", "ccc"]
