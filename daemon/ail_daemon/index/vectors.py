"""Embeddings in memory, found by inner product (FAISS): exact for most histories, as codes of one bit a number for long ones.

Exact: float16, 768 bytes a commit of 384 dimensions. It is half the memory of float32, and moves no neighbour that the encoder's
rounding had not moved already. Loaded from `store`, never saved: 16,715 embeddings take well under a second.

Codes: RaBitQ, 56 bytes a commit, searched in a fraction of the time. What they find is scored again with the embeddings
themselves, read from the store: cosines and order are exact, only the choice of candidates is not. See docs/decisions/0021.

If FAISS cannot be imported, this module still can: the daemon then answers by words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ail_rpc.errors import ModelError

from ..model import Embeddings, Ids

try:
    import faiss
except ImportError:
    faiss = None  # type: ignore[assignment]
else:
    faiss.omp_set_num_threads(1)  # a search takes a few ms; waking threads for it costs more than they bring

FORMAT = f"1 FAISS {faiss.__version__}" if faiss else ""
"""Which version of the codes' file this is: FAISS may change its own."""

ReadEmbeddings = Callable[[list[int]], Iterable[tuple[Ids, Embeddings]]]
"""Returns the embeddings of ids, in parts and in any order; those that are not kept are left out."""

LARGE = 50_000
"""Commits above which embeddings are kept as codes: 40 MB of float16, searched in 5 ms."""

_TIES = 16
"""Results fetched beyond the limit, and more if all are equally near: among equal messages, of which a bot may have written
hundreds, the order of insertion must not decide."""

_DEPTH = 10
"""Candidates of the codes for each result. Among 860, the ten nearest of a million are found to .998, the 70 nearest to .98."""

_PART = 4096  # embeddings that are made codes at once
_CENTRED_ON = 8192  # embeddings, whose mean is the centre of the codes


