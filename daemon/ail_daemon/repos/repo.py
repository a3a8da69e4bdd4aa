"""How fresh an index is, as every reply says it. Opens nothing."""

from __future__ import annotations

import os
from typing import Any

from ail_rpc.discovery import RepoPlace

from ..index.repoindex import RepoIndex
from .repos import Repo


def describe_index(repo: Repo, index: RepoIndex, place: RepoPlace | None = None) -> dict[str, Any]:
    """Return how fresh the index is: head (of the worktree *place*), commits, pending, complete."""
    counts, progress = index.counts, repo.progress
    unread = progress.of - progress.done if progress.phase == "reading" else 0
    return {
        "head": _get_head(repo, index, place),
        "commits": counts.commits,
        "pending": counts.pending + unread,
        "complete": repo.is_settled and not counts.pending,
    }


def _get_head(repo: Repo, index: RepoIndex, place: RepoPlace | None) -> str | None:
    if place is None or place.git_dir == repo.place.git_dir:
        return index.tips.head
    return index.tips.refs.get(f"worktrees/{os.path.basename(place.git_dir)}/HEAD")
