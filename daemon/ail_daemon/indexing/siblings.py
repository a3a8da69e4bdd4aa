"""Other enrolled repositories that share history with one: what they have embedded need not be encoded again.

A fresh clone of an enrolled project takes every embedding from it. Each repository still keeps its own copies, so that
purging one leaves no byte of it behind and takes nothing from another. A sibling that cannot be read is skipped, and
checked at its own next update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from ail_rpc.errors import StorageError

from ..index.store import STORE_FILE, DamagedError, Reading, open_reader
from ..process.logs import log
from ..repos.repo import Repo
from ..repos.repos import Repos
from .embedding import FindKept

T = TypeVar("T")

_SAMPLE = 64  # commits, of which a sibling has at least one; any two clones share most
_BATCH = 512


class Siblings:
    """Finds the siblings of repositories among *repos*."""

    def __init__(self, repos: Repos) -> None:
        self._repos = repos

    def find_kept(self, repo: Repo) -> FindKept:
        """Return what finds embeddings by text hash in *repo*'s siblings; they are looked for at the first call."""
        found: list[Repo] | None = None

        def find(hashes: list[bytes]) -> dict[bytes, bytes]:
            nonlocal found
            if found is None:
                found = list(self._find_siblings(repo))
            kept: dict[bytes, bytes] = {}
            for other in found:
                missing = [text_hash for text_hash in hashes if text_hash not in kept]
                kept |= _try(other, partial(_read, hashes=missing)) or {}
            return kept

        return find

    def _find_siblings(self, repo: Repo) -> Iterator[Repo]:
        mine = repo.directory / STORE_FILE
        with open_reader(mine) as db:
            sample = [sha for (sha,) in db.execute("SELECT sha FROM commits ORDER BY random() LIMIT ?", (_SAMPLE,))]
            model = _get_model(db)
        for other in self._repos:
            if other is not repo and _try(other, lambda path: path.exists() and _shares(path, sample, model)):
                if other.is_damaged_at_rest():  # an embedding that a flipped bit changed is still one to SQLite
                    _report(other)
                else:
                    yield other


def _try(other: Repo, read: Callable[[Path], T]) -> T | None:
    """Return what *read* reads of the database of *other*, None where it cannot be read; one that is damaged is made anew."""
    try:
        return read(other.directory / STORE_FILE)
    except DamagedError:
        _report(other)
    except (StorageError, OSError) as err:
        log("sibling_unreadable", level="warning", repo_id=other.key, error=err)
    return None


def _report(other: Repo) -> None:
    other.distrust()
    other.on_damage(other)


def _get_model(db: Reading) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = 'model_id'").fetchone()
    return str(row[0]) if row else None


def _shares(path: Path, sample: list[bytes], model: str | None) -> bool:
    """Whether the repository whose store is *path* has a commit of *sample*, and embeddings of the same model."""
    marks = ", ".join("?" * len(sample))
    with open_reader(path) as db:
        query = f"SELECT 1 FROM commits WHERE sha IN ({marks}) LIMIT 1"  # noqa: S608 - marks alone
        return _get_model(db) == model and db.execute(query, sample).fetchone() is not None


def _read(path: Path, hashes: list[bytes]) -> dict[bytes, bytes]:
    kept: dict[bytes, bytes] = {}
    with open_reader(path) as db:
        for start in range(0, len(hashes), _BATCH):
            part = hashes[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            query = f"SELECT text_hash, vector FROM embeddings WHERE text_hash IN ({marks})"  # noqa: S608 - marks alone
            kept |= dict(db.execute(query, part))
    return kept
