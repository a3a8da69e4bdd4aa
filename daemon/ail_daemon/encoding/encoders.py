"""The encoder for questions: loaded in the background, so that the socket answers at once, or when a model is prepared later."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from ail_rpc.errors import AilError, UsageError

from ..model import Embeddings, Encoder
from ..process import heap
from ..process.logs import log
from ..settings import Settings
from . import find_prepared, open_encoder

_RETRY_S = 5.0
_LOADING = "model loading"


class ServingEncoder:
    """Holds the encoder, or the reason why there is none. Safe to use from several threads."""

    def __init__(self, bulk: Bulk) -> None:
        self._lock = threading.Lock()
        self._serving = Serving(None, bulk)
        self._tried_at = float("-inf")
        self._refused: str | None = None
        self.reason: str | None = _LOADING

    @property
    def loaded(self) -> Encoder | None:
        """The encoder where it is loaded by now, else None; never waits."""
        return self._serving.encoder

    @property
    def notice(self) -> str | None:
        """What `status` says while there is no model, or still the former one; None if all is well or loading."""
        if self.reason in (None, _LOADING):
            return self._refused
        return f"{self.reason}: words alone; run `ail-daemon model prepare`"

    def get(self) -> Encoder | None:
        """Return the encoder, loading it if need be; None, with `reason` set, if that fails.

        A failed load is tried again after 5 s at the earliest: preparing a model needs no restart of the daemon.
        """
        return self.get_serving().encoder

    def get_serving(self) -> Serving:
        """Return the encoder as `get` does, with the parameters by which the worker loads the same."""
        if self._serving.encoder is not None:
            return self._serving
        with self._lock:
            if self._serving.encoder is None and monotonic() - self._tried_at > _RETRY_S:
                self._load(self._serving.bulk)
            return self._serving

    def switch(self, bulk: Bulk) -> bool:
        """Load the encoder that *bulk* describes and serve it from then on; return whether that is another model.

        Until then the former one serves, and afterwards too if the new one cannot be loaded: then `notice` says so.
        """
        with self._lock:
            encoder, before = self._serving
            self._refused = None
            if (bulk.model, bulk.kind) == (before.model, before.kind):
                self._serving = Serving(encoder, bulk)
                return False
            try:
                self._serving = Serving(_open(bulk), bulk)
            except AilError as err:
                self._keep(encoder, before, bulk, err)
                return False
            self.reason = None
        heap.trim()
        return True

    def _keep(self, encoder: Encoder | None, before: Bulk, asked: Bulk, err: AilError) -> None:
        if encoder is None:
            self._serving, self._tried_at = Serving(None, asked), float("-inf")  # it may be prepared any moment
        else:
            self._serving = Serving(encoder, replace(asked, model=before.model, kind=before.kind))
            self._refused = f"{asked.model} cannot be used, {before.model} goes on: {err.message}"
        log("model_unavailable", level="warning", code=err.code)

    def _load(self, bulk: Bulk) -> None:
        self._tried_at = monotonic()
        try:
            self._serving = Serving(_open(bulk), bulk)
            self.reason = None
        except AilError as err:
            self.reason = "model missing" if "not prepared" in err.message else f"model unusable: {err.message}"
            log("model_unavailable", level="warning", code=err.code)


def make_bulk(settings: Settings, models_dir: str) -> Bulk:
    """Return the parameters of encoding that *settings* have."""
    return Bulk(settings.model, settings.encoder, models_dir, settings.max_workers, settings.batch_size)


def check_model(settings: Settings, models_dir: str) -> None:
    """Raise UsageError if the model that *settings* name is not prepared."""
    if settings.encoder == "prepared" and find_prepared(Path(models_dir), settings.model) is None:
        hint = f"prepare it first: `ail-daemon model prepare {settings.model}`"
        raise UsageError(f"AIL_MODEL must be a prepared model, and {settings.model} is not prepared", hint)


def _open(bulk: Bulk) -> Encoder:
    return open_encoder(bulk.model, bulk.kind, Path(bulk.models_dir), batch=bulk.batch)


class EncodedOnce:
    """An encoder for one question that remembers its embeddings, so that the cache and the search share them."""

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


@dataclass(frozen=True, slots=True)
class Bulk:
    """The parameters of `open_encoder`."""

    model: str
    kind: str
    models_dir: str
    threads: int
    batch: int = 32


class Serving(NamedTuple):
    """The encoder for questions (None: none yet), and the parameters by which the worker loads the same."""

    encoder: Encoder | None
    bulk: Bulk
