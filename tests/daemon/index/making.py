"""Commits and an encoder that need neither git nor a model."""

from __future__ import annotations

import hashlib

import numpy as np

from ail_daemon.model import Commit, Embeddings


class HashEncoder:
    """A pure function of the text: its words, hashed into 64 dimensions. Texts that share words are near."""

    def __init__(self, model_id: str = "words-64") -> None:
        self.model_id = model_id
        self.dimension = 64
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> Embeddings:
        self.encoded.extend(texts)
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % self.dimension] += 1
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return rows


def make_commit(
    number: int,
    message: str,
    paths: tuple[str, ...] = (),
    renames: tuple[tuple[str, str], ...] = (),
    parents: tuple[int, ...] = (),
) -> Commit:
    """Return a commit whose sha and time follow from *number*: a larger one is newer."""
    shas = [f"{n:040x}" for n in (number, *parents)]
    when = 1_700_000_000 + number
    return Commit(shas[0], tuple(shas[1:]), "Ann", "ann@example.org", when, 60, when, message, paths, renames)
