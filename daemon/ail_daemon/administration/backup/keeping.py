"""The methods `backup` and `restore`: all indexes into one file, and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from ail_rpc.errors import UsageError
from ail_rpc.paths import get_config_file

from ...encoding.encoders import ServingEncoder
from ...indexing.freshness import Freshness
from ...repos import directories
from ...repos.directories import BACKUPS
from ...repos.repos import Repos
from .manifest import KeptRepo, Manifest, read_settings, restore_settings
from .restoring import unpack
from .writing import write_backup


class Keeping:
    """Makes and restores backups, one at a time, during questions and indexing. *state*: the state directory."""

    def __init__(
        self, repos: Repos, freshness: Freshness, encoder: ServingEncoder, state: Path, forget: Callable[[], None]
    ) -> None:
        self._repos = repos
        self._freshness = freshness
        self._encoder = encoder
        self._state = state
        self._forget = forget
        self._lock = asyncio.Lock()

    async def backup(self, params: dict[str, Any]) -> dict[str, Any]:
        """Write every repository, or `repo` alone, and the settings to `file`; return what is in it, and its size."""
        file = self._check(params["file"])
        if file.parent == self._state / BACKUPS:
            file.parent.mkdir(mode=0o700, exist_ok=True)
        start = params["repo"]
        repos = list(self._repos) if start is None else [self._repos.find_even_gone(start)]
        async with self._lock:
            began = perf_counter()
            written = await asyncio.to_thread(write_backup, file, repos, read_settings(Path(get_config_file())))
        entries = [{"path": kept.place.root, "commits": kept.commits} for kept in written.repos]
        return {
            "file": os.fspath(file), "size_bytes": file.stat().st_size, "took_s": round(perf_counter() - began, 3),
            "repos": entries,
        }  # fmt: skip

    async def restore(self, params: dict[str, Any]) -> dict[str, Any]:
        """Replace repositories by those of `file`: all or, if anything is wrong, none.

        Repositories that are not in `file` stay. An update of a replaced one is ended, as its result would be lost; the next
        one starts at once, from what was restored.
        """
        file = self._check(params["file"])
        async with self._lock:
            began = perf_counter()
            reply = await asyncio.to_thread(self._restore, file)
        return reply | {"took_s": round(perf_counter() - began, 3)}

    def _check(self, named: str) -> Path:
        path = os.path.normpath(named)
        state = os.path.realpath(self._state)
        inside = os.path.relpath(os.path.realpath(os.path.dirname(path)), state).split(os.sep)
        if not os.path.isabs(named):
            raise UsageError(f"{named} is no absolute path", "name the file from the root on")
        if inside[0] not in (os.pardir, BACKUPS):
            raise UsageError(
                f"{named} lies among the daemon's own files", f"name a file elsewhere, or below {self._state / BACKUPS}"
            )
        return Path(path)

    def _restore(self, file: Path) -> dict[str, Any]:
        with directories.staged(self._repos.directory) as coming:
            found = unpack(file, coming)
            directories.promise(coming)
            repos = [self._take_over(coming, kept) for kept in found.repos]
        is_restored = restore_settings(Path(get_config_file()), found.settings)
        return {"file": os.fspath(file), "repos": repos, **_tell(found, is_restored)}

    def _take_over(self, coming: Path, kept: KeptRepo) -> dict[str, Any]:
        old = self._repos.get(kept.key)
        if old:
            self._freshness.leave(old)
        repo = self._repos.take_over(coming, kept.place)
        if old:
            self._forget()
        repo.open_index(self._encoder.get())
        self._freshness.enrol(repo)
        return {"path": kept.place.root, "commits": kept.commits, "replaced": old is not None}


def _tell(found: Manifest, is_restored: bool) -> dict[str, Any]:
    settings = "restored" if is_restored else "kept as they are" if found.settings else "none in the backup"
    return {"created_at": found.created_at, "made_by": found.ail, "settings": settings}
