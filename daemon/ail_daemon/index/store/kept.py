"""One repository's store: what each room knows of its tables, over one database."""

from __future__ import annotations

from collections.abc import Iterator

from ail_daemon.model import Commit

from .changes import ChangeRows
from .commits import CommitRows
from .embeddings import EmbeddingRows
from .paths import PathRows
from .pullrequests import PullRequestRows
from .tips import TipRows

STORE_FILE = "store.sqlite"
"""The database's name in a repository's directory."""


class Store(CommitRows, PathRows, ChangeRows, EmbeddingRows, TipRows, PullRequestRows):
    """One repository's database. Raises StorageError where the disk is full, read-only, or the file damaged."""

    def iter_documents(self) -> Iterator[tuple[int, Commit, list[str], str]]:
        """Yield (id, commit, paths, changed lines) of everything: what the word index is built from."""
        for (commit_id,) in self.read("SELECT id FROM commits ORDER BY id"):
            for commit in self.get_commits([commit_id]).values():
                yield commit_id, commit, self.get_paths(commit_id), self.get_changed(commit_id)
