"""What GitHub answered about commits: the pull request that brought each, or that there is none. Removed with the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ail_daemon.model import PullRequest

from .database import Database


class KnownRequest(NamedTuple):
    """The answer about a commit (None: there is no pull request), and when it came, in seconds since 1970."""

    request: PullRequest | None
    fetched_at: int


class PullRequestRows(Database):
    """What the store keeps of pull requests."""

    def get_pull_requests(self, shas: Iterable[str]) -> dict[str, KnownRequest]:
        """Return sha -> what is known, for those of *shas* that were asked about."""
        asked = [bytes.fromhex(sha) for sha in shas]
        among = ", ".join("?" * len(asked))
        query = f"SELECT sha, number, title, url, state, fetched_at FROM pull_requests WHERE sha IN ({among})"  # noqa: S608 - no text
        return {sha.hex(): _to_known(*row) for sha, *row in self.read(query, *asked)}

    def add_pull_requests(self, found: Mapping[str, PullRequest | None], fetched_at: int) -> None:
        """Store answers about commits; unknown shas are ignored. Does not raise `generation`."""
        with self.transaction(is_counted=False) as db:
            for sha, request in found.items():
                db.execute(
                    "REPLACE INTO pull_requests SELECT sha, ?, ?, ?, ?, ? FROM commits WHERE sha = ?",
                    (*(request or (None, "", "", "")), fetched_at, bytes.fromhex(sha)),
                )


def _to_known(number: int | None, title: str, url: str, state: str, fetched_at: int) -> KnownRequest:
    return KnownRequest(None if number is None else PullRequest(number, title, url, state), fetched_at)
