"""Checks of an enrolled repository: whether it exists, is ours, searchable and up to date."""

from __future__ import annotations

from ail_daemon.history.ownership import get_owner_error
from ail_daemon.history.signature import read_signature
from ail_daemon.index.store import STORE_FILE, open_reader
from ail_daemon.indexing.embedding import describe_wait
from ail_daemon.model import REF_KINDS
from ail_daemon.repos.repo import Repo
from ail_rpc.errors import StorageError

from .finding import Finding

_NAMED = 5


def look_at_repository(repo: Repo, ref_kinds: tuple[str, ...] = REF_KINDS) -> Finding:
    """Say how *repo* stands; nothing is read but stats and what the last update left."""
    name = f"repository {repo.place.root}"
    if err := get_owner_error(repo.place):
        return Finding(name, "fail", err.message, err.hint)
    if repo.notice:
        return Finding(
            name, "fail", repo.notice, f"ail-client add {repo.place.root}, which tries again; the log says more"
        )
    if not repo.settled:
        return Finding(
            name, "warn", f"not indexed to its end ({_progress(repo)})", f"ail-client add {repo.place.root} --wait"
        )
    commits = f"{repo.settled.get('commits', 0):,} commits"
    if repo.progress.phase != "idle":
        return Finding(name, "ok", f"{commits}, and an update is under way: {_progress(repo)}")
    if repo.index is not None and repo.index.counts.pending:
        return _judge_pending(name, f"{commits}, {repo.index.counts.pending:,} of them not wholly searchable", repo)
    if skipped := repo.settled.get("skipped"):
        named = _name_skipped(repo)
        return Finding(
            name,
            "warn",
            f"{commits}; {skipped:,} set aside in part or whole: {named}",
            f"git -C {repo.place.root} fsck",
        )
    if repo.settled.get("signature") != read_signature(repo.place, ref_kinds):
        return Finding(name, "ok", f"{commits}; its refs moved since: the next look, within a minute, takes that in")
    return Finding(name, "ok", f"{commits}, all searchable")


def _name_skipped(repo: Repo) -> str:
    """Return which commits lack what, a few of them."""
    try:
        with open_reader(repo.directory / STORE_FILE) as db:
            rows = db.execute("SELECT sha, part FROM skipped ORDER BY sha, part LIMIT ?", (_NAMED,)).fetchall()
    except StorageError as err:
        return err.message
    return ", ".join(f"{sha.hex()[:12]} ({part})" for sha, part in rows)


def _judge_pending(name: str, said: str, repo: Repo) -> Finding:
    if wait := describe_wait(repo):
        return Finding(name, "ok", f"{said}; {wait}")
    return Finding(name, "warn", said, "ail-client check index")


def _progress(repo: Repo) -> str:
    progress = repo.progress
    return f"{progress.phase}, {progress.done:,} of {progress.of:,}" if progress.of else progress.phase
