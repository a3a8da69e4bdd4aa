from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.running import prepare_models

from ail_daemon.encoding.prepared import (
    DEFAULT_MODEL,
    FORMAT_VERSION,
    MODEL_FILE,
    TOKENIZER_FILE,
    WORDS_FILE,
    Manifest,
    Prepared,
    find_prepared,
    save_prepared,
)


@pytest.fixture(scope="session")
def real_model() -> Prepared:
    """The default model; preparing it takes about 8 s, once for all workers and for the next run."""
    found = find_prepared(prepare_models(), DEFAULT_MODEL)
    assert found is not None
    return found


@pytest.fixture
def small_contents() -> dict[str, bytes]:
    return {MODEL_FILE: b"not a graph" * 100, TOKENIZER_FILE: b"{}", WORDS_FILE: b"\0" * 64}


@pytest.fixture
def small_manifest(small_contents: dict[str, bytes]) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        name="small",
        source="nowhere",
        source_sha256="0" * 64,
        dimension=4,
        max_tokens=8,
        pooling="mean",
        quantisation="int8",
        cosine_mean=1.0,
        cosine_min=1.0,
        files={name: hashlib.sha256(content).hexdigest() for name, content in small_contents.items()},
    )


@pytest.fixture
def small_model(tmp_path: Path, small_manifest: Manifest, small_contents: dict[str, bytes]) -> Prepared:
    """Right in its checksums, and no model at all."""
    return save_prepared(tmp_path / "models", small_manifest, small_contents)
