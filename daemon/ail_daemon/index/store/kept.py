"""One repository's store: the queries of all tables, over one database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ail_daemon.model import Commit
from ail_daemon.text.passages import Passage

from .changes import ChangeRows
from .commits import CommitRows
from .embeddings import EmbeddingRows
from .passages import PassageRows
from .paths import PathRows
from .pullrequests import PullRequestRows
from .tips import TipRows

STORE_FILE = "store.sqlite"
"""The database's name in a repository's directory."""


class Store(CommitRows, PathRows, ChangeRows, PassageRows, EmbeddingRows, TipRows, PullRequestRows):
    """One repository's database. Raises StorageError where the disk is full, read-only, or the file damaged."""

    def iter_documents(self) -> Iterator[tuple[int, Commit, list[str], str, str]]:
        """Yield (id, commit, paths, changed lines, their prose) of every commit: what the word index is built from."""
        for commit_id in map(int, self.list_ids()):
            prose = join_prose(self.get_passages([commit_id]).get(commit_id, ()))
            for commit in self.get_commits([commit_id]).values():
                yield commit_id, commit, self.get_paths(commit_id), self.get_changed(commit_id), prose


def join_prose(passages: Iterable[Passage]) -> str:
    """Return the text of all added passages, as the word index holds it."""
    return "\n".join(one.text for one in passages if not one.is_removed)
