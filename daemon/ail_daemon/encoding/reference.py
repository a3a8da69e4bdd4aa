"""Serving by sentence-transformers itself (`AIL_ENCODER=sentence-transformers`): any model, CUDA where there is one.

Costs 440 to 720 MB and seconds to load; the choice for models that cannot be prepared. torch arrives with `original`,
when asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ail_daemon.model import Embeddings

from .original import hash_weights, load_original

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class ReferenceEncoder:
    """The Encoder protocol over a SentenceTransformer; vectors differ in the last bits with their batch."""

    def __init__(self, model: SentenceTransformer, batch: int = 32) -> None:
        self._model, self._batch = model, batch
        self._id = f"sentence-transformers-{hash_weights(model)}"
        self._dimension = int(model.encode([""], show_progress_bar=False).shape[1])

    @property
    def model_id(self) -> str:
        """Hash of the weights and the length a text is cut to."""
        return self._id

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings, in their order; lone surrogates count as `?`."""
        if not texts:
            return np.empty((0, self._dimension), np.float32)
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        rows = self._model.encode(clean, batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, np.float32)


def load_reference(name: str, download: bool = False, batch: int = 32, device: str | None = None) -> ReferenceEncoder:
    """Load a model by name or directory; *batch* texts are padded and encoded together.

    device: None takes CUDA where there is one; "cuda" wants it. Raises what `load_original` raises.
    """
    return ReferenceEncoder(load_original(name, download, device), batch)
