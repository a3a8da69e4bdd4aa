"""The encoder for questions: loaded in the background, so that the socket answers at once, or when a model is prepared later."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import numpy as np

from ail_rpc.errors import AilError, ModelError, UsageError

from ..model import Embeddings, Encoder
from ..process import heap
from ..process.logs import log
from ..settings import Settings, count_cores
from . import find_prepared, open_encoder
from .original import find_obstacle
from .prepared import PREPARE_HINT, verify
from .provision import Provision

_RETRY_S = 5.0
_LOADING = "model loading"
_MISSING = "model missing"
_PREPARING = "the model is being prepared"


class ServingEncoder:
    """Holds the encoder, or the reason why there is none. Safe to use from several threads.

    provision: prepares a model that is missing or damaged, None where that is not to be done.
    """

    def __init__(self, bulk: Bulk, provision: Provision | None = None) -> None:
        self._lock = threading.Lock()
        self._serving = Serving(None, bulk)
        self._provision = provision
        self._tried_at = float("-inf")
        self._refused: str | None = None
        self._reason: str | None = _LOADING
        self._obstacle: str | None = None  # what a person must do before the model can be prepared or loaded
        self._looked_at: tuple[tuple[int, int], ...] = ()  # size and time of its files when they were found whole
        self.on_prepared: Callable[[], None] = lambda: None  # called in a thread, once a model was prepared and serves

    @property
    def loaded(self) -> Encoder | None:
        """The encoder where it is loaded by now, else None; never waits."""
        return self._serving.encoder

    @property
    def preparing_s(self) -> float | None:
        """Seconds since the daemon began to prepare the model, None while it does not."""
        return self._provision.spent_s if self._provision else None

    @property
    def reason(self) -> str | None:
        """Why no model serves; None where one does."""
        if self._reason is not None and self.preparing_s is not None:
            return _PREPARING
        return self._reason

    @property
    def remedy(self) -> str:
        """What to do about `reason`."""
        if self.preparing_s is not None:
            return "ask again in a moment"
        if self._obstacle or not self._provision or not self._provision.problem:
            return self._obstacle or PREPARE_HINT
        return f"preparing it failed ({self._provision.problem}): {PREPARE_HINT}"

    @property
    def notice(self) -> str | None:
        """What `status` says while there is no model, or still the former one; None if all is well or loading."""
        reason = self.reason
        if reason in (None, _LOADING):
            return self._refused
        return f"{reason}: words alone until then" if reason == _PREPARING else f"{reason}: words alone; {self.remedy}"

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

    def look_at_files(self) -> None:
        """Have a model prepared anew whose files were damaged while it serves: workers load it from them.

        Reads them where one is another by size or time than when they were found whole: 20 ms for 23 MB.
        """
        encoder, bulk = self.get_serving()
        if encoder is None or bulk.kind != "prepared":
            return
        try:
            prepared = find_prepared(Path(bulk.models_dir), bulk.model)
            if prepared is None:
                raise ModelError(f"the model {bulk.model} is not prepared any more", PREPARE_HINT)
            if (found := prepared.stat()) != self._looked_at:
                verify(prepared)
                self._looked_at = found
        except ModelError as err:
            if self.preparing_s is None:
                log("model_damaged", level="warning", code=err.code)
            self._have_prepared(bulk)

    def stop(self) -> None:
        """End the preparing of a model."""
        if self._provision:
            self._provision.stop()

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
            self._reason = None
        heap.trim()
        return True

    def _keep(self, encoder: Encoder | None, before: Bulk, asked: Bulk, err: AilError) -> None:
        if encoder is None:
            self._serving, self._tried_at = Serving(None, asked), float("-inf")  # it may be prepared any moment
        else:
            self._serving = Serving(encoder, replace(asked, model=before.model, kind=before.kind))
            self._refused = f"{asked.model} cannot be used, {before.model} goes on: {err.message}"
        log("model_unavailable", level="warning", code=err.code)

    def _load(self, bulk: Bulk) -> bool:
        """Load the model and return True; where that fails, what served before, if anything, goes on."""
        self._tried_at = monotonic()
        try:
            self._serving = Serving(_open(bulk), bulk)
        except AilError as err:
            log("model_unavailable", level="warning", code=err.code)
            if self._serving.encoder is None:
                self._reason = _MISSING if "not prepared" in err.message else f"model unusable: {err.message}"
            self._obstacle = err.hint
            if bulk.kind == "prepared" and isinstance(err, ModelError):
                self._have_prepared(bulk)
            return False
        self._reason = None
        return True

    def _have_prepared(self, bulk: Bulk) -> None:
        self._obstacle = find_obstacle(bulk.model)
        if self._provision and not self._obstacle:
            self._provision.begin(bulk.model, self._take_up)

    def _take_up(self) -> bool:
        """Serve what was prepared just now; return whether it can be loaded."""
        with self._lock:
            is_served = self._load(self._serving.bulk)
        if is_served:
            heap.trim()
            self.on_prepared()
        return is_served


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


_RECENT = 1024  # 1.6 KB each
_AT_ONCE = 4  # threads that a question may encode in


class RecentEmbeddings:
    """Embeddings of the texts that were encoded last, by model and a hash of the text. Safe to use from several threads.

    at_once: texts that are encoded at the same time.

    Questions about one thing compare the same passages with each other's words, and encoding is what takes their time.
    """

    def __init__(self, size: int = _RECENT, at_once: int = min(count_cores(), _AT_ONCE)) -> None:
        self._size, self._at_once = size, at_once
        self._lock = threading.Lock()
        self._rows: OrderedDict[tuple[str, bytes], Embeddings] = OrderedDict()  # the latest last

    def encode(self, encoder: Encoder, texts: list[str]) -> Embeddings:
        """Return what *encoder* makes of *texts*; only those that are not known are encoded, `at_once` at the same time."""
        keys = [(encoder.model_id, _hash(text)) for text in texts]
        with self._lock:
            rows = {key: self._rows.pop(key) for key in set(keys) if key in self._rows}
            self._rows.update(rows)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in rows}
        if missing:
            rows |= zip(missing, self._encode(encoder, [*missing.values()]), strict=True)
            self._keep({key: rows[key].copy() for key in missing})
        return np.array([rows[key] for key in keys], np.float32).reshape(len(keys), encoder.dimension)

    def _encode(self, encoder: Encoder, texts: list[str]) -> Embeddings:
        """Encode *texts*, which somebody waits for: the passages of a question take two thirds of its time on one core."""
        threads = min(len(texts), self._at_once)
        if threads < 2:
            return encoder.encode(texts)
        with ThreadPoolExecutor(threads, "encode") as pool:
            return np.concatenate([*pool.map(lambda text: encoder.encode([text]), texts)])

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._rows.clear()

    def _keep(self, rows: dict[tuple[str, bytes], Embeddings]) -> None:
        with self._lock:
            self._rows.update(rows)
            while len(self._rows) > self._size:
                self._rows.popitem(last=False)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class RecentEncoder:
    """An encoder that takes from *recent* what was encoded lately."""

    def __init__(self, encoder: Encoder, recent: RecentEmbeddings) -> None:
        self._encoder = encoder
        self._recent = recent

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
        return self._recent.encode(self._encoder, texts)


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
