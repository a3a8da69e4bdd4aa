"""Texts to embeddings: a sentence-transformers model, prepared once, served without torch.

    commands ── preparing ── original (sentence_transformers) · graph (onnx)
       │            └─────── serving (onnxruntime, tokenizers) ── prepared (files, hashes)
       └─────── archive ──── prepared              reference ── original

`open_encoder` chooses who serves. Importing this package imports none of the libraries.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ail_rpc.errors import ModelError, UsageError

from .prepared import DEFAULT_MODEL, PREPARE_HINT, find_prepared

if TYPE_CHECKING:
    from ail_daemon.model import Encoder

__all__ = ["DEFAULT_MODEL", "KINDS", "find_prepared", "open_encoder"]

KINDS = ("prepared", "sentence-transformers")
"""The values of `AIL_ENCODER`."""


def open_encoder(model: str, kind: str, models_dir: Path, threads: int = 1, batch: int = 32) -> Encoder:
    """Load the encoder of *model* (a name or directory, `AIL_MODEL`) by *kind* (one of KINDS, `AIL_ENCODER`).

    threads: texts encoded at the same time by a prepared model; 1 for questions. batch: texts that a thread takes at a
    time, or that sentence-transformers pads to one length and encodes together. Raises ModelError where the model is
    not prepared, damaged or unknown, NotInstalledError without the libraries, UsageError for another kind.
    """
    if kind == "sentence-transformers":
        from .reference import load_reference

        return load_reference(model, batch=batch)
    if kind != "prepared":
        raise UsageError(f"AIL_ENCODER is {kind!r:.40}", f"it may be {' or '.join(KINDS)}")
    prepared = find_prepared(models_dir, model)
    if prepared is None:
        hint = PREPARE_HINT if model == DEFAULT_MODEL else f"run `ail-daemon model prepare {model}`"
        raise ModelError(f"the model {model} is not prepared", hint)
    from .serving import load_encoder

    return load_encoder(prepared, threads, batch)
