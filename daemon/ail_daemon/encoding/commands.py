"""`ail-daemon model prepare|info|verify|export|import`. Answers go to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ail_daemon.settings import load_settings
from ail_rpc.errors import ModelError
from ail_rpc.paths import get_state_dir

from .archive import export_model, import_model
from .prepared import DEFAULT_MODEL, PREPARE_HINT, Prepared, find_prepared, verify

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


_EXAMPLES = {
    "prepare": (
        "ail-daemon model prepare",
        "ail-daemon model prepare --if-missing",
        "ail-daemon model prepare ~/models/mine",
    ),
    "info": ("ail-daemon model info --json",),
    "verify": ("ail-daemon model verify",),
    "export": ("ail-daemon model export ~/minilm.ail",),
    "import": ("ail-daemon model import ~/minilm.ail",),
}


def add_parser(subparsers: Subparsers) -> None:
    """Mount `model` and its own subcommands; the parsed arguments go to `run`."""
    model = subparsers.add_parser("model", help="prepare, check and move the embedding model")
    actions = model.add_subparsers(dest="model_action", required=True, metavar="ACTION")
    prepare = actions.add_parser("prepare", help="export, quantise and check a sentence-transformers model")
    prepare.add_argument(
        "model", nargs="?", default=None, metavar="NAME|DIR", help="default: $AIL_MODEL or " + DEFAULT_MODEL
    )
    prepare.add_argument("--if-missing", action="store_true", help="do nothing where it is prepared and sound")
    prepare.add_argument("--download", action="store_true", help="let a name be fetched from the Hugging Face hub")
    for action, text in (("info", "what the prepared model is"), ("verify", "check its files against their checksums")):
        actions.add_parser(action, help=text).add_argument("--json", action="store_true")
    actions.add_parser("export", help="write the prepared model to one file").add_argument(
        "file", type=Path, metavar="FILE"
    )
    actions.add_parser("import", help="keep a model that export wrote").add_argument("file", type=Path, metavar="FILE")
    for name, examples in _EXAMPLES.items():
        actions.choices[name].formatter_class = argparse.RawDescriptionHelpFormatter
        actions.choices[name].epilog = "\n  ".join(("examples:", *examples))


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status. Raises AilError."""
    models_dir = get_models_dir()
    if args.model_action == "prepare":
        name = args.model or get_model_name()
        return 0 if args.if_missing and _is_sound(name, models_dir) else _prepare(name, models_dir, args.download)
    if args.model_action == "import":
        return _say(f"imported {_line(import_model(args.file, models_dir))}")
    prepared = _find(models_dir)
    if args.model_action == "export":
        export_model(prepared, args.file)
        return _say(f"exported {_line(prepared)} to {args.file}")
    if args.model_action == "verify":
        verify(prepared)
    return _say(_described(prepared, args.json))


def get_models_dir() -> Path:
    """Return where prepared models lie."""
    return Path(get_state_dir()) / "models"


def get_model_name() -> str:
    """Return the model that the settings name."""
    return load_settings().model


def _prepare(name: str, models_dir: Path, download: bool) -> int:
    from .preparing import prepare  # brings onnxruntime, and torch when it runs

    return _say(f"prepared {_line(prepare(name, models_dir, download, _report))}")


def _is_sound(name: str, models_dir: Path) -> bool:
    try:
        if (prepared := find_prepared(models_dir, name)) is not None:
            verify(prepared)
    except ModelError:
        return False
    return prepared is not None


def _find(models_dir: Path) -> Prepared:
    prepared = find_prepared(models_dir, get_model_name())
    if prepared is None:
        raise ModelError(f"the model {get_model_name()} is not prepared", PREPARE_HINT)
    return prepared


def _described(prepared: Prepared, as_json: bool) -> str:
    values = {"model_id": prepared.model_id, "directory": str(prepared.directory), **asdict(prepared.manifest)}
    if as_json:
        return json.dumps(values)
    return "\n".join(f"{key}: {value}" for key, value in values.items() if key != "files")


def _line(prepared: Prepared) -> str:
    manifest = prepared.manifest
    return f"{manifest.name} ({manifest.quantisation}, {manifest.dimension} dimensions) as {prepared.model_id}"


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    return 0


def _report(text: str) -> None:
    sys.stderr.write(text + "\n")
