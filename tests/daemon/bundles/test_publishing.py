"""Publishing: what is new becomes a segment, the rest stays; two publishers at once; signatures."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from bench.torture.bundles import DIMENSION, MODEL, Scene, make_rows

from ail_daemon.bundles.manifest import MANIFEST_FILE, BundleError, Manifest, parse_manifest
from ail_daemon.bundles.publishing import SMALL_SEGMENTS, Published, Row, merge, publish
from ail_daemon.bundles.segments import open_segment
from ail_daemon.bundles.shelves import DirectoryShelf, locked_directory
from ail_daemon.bundles.signing import check_signature, sign


def put(directory: Path, rows: list[Row]) -> Published:
    with locked_directory(directory) as shelf:
        return publish(shelf, MODEL, DIMENSION, rows)


def load(directory: Path) -> dict[bytes, bytes]:
    """Return every row of a bundle, checked as a reader checks it."""
    manifest = parse_manifest((directory / MANIFEST_FILE).read_bytes(), MODEL)
    rows: dict[bytes, bytes] = {}
    for entry in manifest.segments:
        segment = open_segment(directory / entry.sha256, entry, manifest)
        keys = [segment.keys[row : row + 1].tobytes() for row in range(entry.rows)]
        rows |= {key: embedding.tobytes() for key, embedding in zip(keys, segment.embeddings, strict=True)}
    return rows


def test_only_what_is_new_is_written_and_nothing_that_was_there_changes(tmp_path: Path) -> None:
    rows = make_rows([f"text {number}" for number in range(500)])
    assert put(tmp_path, rows[:400])[:2] == (400, 1)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if len(path.name) == 64}
    published = put(tmp_path, rows)
    assert published[:2] == (100, 1)
    assert published.written < 100 * (16 + 2 * DIMENSION) + 1000
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in before} == before
    assert load(tmp_path) == dict(rows)
    assert put(tmp_path, rows) == (0, 0, 0, 500)


def test_the_same_rows_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    rows = make_rows([f"text {number}" for number in range(50)])
    put(tmp_path / "a", rows)
    put(tmp_path / "b", rows[::-1])
    assert (tmp_path / "a" / MANIFEST_FILE).read_bytes() == (tmp_path / "b" / MANIFEST_FILE).read_bytes()


def test_many_small_segments_become_one_and_no_row_is_lost(tmp_path: Path) -> None:
    rows = make_rows([f"text {number}" for number in range(SMALL_SEGMENTS + 5)])
    for end in range(1, len(rows) + 1):
        put(tmp_path, rows[:end])
    manifest = parse_manifest((tmp_path / MANIFEST_FILE).read_bytes(), MODEL)
    assert [entry.rows for entry in manifest.segments] == [SMALL_SEGMENTS, 1, 1, 1, 1, 1]
    assert load(tmp_path) == dict(rows)


def test_merging_is_a_union(tmp_path: Path) -> None:
    rows = make_rows([f"text {number}" for number in range(60)])
    put(tmp_path / "a", rows[:40])
    put(tmp_path / "b", rows[20:])
    with locked_directory(tmp_path / "a") as shelf:
        assert merge(DirectoryShelf(tmp_path / "b"), shelf, MODEL)[:2] == (20, 1)
    assert load(tmp_path / "a") == dict(rows)


def test_two_publishers_at_once_lose_nothing(tmp_path: Path) -> None:
    rows = make_rows([f"text {number}" for number in range(64)])
    threads = [threading.Thread(target=put, args=(tmp_path, rows[start : start + 8])) for start in range(0, 64, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(tmp_path) == dict(rows)


def test_a_damaged_bundle_is_not_added_to(tmp_path: Path) -> None:
    rows = make_rows(["one", "two"])
    put(tmp_path, rows[:1])
    (segment,) = (path for path in tmp_path.iterdir() if len(path.name) == 64)
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(BundleError, match="damaged"):
        put(tmp_path, rows)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format": 1}', b'{"format": "9"}', b"null"]
)
def test_what_is_no_manifest_is_damaged(content: bytes) -> None:
    with pytest.raises(BundleError, match="damaged"):
        parse_manifest(content, MODEL)


def test_a_newer_format_and_another_model_are_named() -> None:
    with pytest.raises(BundleError, match="newer AIL"):
        parse_manifest(b'{"format": 2}', MODEL)
    with pytest.raises(BundleError, match="another model"):
        parse_manifest(Manifest(MODEL, 64, ()).to_bytes(), "fedcba9876543210")


def test_keys_that_end_in_zeros_are_told_apart(tmp_path: Path) -> None:
    vector = np.eye(1, DIMENSION, dtype=np.float16).tobytes()
    rows = [(bytes(16), vector), (b"a" + bytes(15), vector), (b"a" * 2 + bytes(14), vector)]
    put(tmp_path, rows)
    assert load(tmp_path) == dict(rows)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_signature_counts_where_an_allowed_signer_made_it_for_this_manifest(tmp_path: Path) -> None:
    keys = [tmp_path / "ours", tmp_path / "theirs"]
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f'ci@example.org namespaces="ail-bundle" {(tmp_path / "ours.pub").read_text()}')
    signatures = [tmp_path / "ours.sig", tmp_path / "theirs.sig"]
    for key, signature in zip(keys, signatures, strict=True):
        signature.write_bytes(sign(b"manifest", key))
    assert check_signature(b"manifest", signatures[0], signers) == "ci@example.org"
    for content, signature in (
        (b"another", signatures[0]),
        (b"manifest", signatures[1]),
        (b"manifest", tmp_path / "none"),
    ):
        with pytest.raises(BundleError, match="sign"):
            check_signature(content, signature, signers)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_an_unsigned_bundle_is_refused_where_signers_are_named(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.count_used() == len(scene.texts)
    signers = tmp_path / "signers"
    signers.write_text("")
    scene.sign_by(str(signers))
    assert scene.count_used() == 0
    assert "not signed" in str(scene.repo.bundle_notice)
    scene.close()
