"""A prepared model as one file: a plain tar whose four members lie in a directory named by the model's id.

Knows tar and the prepared layout only. Nothing is extracted: the four members are read into memory, within limits,
checked against the manifest and the id, and saved as `prepare` would save them. Never pickle.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from ail_rpc.errors import ModelError, NotFoundError, StorageError

from .prepared import (
    CONTENT_FILES,
    MANIFEST_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    WORDS_FILE,
    Prepared,
    parse_manifest,
    save_prepared,
)

SIZE_LIMITS = {MANIFEST_FILE: 64 << 10, TOKENIZER_FILE: 64 << 20, WORDS_FILE: 2 << 30, MODEL_FILE: 2 << 30}
"""Most bytes of each member; protobuf, and so an ONNX file, ends at 2 GiB."""
_HINT = "export it again on the machine where it was prepared: `ail-daemon model export FILE`"


def export_model(prepared: Prepared, file: Path) -> None:
    """Write the model to *file*, checking it on the way; an older file is replaced only by a whole new one.

    Raises ModelError where the model is damaged, StorageError where the file cannot be written.
    """
    contents = {MANIFEST_FILE: prepared.manifest.to_bytes()}
    contents |= {name: prepared.read(name) for name in CONTENT_FILES}
    fresh = file.with_name(file.name + ".part")
    try:
        with open(fresh, "wb") as stream:
            _write_tar(stream, prepared.model_id, contents)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(fresh, file)
    except OSError as err:
        fresh.unlink(missing_ok=True)
        raise StorageError(f"the model cannot be written to {file}: {err.strerror}", "choose another place") from err


def import_model(file: Path, models_dir: Path) -> Prepared:
    """Read an exported model and keep it under its name.

    Raises NotFoundError without the file, ModelError where anything in it is not as exported, StorageError from the
    disk.
    """
    try:
        with tarfile.open(file, "r:") as archive:
            contents, model_id = _read_tar(archive)
    except FileNotFoundError as err:
        raise NotFoundError(f"no such file: {file}") from err
    except (tarfile.TarError, OSError, EOFError, ValueError) as err:
        raise ModelError(f"{file} is not a whole exported model: {err}", _HINT) from err
    manifest = parse_manifest(contents.pop(MANIFEST_FILE))
    if manifest.model_id != model_id:
        raise ModelError(f"the manifest in {file} was altered", _HINT)
    return save_prepared(models_dir, manifest, contents)


def _write_tar(stream: io.BufferedWriter, model_id: str, contents: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{model_id}/{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))


def _read_tar(archive: tarfile.TarFile) -> tuple[dict[str, bytes], str]:
    contents: dict[str, bytes] = {}
    model_id = ""
    for member in archive:
        directory, _, name = member.name.partition("/")
        if not member.isreg() or name in contents or directory != (model_id or directory):
            raise ModelError(f"the archive holds what no export writes: {member.name!r:.80}", _HINT)
        if member.size > SIZE_LIMITS.get(name, -1):
            raise ModelError(f"the archive holds an unknown or too large file: {member.name!r:.80}", _HINT)
        contents[name], model_id = _member(archive, member), directory
    if contents.keys() != SIZE_LIMITS.keys():
        raise ModelError(f"the archive lacks {', '.join(sorted(SIZE_LIMITS.keys() - contents.keys()))}", _HINT)
    return contents, model_id


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    content = stream.read() if stream else b""
    if len(content) != member.size:
        raise ModelError(f"the archive ends within {member.name!r:.80}", _HINT)
    return content
