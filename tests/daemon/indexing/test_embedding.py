"""Embedding what has no embedding yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.indexing import embedding
from ail_daemon.indexing.embedding import embed_rest
from ail_daemon.model import Embeddings
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import RepoPlace


def test_progress_is_told_and_found_by_meaning_between_the_parts_of_a_batch(
    index: RepoIndex, encoder: HashEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_AT_ONCE", 2)
    index.change(commits=[make_commit(number, f"Change number {number}") for number in range(1, 6)])
    repo = Repo(tmp_path, RepoPlace(str(tmp_path), str(tmp_path), str(tmp_path), is_bare=True))
    seen: list[tuple[int, int | None]] = []

    def encode(texts: list[str]) -> Embeddings:
        seen.append((repo.progress.done, index.counts.embedded))
        return encoder.encode(texts)

    embed_rest(encode, repo, index, None)
    assert seen == [(0, 0), (2, 2), (4, 4)]
    assert (repo.progress.done, index.counts.embedded, repo.encoded) == (5, 5, 5)
