from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ail_daemon.encoding import open_encoder
from ail_daemon.encoding.prepared import DEFAULT_MODEL, Prepared
from ail_daemon.encoding.preparing import CHECK_TEXTS
from ail_daemon.encoding.serving import OnnxEncoder, load_encoder
from ail_rpc.errors import ModelError, UsageError


@pytest.fixture(scope="module")
def encoder(real_model: Prepared) -> OnnxEncoder:
    return load_encoder(real_model)


@pytest.mark.model
def test_embeddings_have_unit_length_and_the_models_dimension(encoder: OnnxEncoder) -> None:
    rows = encoder.encode(list(CHECK_TEXTS))
    assert rows.shape == (len(CHECK_TEXTS), encoder.dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.model
def test_a_text_has_the_same_vector_whatever_it_is_encoded_with(encoder: OnnxEncoder, real_model: Prepared) -> None:
    together = load_encoder(real_model, threads=2).encode(list(CHECK_TEXTS))
    alone = np.concatenate([encoder.encode([text]) for text in CHECK_TEXTS])
    assert np.array_equal(together, alone)


@pytest.mark.model
def test_no_texts_give_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


@pytest.mark.model
@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800 lone", "\udcff", "\x1b[31m", "\u202e", "a" * 1_000_000, "b c " * 250_000]
)
def test_any_str_has_an_embedding(encoder: OnnxEncoder, text: str) -> None:
    assert np.isfinite(encoder.encode([text])).all()


@pytest.mark.model
def test_a_text_is_cut_at_the_models_limit(encoder: OnnxEncoder) -> None:
    within = "fix " * 254  # and two special tokens
    row, longer, shorter = encoder.encode([within, within + "cache", "fix " * 253])
    assert np.array_equal(row, longer)
    assert not np.array_equal(row, shorter)


@pytest.mark.model
def test_a_paraphrase_is_nearer_than_another_matter(encoder: OnnxEncoder) -> None:
    texts = ["why do we retry?", "the reason for trying again", "bump version to 3.1"]
    question, near, far = encoder.encode(texts)
    assert question @ near > question @ far + 0.2


@pytest.mark.slow
@pytest.mark.model
def test_serving_imports_neither_torch_nor_transformers_and_stays_below_100_mb(real_model: Prepared) -> None:
    script = """
import sys
from pathlib import Path
from ail_daemon.encoding import open_encoder
encoder = open_encoder("all-MiniLM-L6-v2", "prepared", Path(sys.argv[1]))
for i in range(1000):
    encoder.encode([f"why does attempt {i} wait before it connects again?"])
print(*[name for name in ("torch", "transformers", "sentence_transformers", "onnx") if name in sys.modules])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""
    command = [sys.executable, "-c", script, str(real_model.directory.parent)]
    imported, rss_kib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:2]
    assert imported == ""
    assert int(rss_kib) < 100 * 1024


def test_files_that_are_no_model_are_a_model_error(small_model: Prepared) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_encoder(small_model)


def test_a_model_not_prepared_says_how_to_prepare_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not prepared") as caught:
        open_encoder(DEFAULT_MODEL, "prepared", tmp_path)
    assert "ail-daemon model prepare" in caught.value.hint


def test_another_kind_of_encoder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="AIL_ENCODER"):
        open_encoder(DEFAULT_MODEL, "magic", tmp_path)
