"""Makes the parts that keep indexes: the encoder, the enrolled repositories and the indexer."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ail_rpc.paths import get_state_dir

from ..encoding.encoders import ServingEncoder, make_bulk
from ..encoding.provision import Provision
from ..flags import Flags
from ..process.logs import log
from ..process.machine import is_on_battery
from ..repos.repo import Repo
from ..repos.repos import Repos
from .bundled import open_bundles
from .indexer import Indexer
from .siblings import Siblings


class Indexing(NamedTuple):
    """The parts that keep indexes, used by the daemon and by `ail-daemon build`."""

    encoder: ServingEncoder
    repos: Repos
    indexer: Indexer


def open_indexing(flags: Flags, is_on_battery: Callable[[], bool] = is_on_battery) -> Indexing:
    """Return the parts that make indexes; the indexer is not started yet. While *is_on_battery*, many texts wait."""
    state = Path(get_state_dir())
    encoder = ServingEncoder(make_bulk(flags.current, os.fspath(state / "models")), Provision())
    repos = Repos(state / "repos", lambda: flags.current.max_repos)
    open_kept = partial(open_bundles, flags, Siblings(repos).find_kept)
    return Indexing(encoder, repos, Indexer(flags, encoder.get_serving, _log_failure, open_kept, is_on_battery))


def _log_failure(repo: Repo, error: Exception) -> None:
    log("indexing_failed", level="error", repo_id=repo.key, error=error)
