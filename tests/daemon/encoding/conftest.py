from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

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
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real model lies; AIL_TEST_MODELS keeps it between runs (preparing it takes about 8 s)."""
    named = os.environ.get("AIL_TEST_MODELS")
    return Path(named) if named else tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def real_model(models_dir: Path) -> Prepared:
    found = find_prepared(models_dir, DEFAULT_MODEL)
    if found is not None:
        return found
    from ail_daemon.encoding.preparing import prepare

    return prepare(DEFAULT_MODEL, models_dir, download=False, report=lambda _: None)


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
