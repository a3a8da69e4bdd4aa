"""Prepared models on disk: `<models_dir>/<model id>/`, and names.json beside, which says what each name means.

Knows files and hashes, neither onnxruntime nor torch; standard library only. A model's id is a hash over its manifest,
the manifest holds the hash of every file: what can be read under an id is what was prepared, or a ModelError. A
directory appears by one rename after everything in it is on disk, and never changes afterwards.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from ail_daemon.process.files import replace_file, sync_directory
from ail_rpc.errors import ModelError, StorageError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
FORMAT_VERSION = 1
MODEL_FILE, WORDS_FILE, TOKENIZER_FILE = "model.onnx", "words.bin", "tokenizer.json"
CONTENT_FILES = (TOKENIZER_FILE, WORDS_FILE, MODEL_FILE)
MANIFEST_FILE, NAMES_FILE = "manifest.json", "names.json"
PREPARE_HINT = "run `ail-daemon model prepare`"
_NOT_IDENTITY = ("name", "source", "cosine_mean", "cosine_min")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a prepared model is.

    source: where it was loaded from; source_sha256: hash of the original weights. cosine_*: similarity of its
    embeddings to the original's on the built-in check texts (mean and least). files: name -> SHA-256 of each file, in
    hex.
    """

    format_version: int
    name: str
    source: str
    source_sha256: str
    dimension: int
    max_tokens: int
    pooling: str
    quantisation: str
    cosine_mean: float
    cosine_min: float
    files: dict[str, str]

    @property
    def model_id(self) -> str:
        """SHA-256 over all that decides an embedding; names, places and check figures are left out."""
        identity = {key: value for key, value in asdict(self).items() if key not in _NOT_IDENTITY}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of manifest.json."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared model in its directory."""

    directory: Path
    manifest: Manifest

    @property
    def model_id(self) -> str:
        """The manifest's id."""
        return self.manifest.model_id

    def read(self, file: str) -> bytes:
        """Return a file's content, checked against its hash. Raises ModelError where it is missing or altered."""
        content = _read(self.directory / file)
        check_content(file, content, self.manifest)
        return content

    def check(self, file: str) -> Path:
        """Return a file's path after comparing its hash, in little memory. Raises ModelError as `read` does."""
        path = self.directory / file
        with _reading(path), open(path, "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        _check_hash(file, found, self.manifest)
        return path

    def stat(self) -> tuple[tuple[int, int], ...]:
        """Return (size in bytes, time of the last change in ns) of every file. Raises ModelError where one is missing."""
        found = []
        for file in (*CONTENT_FILES, MANIFEST_FILE):
            with _reading(self.directory / file):
                status = (self.directory / file).stat()
            found.append((status.st_size, status.st_mtime_ns))
        return tuple(found)


def parse_manifest(content: bytes) -> Manifest:
    """Read manifest.json. Raises ModelError where it is damaged or of another version."""
    try:
        values: Any = json.loads(content)
        version = values["format_version"]
        manifest = Manifest(**{field.name: values[field.name] for field in fields(Manifest)})
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise ModelError("the prepared model's manifest is damaged", PREPARE_HINT) from err
    if version != FORMAT_VERSION:
        raise ModelError(f"the model was prepared in format {version!r:.20}, not {FORMAT_VERSION}", PREPARE_HINT)
    _check_types(manifest)
    return manifest


def check_content(file: str, content: bytes, manifest: Manifest) -> None:
    """Raise ModelError unless *content* is what the manifest says of *file*."""
    _check_hash(file, hashlib.sha256(content).hexdigest(), manifest)


def _check_hash(file: str, found: str, manifest: Manifest) -> None:
    if found != manifest.files.get(file):
        raise ModelError(f"{file} of the prepared model {manifest.name} is damaged: its checksum differs", PREPARE_HINT)


def find_prepared(models_dir: Path, name: str) -> Prepared | None:
    """Return the model prepared under *name* (a name, or the directory it was prepared from), None where there is none.

    Raises ModelError where something is there and damaged. Reads the manifest only: see `verify`.
    """
    model_id = _load_names(models_dir).get(canonical_name(name))
    if model_id is None or not (models_dir / model_id).is_dir():
        return None
    return load_prepared(models_dir, model_id)


def load_prepared(models_dir: Path, model_id: str) -> Prepared:
    """Return the model of that id. Raises ModelError where its manifest is missing, damaged or another's."""
    prepared = Prepared(models_dir / model_id, parse_manifest(_read(models_dir / model_id / MANIFEST_FILE)))
    if prepared.model_id != model_id:
        raise ModelError(f"the prepared model's manifest was altered: {prepared.directory}", PREPARE_HINT)
    return prepared


def verify(prepared: Prepared) -> None:
    """Read every file and compare its hash (20 ms for 23 MB). Raises ModelError for the first that does not fit."""
    for file in CONTENT_FILES:
        prepared.check(file)


def save_prepared(models_dir: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Prepared:
    """Write a model and give it its name, replacing a damaged one of the same id; all or nothing.

    Raises StorageError where the disk refuses, ModelError where *contents* are not what the manifest says.
    """
    for file in CONTENT_FILES:
        check_content(file, contents[file], manifest)
    with _locked(models_dir):
        _place(models_dir, manifest, contents)
        names = _load_names(models_dir, is_damage_forgiven=True) | {manifest.name: manifest.model_id}
        listed = json.dumps(names, indent=1, sort_keys=True) + "\n"
        replace_file(models_dir / NAMES_FILE, listed.encode(), is_synced=True)
        sync_directory(models_dir)
    return Prepared(models_dir / manifest.model_id, manifest)


def canonical_name(name: str) -> str:
    """Return the name a model is kept under: a directory's real path, or a name without `sentence-transformers/`."""
    return os.path.realpath(name) if os.path.isdir(name) else name.removeprefix("sentence-transformers/")


def _place(models_dir: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    target = models_dir / manifest.model_id
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=models_dir))
    try:
        for file, content in {**contents, MANIFEST_FILE: manifest.to_bytes()}.items():
            _write(fresh / file, content)
        sync_directory(fresh)
        if target.exists():  # the same id: the same content, unless it was damaged, and then this one is the better
            os.rename(target, Path(tempfile.mkdtemp(prefix=".old-", dir=models_dir)) / "model")
        os.rename(fresh, target)
        sync_directory(models_dir)
    finally:
        for left in (fresh, *models_dir.glob(".old-*")):
            shutil.rmtree(left, ignore_errors=True)


def _check_types(manifest: Manifest) -> None:
    hints = get_type_hints(Manifest)
    for field in fields(Manifest):
        wanted = dict if field.name == "files" else hints[field.name]
        if not isinstance(getattr(manifest, field.name), wanted):
            raise ModelError(f"the prepared model's manifest is damaged: {field.name}", PREPARE_HINT)


def _load_names(models_dir: Path, is_damage_forgiven: bool = False) -> dict[str, str]:
    if not (models_dir / NAMES_FILE).exists():
        return {}
    try:
        names: Any = json.loads(_read(models_dir / NAMES_FILE))
        return {str(name): _checked_id(model_id) for name, model_id in names.items()}
    except (ValueError, AttributeError, RecursionError) as err:
        if is_damage_forgiven:
            return {}
        raise ModelError(f"the list of prepared models is damaged: {models_dir / NAMES_FILE}", PREPARE_HINT) from err


def _checked_id(model_id: object) -> str:
    if not isinstance(model_id, str) or len(model_id) != 64 or not set(model_id) <= set("0123456789abcdef"):
        raise ValueError(model_id)  # it becomes a path
    return model_id


def _read(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as err:
        raise ModelError(f"the prepared model is incomplete: {path} is missing", PREPARE_HINT) from err
    except OSError as err:
        raise ModelError(f"the prepared model cannot be read: {path}: {err.strerror}", PREPARE_HINT) from err


@contextmanager
def _locked(models_dir: Path) -> Iterator[None]:
    """Hold the directory against another `prepare`, and turn what the disk refuses into a StorageError."""
    try:
        models_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(models_dir / ".lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as err:
        hint = "free some space" if err.errno in (errno.ENOSPC, errno.EDQUOT) else "check the directory's permissions"
        raise StorageError(f"the model cannot be kept in {models_dir}: {err.strerror}", hint) from err


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
