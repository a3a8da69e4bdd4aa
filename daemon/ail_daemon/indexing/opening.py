"""What indexes are made by: the encoder, the enrolled repositories and the indexer, made in one place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ail_rpc.paths import get_state_dir

from ..encoding.encoders import ServingEncoder, make_bulk
from ..encoding.provision import Provision
from ..flags import Flags
from ..process.logs import log
from ..repos.repo import Repo
from ..repos.repos import Repos
from .indexer import Indexer
from .siblings import Siblings


class Indexing(NamedTuple):
    """What indexes are made by, also where no daemon runs."""

    encoder: ServingEncoder
    repos: Repos
    indexer: Indexer


def open_indexing(flags: Flags) -> Indexing:
    """Return the parts that make indexes; the indexer is not started yet."""
    state = Path(get_state_dir())
    encoder = ServingEncoder(make_bulk(flags.current, os.fspath(state / "models")), Provision())
    repos = Repos(state / "repos", lambda: flags.current.max_repos)
    return Indexing(encoder, repos, Indexer(flags, encoder.get_serving, _log_failure, Siblings(repos).find_kept))


def _log_failure(repo: Repo, error: Exception) -> None:
    log("indexing_failed", level="error", repo_id=repo.key, error=error)
