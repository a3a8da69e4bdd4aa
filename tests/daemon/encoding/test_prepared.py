from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ail_daemon.encoding.prepared import (
    MANIFEST_FILE,
    MODEL_FILE,
    NAMES_FILE,
    TOKENIZER_FILE,
    Manifest,
    Prepared,
    find_prepared,
    save_prepared,
    verify,
)
from ail_rpc.errors import ModelError, StorageError


def test_a_saved_model_is_found_by_its_name(small_model: Prepared) -> None:
    found = find_prepared(small_model.directory.parent, "small")
    assert found == small_model
    assert found.directory.name == small_model.model_id


def test_a_name_with_the_hubs_prefix_finds_the_same_model(small_model: Prepared) -> None:
    assert find_prepared(small_model.directory.parent, "sentence-transformers/small") == small_model


def test_an_unknown_name_and_an_absent_directory_find_nothing(small_model: Prepared, tmp_path: Path) -> None:
    assert find_prepared(small_model.directory.parent, "other") is None
    assert find_prepared(tmp_path / "absent", "small") is None


def test_no_temporary_directory_is_left(small_model: Prepared) -> None:
    left = {path.name for path in small_model.directory.parent.iterdir()}
    assert left == {small_model.model_id, NAMES_FILE, ".lock"}


@pytest.mark.parametrize("file", [MODEL_FILE, TOKENIZER_FILE])
@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_damaged_file_is_refused_with_a_hint(small_model: Prepared, file: str, damage: str) -> None:
    path = small_model.directory / file
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:] if damage == "altered" else content[:-1])
    if damage == "missing":
        path.unlink()
    with pytest.raises(ModelError, match=file) as caught:
        verify(small_model)
    assert "ail-daemon model prepare" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_a_damaged_manifest_is_a_model_error(small_model: Prepared, content: bytes) -> None:
    (small_model.directory / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(ModelError):
        find_prepared(small_model.directory.parent, "small")


@pytest.mark.parametrize(
    ("key", "value"), [("max_tokens", 9), ("dimension", "4"), ("files", []), ("format_version", 2)]
)
def test_an_altered_manifest_is_a_model_error(small_model: Prepared, key: str, value: object) -> None:
    values = json.loads((small_model.directory / MANIFEST_FILE).read_bytes()) | {key: value}
    (small_model.directory / MANIFEST_FILE).write_text(json.dumps(values))
    with pytest.raises(ModelError):
        find_prepared(small_model.directory.parent, "small")


@pytest.mark.parametrize("content", ["{", "[]", '{"small": "../../etc"}', '{"small": 3}'])
def test_a_damaged_list_of_names_is_a_model_error(small_model: Prepared, content: str) -> None:
    (small_model.directory.parent / NAMES_FILE).write_text(content)
    with pytest.raises(ModelError, match="list of prepared models"):
        find_prepared(small_model.directory.parent, "small")


def test_saving_again_heals_damage(
    small_model: Prepared, small_manifest: Manifest, small_contents: dict[str, bytes]
) -> None:
    (small_model.directory / MODEL_FILE).write_bytes(b"")
    (small_model.directory.parent / NAMES_FILE).write_text("{")
    verify(save_prepared(small_model.directory.parent, small_manifest, small_contents))
    assert find_prepared(small_model.directory.parent, "small") == small_model


def test_the_id_changes_with_what_decides_an_embedding_and_nothing_else(small_manifest: Manifest) -> None:
    assert dataclasses.replace(small_manifest, max_tokens=9).model_id != small_manifest.model_id
    assert dataclasses.replace(small_manifest, name="x", source="y", cosine_min=0.9).model_id == small_manifest.model_id


def test_contents_that_are_not_the_manifests_are_not_saved(
    tmp_path: Path, small_manifest: Manifest, small_contents: dict[str, bytes]
) -> None:
    with pytest.raises(ModelError):
        save_prepared(tmp_path / "models", small_manifest, small_contents | {MODEL_FILE: b"other"})
    assert not (tmp_path / "models").exists()


def test_a_place_that_cannot_be_made_is_a_storage_error(
    tmp_path: Path, small_manifest: Manifest, small_contents: dict[str, bytes]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        save_prepared(tmp_path / "file" / "models", small_manifest, small_contents)
