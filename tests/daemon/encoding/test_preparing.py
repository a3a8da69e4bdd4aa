from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ail_daemon.encoding import commands, open_encoder
from ail_daemon.encoding.original import check_default
from ail_daemon.encoding.prepared import DEFAULT_MODEL, Prepared
from ail_daemon.encoding.preparing import CHECK_TEXTS, prepare
from ail_rpc.errors import ModelError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_parser(parser.add_subparsers())
    return commands.run(parser.parse_args(["model", *arguments]))


@pytest.fixture
def tiny_bert(tmp_path: Path) -> Path:
    """A BERT of two layers with random weights and cls pooling: the original of another model than the default."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "aeiourstln"),
    ]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=len(words), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128
    )
    BertModel(config).save_pretrained(tmp_path / "bert")
    BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    modules = [Transformer(str(tmp_path / "bert"), max_seq_length=20), Pooling(64, pooling_mode="cls")]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "tiny"))
    return tmp_path / "tiny"


@pytest.mark.slow
@pytest.mark.model
def test_any_bert_in_a_directory_is_prepared_and_gives_its_originals_embeddings(
    tiny_bert: Path, tmp_path: Path
) -> None:
    prepared = prepare(str(tiny_bert), tmp_path / "models", download=False, report=lambda _: None)
    assert (prepared.manifest.pooling, prepared.manifest.max_tokens, prepared.manifest.dimension) == ("cls", 20, 64)
    served = open_encoder(str(tiny_bert), "prepared", tmp_path / "models")
    original = open_encoder(str(tiny_bert), "sentence-transformers", tmp_path / "models")
    cosines = (served.encode(list(CHECK_TEXTS)) * original.encode(list(CHECK_TEXTS))).sum(axis=1)
    assert cosines.min() > 0.95
    assert served.model_id != original.model_id


@pytest.mark.slow
@pytest.mark.model
def test_the_default_keeps_to_its_original(real_model: Prepared) -> None:
    served = open_encoder(DEFAULT_MODEL, "prepared", real_model.directory.parent)
    original = open_encoder(DEFAULT_MODEL, "sentence-transformers", real_model.directory.parent)
    texts = [*CHECK_TEXTS, "\ud800"]
    cosines = (served.encode(texts) * original.encode(texts)).sum(axis=1)
    assert cosines.mean() > 0.985
    assert original.encode([]).shape == (0, served.dimension)
    assert np.allclose(np.linalg.norm(original.encode(texts), axis=1), 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.model
def test_a_name_that_is_not_here_is_refused_without_the_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        prepare("nobody/no-such-model", tmp_path, download=False, report=lambda _: None)
    assert "--download" in caught.value.hint


def test_altered_default_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ModelError, match="not the known ones"):
        check_default(tmp_path)


@pytest.mark.model
def test_the_commands_speak_of_the_prepared_model(
    real_model: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    monkeypatch.delenv("AIL_MODEL", raising=False)
    shutil.copytree(real_model.directory.parent, tmp_path / "one" / "ail" / "models")
    assert run("export", str(tmp_path / "model.tar")) == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
    with pytest.raises(ModelError, match="not prepared"):
        run("info")
    assert run("import", str(tmp_path / "model.tar")) == 0
    assert run("verify") == 0
    capsys.readouterr()
    assert run("info", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model_id"] == real_model.model_id
