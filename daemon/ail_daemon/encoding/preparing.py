"""Preparing a model: the original loaded, written as an ONNX graph, quantised, compared with the original, kept.

Runs once, at a person's request, in a process of its own; takes about 8 s, 5 of them importing torch.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ail_rpc.errors import ModelError, NotInstalledError

from .original import hash_weights, load_original, record_ranges
from .prepared import (
    FORMAT_VERSION,
    MODEL_FILE,
    TOKENIZER_FILE,
    WORDS_FILE,
    Manifest,
    Prepared,
    canonical_name,
    save_prepared,
)
from .serving import load_encoder
from .wordtable import write_table

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import PretrainedConfig

    from .graph import BertShape, Floats


LEAST_COSINE = {"int8": (0.985, 0.95), "float32": (0.9999, 0.999)}
"""The bar for (mean, least) cosine to the original. int8 of the default model: .9994, .9985 over 300 commit messages."""
_OTHER_HINT = "set AIL_ENCODER=sentence-transformers to serve it as it is"


@dataclass(frozen=True, slots=True)
class _Export:
    """What one model gives, before it is quantised."""

    name: str
    source: str
    source_sha256: str
    weights: dict[str, Floats]
    ranges: dict[str, Floats]
    shape: BertShape
    tokenizer: bytes


def prepare(name: str, models_dir: Path, download: bool, report: Callable[[str], None]) -> Prepared:
    """Prepare a model by name or directory and keep it in *models_dir*; *report* is called with a sentence for each step.

    int8 is tried first; a model that loses too much by it is kept in float32. Raises NotInstalledError without the
    extra, ModelError for a model of another architecture or one whose embeddings do not come out alike, StorageError
    from the disk.
    """
    report(f"loading {name} with sentence-transformers")
    original = load_original(name, download, device="cpu")
    export = _read_original(name, original)
    expected = np.asarray(original.encode(list(CHECK_TEXTS), normalize_embeddings=True, show_progress_bar=False))
    for quantisation in LEAST_COSINE:
        report(f"writing and checking {quantisation}")
        contents = _contents(export, quantisation)
        mean, least = _compare(_manifest(export, quantisation, contents), contents, expected)
        report(f"{quantisation}: cosine to the original {mean:.4f} on average, {least:.4f} at least")
        if mean >= LEAST_COSINE[quantisation][0] and least >= LEAST_COSINE[quantisation][1]:
            return save_prepared(models_dir, _manifest(export, quantisation, contents, mean, least), contents)
    raise ModelError(f"the embeddings of the prepared {name} are not those of the original", _OTHER_HINT)


def _read_original(name: str, model: SentenceTransformer) -> _Export:
    kinds = [type(module).__name__ for module in model]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise ModelError(f"{name} is made of {', '.join(kinds)}: such a model cannot be prepared", _OTHER_HINT)
    bert: Any = model[0].auto_model
    pooling: Any = model[1]
    shape = _shape(name, bert.config, str(pooling.get_config_dict().get("pooling_mode")), model.max_seq_length)
    if model.default_prompt_name:
        raise ModelError(f"{name} puts a prompt before each text: such a model cannot be prepared", _OTHER_HINT)
    weights = {key: tensor.float().numpy() for key, tensor in bert.state_dict().items()}
    tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.enable_truncation(shape.max_tokens)
    text = str(tokenizer.to_str())
    ranges = record_ranges(model, CHECK_TEXTS)
    return _Export(canonical_name(name), name, hash_weights(model), weights, ranges, shape, text.encode())


def _shape(name: str, config: PretrainedConfig, pooling: str, max_tokens: int | None) -> BertShape:
    try:
        from .graph import ACTIVATIONS, BertShape
    except ImportError as err:
        hint = "pip install 'archaeological-intelligence[model]'"
        raise NotInstalledError("onnx is not installed", hint) from err
    found = (config.model_type, getattr(config, "position_embedding_type", "absolute"), config.hidden_act, pooling)
    if found[:2] != ("bert", "absolute") or found[2] not in ACTIVATIONS or pooling not in ("mean", "cls"):
        raise ModelError(f"{name} is of an architecture that cannot be prepared: {', '.join(found)}", _OTHER_HINT)
    return BertShape(
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        hidden=config.hidden_size,
        epsilon=config.layer_norm_eps,
        activation=config.hidden_act,
        pooling="cls" if pooling == "cls" else "mean",
        max_tokens=min(max_tokens or config.max_position_embeddings, config.max_position_embeddings),
    )


def _contents(export: _Export, quantisation: str) -> dict[str, bytes]:
    from .graph import build_bert

    is_quantised = quantisation == "int8"
    try:
        model = build_bert(export.weights, export.shape, export.ranges if is_quantised else None)
        words = write_table(export.weights["embeddings.word_embeddings.weight"], is_quantised=is_quantised)
    except KeyError as err:
        raise ModelError(f"{export.source} lacks a weight of BERT: {err}", _OTHER_HINT) from err
    return {MODEL_FILE: model, WORDS_FILE: words, TOKENIZER_FILE: export.tokenizer}


def _manifest(
    export: _Export, quantisation: str, contents: dict[str, bytes], mean: float = 0.0, least: float = 0.0
) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        name=export.name,
        source=export.source,
        source_sha256=export.source_sha256,
        dimension=export.shape.hidden,
        max_tokens=export.shape.max_tokens,
        pooling=export.shape.pooling,
        quantisation=quantisation,
        cosine_mean=round(mean, 5),
        cosine_min=round(least, 5),
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    )


def _compare(manifest: Manifest, contents: dict[str, bytes], expected: Floats) -> tuple[float, float]:
    """Return the mean and least cosine, measured by the code that will serve."""
    with tempfile.TemporaryDirectory(prefix="ail-model-") as directory:
        prepared = save_prepared(Path(directory), manifest, contents)
        found = load_encoder(prepared, threads=2).encode(list(CHECK_TEXTS))
    cosines = (found * expected).sum(axis=1)
    return float(cosines.mean()), float(cosines.min())


_LONG = "The cache was keyed by the path alone, so two worktrees of a repository shared entries and served stale ones. "

CHECK_TEXTS: tuple[str, ...] = (
    "Fix typo",
    "wip",
    "Merge branch 'master' into features",
    "Bump version to 3.10.0",
    "",
    "x",
    'Revert "Enable http2"',
    "Why does the client retry three times before it gives up?",
    "what made us stop trusting the cache after a restore?",
    "Why is the timeout 30 seconds?",
    "who removed support for Python 2 and why",
    "warum wird die Verbindung hier geschlossen?",
    "Retry on ECONNRESET\n\nThe load balancer drops idle connections after 60 s without a FIN.",
    "Use os.replace instead of os.rename, as rename fails on Windows where the target exists",
    "monkeypatch: fix setattr with dotted import path for non-module targets (#1234)",
    "Close the file descriptor before fork: the child kept the lock and the parent waited for ever",
    "refactor: move parse_args() to cli.py\n\nNo functional change.",
    "Add tests for the tokenizer's empty input",
    "Drop the dependency on six",
    "CVE-2024-12345: validate the length before the copy",
    "Speed up collection by caching stat()",
    "Ajouter la gestion des erreurs r\u00e9seau",
    "\u4fee\u590d\u5185\u5b58\u6cc4\u6f0f",
    "\u041f\u043e\u0447\u0438\u043d\u0438\u0442\u044c \u0441\u0431\u043e\u0440\u043a\u0443",
    "docs \U0001f4dd: explain fixtures",
    "def f(x):\n    return x if x is not None else DEFAULT\n",
    "a8f5f167f44f4964e6c998dee827110c",
    "src/http/pool.py:120",
    "Signed-off-by: A U Thor <author@example.org>\nCo-authored-by: Somebody <some@example.org>",
    "[svn r37264] create the new development trunk\n\n--HG--\nbranch : trunk",
    _LONG * 2,
    _LONG * 5,
    _LONG * 20,
    "Do not capture stdin when -s is given. " + _LONG * 3,
    "don't skip the second pass; skip the first",
)
