"""Commits that no ref reaches any more: they are retired, remembered for 30 days, and traced to their successors.

The post-rewrite hook learns from git which commit replaced which. Without the hook: an amend, a rebase, a cherry-pick and
filter-repo all keep a commit's author and the second it was written in. Of several such commits the one with the same
subject or the same changed lines is the successor; if more than one is left, none is.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator

from .store import Store, Writing

KEPT_S = 30 * 86_400
"""How long a retired commit is remembered: as long as git keeps unreachable commits in the reflog."""

_PURGE_EVERY_S = 86_400
_LONGEST_CHAIN = 1000  # amends of one commit, known from hooks


def retire_commits(store: Store, shas: Iterable[str]) -> list[int]:
    """Remove commits, remembering who wrote each and when; return the ids they had."""
    with store.transaction() as db:
        named = list(shas)
        for sha in named:
            _remember(db, bytes.fromhex(sha))
        return store.remove_commits(named)


def _remember(db: Writing, sha: bytes) -> None:
    row = db.execute(
        "SELECT email, author_time, author_offset_min, message, text, text_hash FROM commits"
        " LEFT JOIN changes ON commit_id = id WHERE sha = ?",
        (sha,),
    ).fetchone()
    if row:
        email, author_time, offset, message, changed, text_hash = row
        kept = (sha, email, author_time, offset, _subject(message), _hash_patch(changed), text_hash, int(time.time()))
        db.execute("REPLACE INTO retired VALUES (?, ?, ?, ?, ?, ?, ?, ?)", kept)


def note_successors(store: Store, pairs: Iterable[tuple[str, str]]) -> None:
    """Keep which commit replaced which: (old sha, new sha)."""
    now = int(time.time())
    with store.transaction() as db:
        rows = ((bytes.fromhex(old), bytes.fromhex(new), now) for old, new in pairs if old != new)
        db.executemany("REPLACE INTO successors VALUES (?, ?, ?)", rows)


def find_retired(store: Store, prefix: str) -> list[str]:
    """Return the shas of commits that are gone and begin with *prefix* (at least 4 hex digits), two at the most."""
    low = bytes.fromhex(prefix + "0" * (len(prefix) % 2))
    rows = store.read(
        "SELECT sha FROM (SELECT sha FROM retired WHERE sha >= ?1 UNION SELECT old FROM successors WHERE old >= ?1)"
        " ORDER BY sha LIMIT 32",
        low,
    )
    return [sha for (blob,) in rows if (sha := blob.hex()).startswith(prefix)][:2]


def find_successor(store: Store, sha: str) -> str | None:
    """Return the reachable commit that took the retired *sha*'s place, None if none is known."""
    for step in _follow(store, bytes.fromhex(sha)):
        if store.get_ids([step.hex()]):
            return step.hex()
        if alike := _find_alike(store, step):
            return alike
    return None


def purge_retired(store: Store) -> None:
    """Delete commits retired long ago, and embeddings that no commit uses; at most once a day."""
    now = int(time.time())
    if abs(now - int(store.get_meta("purged_at") or 0)) < _PURGE_EVERY_S:  # abs: clocks jump
        return
    with store.transaction() as db:
        forgotten = db.execute("DELETE FROM retired WHERE retired_at < ?", (now - KEPT_S,)).rowcount
        db.execute("DELETE FROM successors WHERE told_at < ?", (now - KEPT_S,))
        db.execute(
            "DELETE FROM embeddings WHERE text_hash NOT IN"
            " (SELECT text_hash FROM commits UNION ALL SELECT text_hash FROM retired)"
        )
        db.execute("DELETE FROM passage_texts WHERE id NOT IN (SELECT text_id FROM passages)")
        store.set_meta(purged_at=str(now))
    if forgotten:
        store.empty_log()


def forget_unused_embeddings(store: Store) -> None:
    """Delete the embeddings of texts that no reachable commit has; a commit that comes back is encoded again."""
    with store.transaction() as db:
        db.execute("DELETE FROM embeddings WHERE text_hash NOT IN (SELECT text_hash FROM commits)")


def _follow(store: Store, sha: bytes) -> Iterator[bytes]:
    """Yield *sha* and what replaced it, step by step, as the hook reported."""
    seen = {sha}
    yield sha
    while len(seen) < _LONGEST_CHAIN:
        rows = store.read("SELECT new FROM successors WHERE old = ?", sha)
        if not rows or rows[0][0] in seen:
            return
        sha = rows[0][0]
        seen.add(sha)
        yield sha


def _find_alike(store: Store, sha: bytes) -> str | None:
    """Return the one indexed commit of the same author and second; of several the one of the same subject or change."""
    rows = store.read(
        "SELECT c.sha, c.message, x.text, r.subject, r.patch FROM retired r JOIN commits c"
        " ON c.author_time = r.author_time AND c.email = r.email AND c.author_offset_min = r.author_offset_min"
        " LEFT JOIN changes x ON x.commit_id = c.id WHERE r.sha = ?",
        sha,
    )
    for wanted in (
        rows,
        [r for r in rows if _subject(r[1]) == r[3]],
        [r for r in rows if r[4] and _hash_patch(r[2]) == r[4]],
    ):
        if len(wanted) == 1:
            return str(wanted[0][0].hex())
    return None


def _subject(message: str) -> str:
    return message.lstrip().split("\n", 1)[0].strip()


def _hash_patch(changed: bytes | None) -> bytes:
    """Return a hash of changed lines as the store keeps them, b"" if there are none."""
    text = zlib.decompress(changed) if changed else b""
    return hashlib.blake2b(text, digest_size=16).digest() if text else b""
