"""Serving a prepared model: texts -> embeddings.

Each text is run by itself on one thread; several threads take different texts at the same time. So a vector depends on
its text alone, to the last bit, whatever it is encoded with: embeddings are kept by content hash, and in a batch the
int8 activations' common range would make them depend on their neighbours. It is also the faster way, as nothing is
padded. Vectors of different processors (with and without VNNI) agree to about the quantisation's own error, not to the
bit.

Memory of a process with nothing else in it, before `wordtable` took 12 MB out: 92 MB loaded, 106 MB after 1,000 questions
of up to 256 tokens (39 MB of it files: libraries). Arena and memory pattern would add 8 MB.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ail_daemon.model import Embeddings
from ail_daemon.process import heap
from ail_rpc.errors import ModelError, NotInstalledError

from .prepared import MODEL_FILE, PREPARE_HINT, TOKENIZER_FILE, WORDS_FILE, Prepared
from .wordtable import WordTable

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Before the import. Its wheels for Linux (1.31) keep a database of events in ~/.cache and look up a host of their maker's to
# send them to; `ort.disable_telemetry_events` comes too late for the database.
try:
    import onnxruntime as ort  # type: ignore[import-untyped]
    import tokenizers
except ImportError as _err:
    raise NotInstalledError(
        f"a part of the daemon is not installed: {_err.name}", "pip install 'archaeological-intelligence[daemon]'"
    ) from _err

CHARACTERS_PER_TOKEN = 64
"""Texts are cut to this many characters for each token the model takes, before they are tokenised: 1 MB would cost 0.4
s. Only a text whose first 16,384 characters hold fewer than 256 tokens (one endless word) can lose anything by it."""


class OnnxEncoder:
    """The Encoder protocol over one onnxruntime session; safe to call from several threads."""

    def __init__(self, prepared: Prepared, threads: int = 1, batch: int = 32) -> None:
        self._id, self._manifest = prepared.model_id, prepared.manifest
        self._threads, self._batch = max(1, threads), batch
        self._tokenizer = _load_tokenizer(prepared)
        self._words = _load_words(prepared)
        self._session = _load_session(prepared)
        heap.trim()

    @property
    def model_id(self) -> str:
        """The prepared model's id: a hash of the weights and everything that decides an embedding."""
        return self._id

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._manifest.dimension

    def encode(self, texts: list[str]) -> Embeddings:
        """Return the texts' embeddings, in their order: float32 (len(texts), dimension), rows of unit length.

        Any str is taken: lone surrogates count as `?`, a text is cut where the model's token limit cuts it.
        """
        rows = np.empty((len(texts), self.dimension), np.float32)
        if self._threads == 1 or len(texts) < 2:
            for i, text in enumerate(texts):
                rows[i] = self._encode_one(text)
            return rows
        size = min(self._batch, -(-len(texts) // self._threads))
        with ThreadPoolExecutor(self._threads, thread_name_prefix="encode") as pool:
            for _ in pool.map(lambda first: self._fill(rows, texts, first, size), range(0, len(texts), size)):
                pass
        return rows

    def _fill(self, rows: Embeddings, texts: list[str], first: int, size: int) -> None:
        for i in range(first, min(first + size, len(texts))):
            rows[i] = self._encode_one(texts[i])

    def _encode_one(self, text: str) -> npt.NDArray[np.float32]:
        cut = text[: self._manifest.max_tokens * CHARACTERS_PER_TOKEN]
        try:
            ids = self._tokenizer.encode(cut.encode("utf-8", "replace").decode()).ids
            (embedding,) = self._session.run(None, {"words": self._words.look_up(ids)})
        except Exception as err:  # neither library's errors share another base
            raise ModelError("a text cannot be encoded", "the rest goes on without it") from err
        row: npt.NDArray[np.float32] = embedding[0]
        return row


def load_encoder(prepared: Prepared, threads: int = 1, batch: int = 32) -> OnnxEncoder:
    """Load a prepared model; about 0.2 s.

    threads: texts encoded at the same time, 1 for questions, the cores for bulk. batch: texts a thread takes at a time.

    Raises ModelError where a file is missing, damaged or altered.
    """
    return OnnxEncoder(prepared, threads, batch)


def _load_tokenizer(prepared: Prepared) -> tokenizers.Tokenizer:
    content = prepared.read(TOKENIZER_FILE)
    try:
        tokenizer = tokenizers.Tokenizer.from_str(content.decode())
    except Exception as err:  # tokenizers raises bare Exception
        raise ModelError(f"the prepared tokenizer cannot be loaded: {err}", PREPARE_HINT) from err
    tokenizer.no_padding()
    tokenizer.enable_truncation(prepared.manifest.max_tokens)
    return tokenizer


def _load_words(prepared: Prepared) -> WordTable:
    manifest = prepared.manifest
    return WordTable(prepared.check(WORDS_FILE), manifest.dimension, is_quantised=manifest.quantisation == "int8")


def _load_session(prepared: Prepared) -> ort.InferenceSession:
    path = prepared.check(MODEL_FILE)  # a path: a session made from bytes holds on to them, 23 MB
    try:
        return ort.InferenceSession(path, _session_options(), providers=["CPUExecutionProvider"])
    except Exception as err:  # onnxruntime's errors share no other base
        raise ModelError(f"onnxruntime cannot load the prepared model: {err!s:.200}", PREPARE_HINT) from err


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    # The graph is written in its final form; an optimiser would fuse
    # LayerNormalization into the slower SkipLayerNormalization.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3  # errors alone: they are raised anyway
    return options
