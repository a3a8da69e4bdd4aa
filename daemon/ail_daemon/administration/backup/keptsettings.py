"""The settings file as a backup keeps it: what is written there, but for what is secret."""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ail_daemon.settings import Settings


def read_settings(file: Path) -> dict[str, Any]:
    """Return what *file* sets, under the variables' names, without tokens; {} where there is none, or it cannot be read."""
    known = {one.metadata["variable"] for one in fields(Settings) if one.repr}  # a secret is not shown either
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name.upper(): value for name, value in written.items() if name.upper() in known and _is_plain(value)}


def restore_settings(file: Path, settings: Mapping[str, Any]) -> bool:
    """Write *settings* to *file* where there is none; whether that was done. A wrong value is left out."""
    known = {one.metadata["variable"]: one.metadata["read"] for one in fields(Settings) if one.repr}
    lines = [
        f"{name} = {_to_toml(value)}\n"
        for name, value in settings.items()
        if name in known and _fits(known[name], value)
    ]
    if not lines or os.path.lexists(file):
        return False
    with contextlib.suppress(OSError):  # a hardened service may not write there; the index is what counts
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8", opener=_open_private) as target:
            target.writelines(lines)
        return True
    return False


def _fits(read: Any, value: object) -> bool:
    try:
        read(value)
    except (ValueError, TypeError, StopIteration):
        return False
    return _is_plain(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _to_toml(value: object) -> str:
    """Return *value* as TOML; JSON's texts, numbers and lists are TOML's too, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
