"""The encoder that serves questions: loaded beside the start, so that the socket answers at once, or whenever it comes."""

from __future__ import annotations

import threading
from pathlib import Path
from time import monotonic

from ail_rpc.errors import AilError

from .encoding import open_encoder
from .logs import log
from .model import Embeddings, Encoder
from .workers import Bulk

_RETRY_S = 5.0
_LOADING = "model loading"


class ServingEncoder:
    """Holds the encoder, or why there is none. Threads may ask at any time."""

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._tried_at = float("-inf")
        self.reason: str | None = _LOADING

    @property
    def loaded(self) -> Encoder | None:
        """The encoder where it is loaded by now, else None; never waits."""
        return self._encoder

    @property
    def is_decided(self) -> bool:
        """Whether loading has ended, well or not."""
        return self.reason != _LOADING

    @property
    def notice(self) -> str | None:
        """What `status` says while words alone answer; None where all is well or still loading."""
        return (
            None if self.reason in (None, _LOADING) else f"{self.reason}: words alone; run `ail-daemon model prepare`"
        )

    def get(self) -> Encoder | None:
        """Return the encoder, loading it where it was not yet; None with `reason` set where it cannot be.

        A failed load is tried again after 5 s at the earliest: preparing a model needs no restart of the daemon.
        """
        if self._encoder is not None:
            return self._encoder
        with self._lock:
            if self._encoder is None and monotonic() - self._tried_at > _RETRY_S:
                self._load()
            return self._encoder

    def _load(self) -> None:
        self._tried_at = monotonic()
        try:
            bulk = self._bulk
            self._encoder = open_encoder(bulk.model, bulk.kind, Path(bulk.models_dir))
            self.reason = None
        except AilError as err:
            self.reason = "model missing" if "not prepared" in err.message else f"model unusable: {err.message}"
            log("model_unavailable", level="warning", code=err.code)


class EncodedOnce:
    """An encoder for one question: what was encoded is remembered, so that the cache and the search share it."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[str, ...], Embeddings] = {}

    @property
    def model_id(self) -> str:
        """The encoder's own."""
        return self._encoder.model_id

    @property
    def dimension(self) -> int:
        """The encoder's own."""
        return self._encoder.dimension

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings, in their order."""
        key = tuple(texts)
        if key not in self._known:
            self._known[key] = self._encoder.encode(texts)
        return self._known[key]
