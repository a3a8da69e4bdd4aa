"""Runs all checks in the order in which they are shown; a check that raises becomes a finding."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ail_daemon.encoding.encoders import ServingEncoder
from ail_daemon.repos.repo import Repo
from ail_daemon.settings import Settings
from ail_rpc.errors import AilError

from . import machine, parts
from .finding import Finding
from .repositories import look_at_repository


def examine(
    settings: Settings,
    encoder: ServingEncoder,
    repos: list[Repo],
    models_dir: Path,
    github: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Run all checks: half a second, more for a large index. Raises nothing.

    github: the state of asking GitHub (`PullRequests.describe`), None without a daemon.
    """
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("libraries", parts.look_at_libraries),
        ("settings", machine.look_at_settings),
        ("model", lambda: parts.look_at_model(settings, encoder, models_dir)),
        ("faiss", parts.look_at_faiss),
        ("sqlite", lambda: parts.look_at_sqlite(repos)),
        ("git", parts.look_at_git),
        ("watches", lambda: machine.look_at_watches(repos)),
        ("disk", machine.look_at_disk),
        ("service", machine.look_at_service),
        ("github", lambda: parts.look_at_github(settings, github or {})),
    ]
    return [*_iter_findings(looks), *(look_at_repository(repo, settings.refs) for repo in repos)]


def _iter_findings(looks: list[tuple[str, Callable[[], Finding]]]) -> Iterator[Finding]:
    for name, look in looks:
        try:
            yield look()
        except AilError as err:
            yield Finding(name, "fail", err.message, err.hint)
        except (
            OSError,
            RuntimeError,
            ValueError,
            subprocess.SubprocessError,
        ) as err:  # what libraries raise when broken
            yield Finding(
                name, "fail", f"{type(err).__name__}: {err}", "its library, or the disk, is damaged: install AIL anew"
            )