class Vectors:
    """Embeddings under commit ids. Calls must not overlap a change: the owner holds a lock. `prepare` alone needs none.

    read: returns exact embeddings once these here are codes; None: they stay exact.

    Raises ModelError where FAISS is missing, or an embedding is not of *dimension*.
    """

    def __init__(self, dimension: int, read: ReadEmbeddings | None = None) -> None:
        if faiss is None:
            raise ModelError(
                "FAISS is missing or cannot be loaded", "pip install 'archaeological-intelligence[daemon]'"
            )
        self._dimension = dimension
        self._read = read
        self.unsaved = 0  # embeddings added and removed since codes were saved or loaded
        quantised = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap2(quantised)
        self._size = 0  # asking FAISS takes 3 us, and every reply tells how much is indexed

    def __len__(self) -> int:
        return self._size

    @property
    def are_codes(self) -> bool:
        """Whether these are codes, and exact embeddings are read."""
        return _are_codes(self._index)

    @property
    def ids(self) -> Ids:
        """The ids of all embeddings, in the order in which they were added."""
        ids: Ids = faiss.vector_to_array(self._index.id_map)
        return ids

    def would_be_codes(self, size: int) -> bool:
        """Whether so many embeddings are kept as codes."""
        return self._read is not None and size > LARGE

    def prepare(self, more: Embeddings) -> None:
        """Turn the embeddings into codes if *more* would make them too many. Searches may go on meanwhile: 1 s for 50,000."""
        if self.are_codes or not self.would_be_codes(self._size + len(more)):
            return
        exact, ids = self._index.index, self.ids
        codes = _make_codes(exact.reconstruct_n(0, min(self._size, _CENTRED_ON)) if len(ids) else more[:_CENTRED_ON])
        for start in range(0, len(ids), _PART):
            some = ids[start : start + _PART]
            codes.add_with_ids(exact.reconstruct_n(start, len(some)), some)
        self._index = codes

    def add(self, ids: Ids, embeddings: Embeddings) -> None:
        """Add *embeddings* (n, dimension) under *ids* (n,), which must not be there yet."""
        if len(ids) and embeddings.shape[1] != self._dimension:
            raise ModelError(
                f"an embedding has {embeddings.shape[1]} numbers where the model has {self._dimension}",
                "remove the repository with --purge and add it again: it is rebuilt from git",
            )
        if len(ids):
            self.prepare(embeddings)
            # Rounded as the store rounds, so that a code is the same whether it is made now or after a start.
            self._index.add_with_ids(np.ascontiguousarray(embeddings.astype(np.float16), np.float32), ids)
            self._size = int(self._index.ntotal)
            self.unsaved += len(ids)

    def remove(self, ids: Ids) -> None:
        """Remove the embeddings of *ids*; unknown ids are ignored."""
        if len(ids):
            self.unsaved += self._index.remove_ids(faiss.IDSelectorBatch(ids))
            self._size = int(self._index.ntotal)

    def find(self, embedding: Embeddings, limit: int, among: frozenset[int] | None = None) -> dict[int, float]:
        """Return the ids of the *limit* (1 or more) nearest to *embedding* (1, dimension) with their cosine, nearest first.

        among: the ids that may be found; None: all.
        """
        if not len(self) or (among is not None and not among):
            return {}
        index = self._index  # which `prepare` may replace meanwhile
        depth = _DEPTH if _are_codes(index) else 1
        wanted = most = (limit + _TIES) * depth
        while True:
            (scores,), (ids,) = index.search(embedding, min(most, len(self)), params=_choose(among))
            are_all = most >= len(self) or ids[-1] < 0
            # Of the last ones, some that are as near may be left out.
            scores, ids = _thin(scores, ids, limit, None if are_all else scores[-1])
            if are_all or len(ids) >= limit * max(1, depth // 2):
                break
            most *= 4
        if not _are_codes(index):
            return dict(zip(ids[:limit].tolist(), scores[:limit].tolist(), strict=True))
        exact = self._score_stored(embedding, ids[:wanted].tolist())
        return dict(sorted(exact.items(), key=lambda found: (found[1], found[0]), reverse=True)[:limit])

    def score(self, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
        """Return id -> cosine to *embedding* (1, dimension), for each of *ids*; unknown ids are left out."""
        if not ids or not len(self):
            return {}
        index = self._index
        if _are_codes(index):
            return self._score_stored(embedding, ids)
        try:
            found = index.reconstruct_batch(np.array(ids, np.int64))
        except RuntimeError:  # some of them are not embedded yet: while indexing
            return _score_known(index, embedding, ids)
        return dict(zip(ids, (found @ embedding[0]).tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write the codes to *path*. Raises OSError where that is not possible."""
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as err:
            raise OSError(str(err)) from err
        self.unsaved = 0

    def load(self, path: Path) -> None:
        """Take the codes that `save` wrote to *path*, which the caller knows to be whole: FAISS does not check that.

        Raises OSError where they cannot be read.
        """
        try:
            self._index = faiss.read_index(str(path))
        except RuntimeError as err:
            raise OSError(str(err)) from err
        self._size = int(self._index.ntotal)
        self.unsaved = 0

    def _score_stored(self, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
        """Score each by its stored embedding, row by row: a matrix product may round equal rows differently."""
        assert self._read is not None  # noqa: S101 - narrows for mypy: without it there are no codes
        return {
            i: score
            for found, rows in self._read(ids)
            for i, score in zip(found.tolist(), (rows * embedding).sum(axis=1).tolist(), strict=True)
        }


def _choose(among: frozenset[int] | None) -> Any:
    """Return FAISS's parameters of a search among these ids alone, None for all."""
    if among is None:
        return None
    ids = np.fromiter(among, np.int64, len(among))
    is_chosen = np.zeros(int(ids.max()) + 1, np.bool_)
    is_chosen[ids] = True
    chosen = faiss.SearchParameters()
    # A bit for each id: among half of 230,000 commits that takes 19 ms, with a table of the ids 26.
    chosen.sel = faiss.IDSelectorBitmap(np.packbits(is_chosen, bitorder="little"))  # type: ignore[call-arg, arg-type]
    return chosen


def _thin(
    scores: npt.NDArray[np.float32], ids: Ids, limit: int, above: float | None
) -> tuple[npt.NDArray[np.float32], Ids]:
    """Return what was found, nearest first and of equally near ones the largest id first, at most *limit* of those.

    More of a bot's 100,000 equal messages cannot be shown. above: only those with a larger score; None: all.
    """
    is_there = ids >= 0 if above is None else scores > above
    scores, ids = scores[is_there], ids[is_there]
    order = np.lexsort((-ids, -scores))
    scores, ids = scores[order], ids[order]
    first = np.searchsorted(-scores, -scores)  # of those that are as near
    is_kept = np.arange(len(ids)) - first < limit
    return scores[is_kept], ids[is_kept]


def _score_known(index: Any, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
    scores = {}
    for commit_id in ids:
        with contextlib.suppress(RuntimeError):
            scores[commit_id] = float(index.reconstruct(commit_id) @ embedding[0])
    return scores


def _make_codes(some: Embeddings) -> Any:
    """Return an empty index of codes around the mean of *some*.

    The centre is for models whose embeddings all lie in one direction, the rotation (always the same one) for those whose
    numbers differ in size; the default model's need neither.
    """
    codes = faiss.index_factory(some.shape[1], "RR,RaBitQ", faiss.METRIC_INNER_PRODUCT)
    codes.train(np.ascontiguousarray(some, np.float32))
    return faiss.IndexIDMap(codes)


def _are_codes(index: Any) -> bool:
    return not isinstance(index, faiss.IndexIDMap2)
