"""Queries on the store for filters, fates and checks. Times are commit times, as in `git log`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..text.mentions import Kind
from .store import Store

_TIMES = (-(1 << 63), (1 << 63) - 1)


def find_all(store: Store) -> set[int]:
    """Return every commit's id."""
    return set(store.list_ids().tolist())


def find_between(store: Store, since: int | None, until: int | None) -> set[int]:
    """Return the ids of commits made from *since* to *until*, both included, seconds since 1970; None: open."""
    low = _TIMES[0] if since is None else since
    high = _TIMES[1] if until is None else until
    return _ids(store.iter_rows("SELECT id FROM commits WHERE commit_time BETWEEN ? AND ?", low, high))


def list_authors(store: Store) -> list[tuple[str, str]]:
    """Return every (name, email) that authors have."""
    return [(name, email) for name, email in store.read("SELECT DISTINCT author, email FROM commits")]


def find_by_author(store: Store, part: str, known_as: Mapping[tuple[str, str], str] | None = None) -> set[int]:
    """Return the ids of commits with *part* in their author's `name <email>`, whatever the case.

    known_as: (name, email) -> the `name <email>` that a mailmap gives it, which counts as well.
    """
    wanted, also = part.casefold(), known_as or {}
    found = [who for who in list_authors(store) if wanted in f"{who[0]} <{who[1]}>\n{also.get(who, '')}".casefold()]
    query = "SELECT id FROM commits WHERE author = ? AND email = ?"
    return {row[0] for who in found for row in store.read(query, *who)}


def find_by_path(store: Store, pattern: re.Pattern[str]) -> set[int]:
    """Return the ids of commits that touch a path which *pattern* matches."""
    rows = store.read("SELECT id, path FROM paths")
    wanted = (path_id for path_id, path in rows if pattern.match(os.fsdecode(path)))
    query = "SELECT commit_id FROM touches WHERE path_id = ?"
    return {row[0] for path_id in wanted for row in store.read(query, path_id)}


def find_by_sha(store: Store, shas: Iterable[str]) -> set[int]:
    """Return the ids of those of very many *shas* that are indexed."""
    wanted = set(map(bytes.fromhex, shas))
    return {commit_id for commit_id, sha in store.iter_rows("SELECT id, sha FROM commits") if sha in wanted}


def sample_subjects(store: Store, n: int) -> list[str]:
    """Return up to *n* different subjects from all over the history, merges left out; the same ones at every call."""
    rows = store.read(
        "SELECT message FROM commits WHERE length(parents) < 40 ORDER BY (id * 2654435761) % 4294967296 LIMIT ?", 2 * n
    )
    subjects = (message.strip().partition("\n")[0].strip() for (message,) in rows)
    return list(dict.fromkeys(subject for subject in subjects if subject))[:n]


def _ids(rows: Iterable[tuple[int]]) -> set[int]:
    return {row[0] for row in rows}


# --- relations --------------------------------------------------------------------------------------------------------


class MentioningCommit(NamedTuple):
    """A commit that mentions another one. kind: what it says of it; target: the digits it names it by, "" if by its subject.

    Also used, without kind, for a commit that was found by its change.
    """

    id: int
    sha: str
    commit_time: int
    kind: Kind | None = None
    target: str = ""


def find_mentions(store: Store, sha: str, subject_key: str) -> list[MentioningCommit]:
    """Return the commits that mention *sha*, or its subject, oldest first; at most 40."""
    rows = store.read(
        "SELECT c.id, c.sha, c.commit_time, m.kind, m.target FROM mentions m JOIN commits c ON c.id = m.commit_id"
        " WHERE m.key IN (?, ?) ORDER BY c.commit_time LIMIT 40",
        sha[:7], subject_key,
    )  # fmt: skip
    mentions = (MentioningCommit(commit_id, by.hex(), when, kind, target) for commit_id, by, when, kind, target in rows)
    return [one for one in mentions if sha.startswith(one.target) and one.sha != sha]


def find_targets(store: Store, commit_id: int, kind: Kind) -> list[str]:
    """Return the shas, as far as written, that a commit mentions with *kind*."""
    rows = store.read("SELECT target FROM mentions WHERE commit_id = ? AND kind = ?", commit_id, kind)
    return [target for (target,) in rows]


def find_merge_reverts(store: Store, commit_id: int) -> list[tuple[MentioningCommit, tuple[str, ...]]]:
    """Return reverts of merges that touch a path of the commit, each with its merge's parents."""
    rows = store.read("SELECT target, commit_id FROM mentions WHERE kind = 'reverts_merge'")
    reverting = {bytes.fromhex(target): i for target, i in rows if len(target) in (40, 64)}
    if not reverting:
        return []
    merges = store.read(
        f"SELECT c.sha, c.parents FROM commits c WHERE c.sha IN ({', '.join('?' * len(reverting))})"  # noqa: S608
        " AND EXISTS (SELECT 1 FROM touches a JOIN touches b USING (path_id) WHERE a.commit_id = ? AND b.commit_id = c.id)",
        *reverting, commit_id,
    )  # fmt: skip
    found = ((_read_commit(store, reverting[sha]), _cut(parents, len(sha))) for sha, parents in merges)
    return [(reverting, parents) for reverting, parents in found if reverting]


def _read_commit(store: Store, commit_id: int) -> MentioningCommit | None:
    rows = store.read("SELECT sha, commit_time FROM commits WHERE id = ?", commit_id)
    return MentioningCommit(commit_id, rows[0][0].hex(), rows[0][1]) if rows else None


def find_alike(store: Store, commit_id: int) -> list[MentioningCommit]:
    """Return up to four other commits whose changed lines may be the same or the inverse, on a path of this one's.

    Ignores lines that many changes have, and changes that are huge or of a very different length.
    """
    rows = store.read(
        "SELECT c.id, c.sha, c.commit_time FROM patches mine JOIN patches other ON other.key = mine.key"
        " JOIN commits c ON c.id = other.commit_id JOIN changes t ON t.commit_id = c.id"
        " WHERE mine.commit_id = ?1 AND other.commit_id <> ?1"
        " AND (SELECT count(*) FROM patches p WHERE p.key = mine.key) <= 30"
        " AND length(t.text) < 16000 AND length(t.text) BETWEEN 0.4 * (SELECT length(text) FROM changes WHERE commit_id = ?1)"
        " AND 20 + 2.5 * (SELECT length(text) FROM changes WHERE commit_id = ?1)"
        " GROUP BY c.id HAVING count(*) >= min(2, (SELECT count(*) FROM patches WHERE commit_id = ?1))"
        " AND EXISTS (SELECT 1 FROM touches a JOIN touches b USING (path_id) WHERE a.commit_id = ?1 AND b.commit_id = c.id)"
        " ORDER BY count(*) DESC, c.commit_time LIMIT 4",
        commit_id,
    )
    return [MentioningCommit(i, sha.hex(), when) for i, sha, when in rows]


def find_parents(store: Store, sha: str) -> tuple[str, ...]:
    """Return a commit's parents, () if it has none or is not indexed."""
    rows = store.read("SELECT parents FROM commits WHERE sha = ?", bytes.fromhex(sha))
    return _cut(rows[0][0], len(sha) // 2) if rows else ()


def _cut(parents: bytes, width: int) -> tuple[str, ...]:
    return tuple(parents[at : at + width].hex() for at in range(0, len(parents), width))
