"""Embeddings in memory, found by inner product (FAISS). Loaded from `store`, never saved.

Loading 16,715 embeddings takes well under a second, so there is no FAISS file that could be stale or damaged (of 1,991 damaged
ones 61 % loaded silently). Held as float16: half the memory of float32, and it moves no neighbour that the encoder's
rounding had not moved already. If FAISS cannot be imported, this module still can: the daemon then answers by words.
"""

from __future__ import annotations

import contextlib

import numpy as np

from ail_rpc.errors import ModelError

from ..model import Embeddings, Ids

try:
    import faiss
except ImportError:
    faiss = None  # type: ignore[assignment]
else:
    faiss.omp_set_num_threads(1)  # a search takes under 1 ms; waking threads for it costs more than they bring

_TIES = 16
"""Results fetched beyond the limit, and more if all are equally near: among equal messages, of which a bot may have written
hundreds, the order of insertion must not decide."""


class Vectors:
    """Embeddings under commit ids. Calls must not overlap a change: the owner holds a lock.

    Raises ModelError where FAISS is missing, or an embedding is not of *dimension*.
    """

    def __init__(self, dimension: int) -> None:
        if faiss is None:
            raise ModelError(
                "FAISS is missing or cannot be loaded", "pip install 'archaeological-intelligence[daemon]'"
            )
        self._dimension = dimension
        quantised = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index = faiss.IndexIDMap2(quantised)
        self._size = 0  # asking FAISS takes 3 us, and every reply tells how much is indexed

    def __len__(self) -> int:
        return self._size

    def add(self, ids: Ids, embeddings: Embeddings) -> None:
        """Add *embeddings* (n, dimension) under *ids* (n,), which must not be there yet."""
        if len(ids) and embeddings.shape[1] != self._dimension:
            raise ModelError(
                f"an embedding has {embeddings.shape[1]} numbers where the model has {self._dimension}",
                "remove the repository with --purge and add it again: it is rebuilt from git",
            )
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(embeddings, np.float32), ids)
            self._size = int(self._index.ntotal)

    def remove(self, ids: Ids) -> None:
        """Remove the embeddings of *ids*; unknown ids are ignored."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(ids))
            self._size = int(self._index.ntotal)

    def find(self, embedding: Embeddings, limit: int, among: frozenset[int] | None = None) -> dict[int, float]:
        """Return the ids of the *limit* (1 or more) nearest to *embedding* (1, dimension) with their cosine, nearest first.

        among: the ids that may be found; None: all.
        """
        if not len(self) or (among is not None and not among):
            return {}
        chosen = None
        if among is not None:
            chosen = faiss.SearchParameters()
            chosen.sel = faiss.IDSelectorBatch(np.fromiter(among, np.int64, len(among)))
        most = limit + _TIES
        while True:
            scores, ids = self._index.search(embedding, min(most, len(self)), params=chosen)
            if most >= len(self) or ids[0, -1] < 0 or scores[0, -1] < scores[0, limit - 1]:
                break  # -1: there are no more
            most *= 4
        found = sorted(zip(scores[0].tolist(), ids[0].tolist(), strict=True), reverse=True)
        return {i: score for score, i in found[:limit] if i >= 0}

    def score(self, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
        """Return id -> cosine to *embedding* (1, dimension), for each of *ids*; unknown ids are left out."""
        if not ids or not len(self):
            return {}
        try:
            found = self._index.reconstruct_batch(np.array(ids, np.int64))
        except RuntimeError:  # some of them are not embedded yet: while indexing
            return self._score_known(embedding, ids)
        return dict(zip(ids, (found @ embedding[0]).tolist(), strict=True))

    def _score_known(self, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
        scores = {}
        for commit_id in ids:
            with contextlib.suppress(RuntimeError):
                scores[commit_id] = float(self._index.reconstruct(commit_id) @ embedding[0])
        return scores
