from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ail_daemon.encoding.archive import export_model, import_model
from ail_daemon.encoding.prepared import MANIFEST_FILE, MODEL_FILE, Prepared, find_prepared, verify
from ail_rpc.errors import ModelError, NotFoundError, StorageError


@pytest.fixture
def exported(small_model: Prepared, tmp_path: Path) -> Path:
    export_model(small_model, tmp_path / "model.tar")
    return tmp_path / "model.tar"


def write_tar(path: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_model_moves_by_export_and_import(small_model: Prepared, exported: Path, tmp_path: Path) -> None:
    imported = import_model(exported, tmp_path / "elsewhere")
    verify(imported)
    assert imported.model_id == small_model.model_id
    assert find_prepared(tmp_path / "elsewhere", "small") == imported


def test_an_export_is_the_same_bytes_each_time(small_model: Prepared, exported: Path, tmp_path: Path) -> None:
    export_model(small_model, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == exported.read_bytes()


def test_a_damaged_model_is_not_exported(small_model: Prepared, tmp_path: Path) -> None:
    (small_model.directory / MODEL_FILE).write_bytes(b"x")
    with pytest.raises(ModelError):
        export_model(small_model, tmp_path / "model.tar")
    assert not list(tmp_path.glob("model.tar*"))


def test_an_export_to_no_directory_is_a_storage_error(small_model: Prepared, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        export_model(small_model, tmp_path / "absent" / "model.tar")


def test_importing_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        import_model(tmp_path / "absent.tar", tmp_path / "models")


def test_every_shortened_archive_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    content_end = whole.rindex(b"not a graph") + len(b"not a graph")
    for size in range(0, content_end, 97):
        (tmp_path / "short.tar").write_bytes(whole[:size])
        with pytest.raises(ModelError):
            import_model(tmp_path / "short.tar", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_an_altered_byte_of_content_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = bytearray(exported.read_bytes())
    for place in (whole.index(b"not a graph"), whole.index(b'"max_tokens"') + 15):
        altered = whole.copy()
        altered[place] ^= 1
        (tmp_path / "altered.tar").write_bytes(altered)
        with pytest.raises(ModelError):
            import_model(tmp_path / "altered.tar", tmp_path / "elsewhere")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b/manifest.json", "manifest.json", "a/extra", "a/"])
def test_a_foreign_member_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="archive holds"):
        import_model(write_tar(tmp_path / "foreign.tar", {name: b"{}"}), tmp_path / "models")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    file = write_tar(tmp_path / "link.tar", {f"a/{MANIFEST_FILE}": b""}, kind)
    with pytest.raises(ModelError, match="archive holds"):
        import_model(file, tmp_path / "models")


def test_a_manifest_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = write_tar(tmp_path / "large.tar", {f"a/{MANIFEST_FILE}": b" " * (64 * 1024 + 1)})
    with pytest.raises(ModelError, match="too large"):
        import_model(file, tmp_path / "models")
