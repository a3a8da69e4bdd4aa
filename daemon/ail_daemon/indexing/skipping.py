"""Commits that could not be indexed, in part or whole: noted, counted in `status`, and tried again (`find_retried`).

    commit   it, or what leads to it, cannot be read: it is not in the index, nor what only it leads to
    paths    its trees cannot be read: it is in the index without the paths it changed
    changes  its blobs cannot be read: it is in the index without its changed lines
    text     its message makes the encoder fail: it is found by words alone
    limit    its message is too long, or it changes too many paths: what is beyond is left out (`HistoryLimits`)

A commit stands under each of the parts it lacks, so that none is in the index by half without a word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ail_rpc.errors import ModelError

from ..index.store import Store
from ..model import Commit, Embeddings, Encode
from .workerprocess import WorkerDiedError, WorkerEndedError

Part = Literal["commit", "paths", "changes", "text", "limit"]

_UNREAD: frozenset[Part] = frozenset(("commit", "paths", "changes"))
_EVERY: frozenset[Part] = _UNREAD | {"text", "limit"}
_TRIED = "tried_at"
RETRY_S = 600
"""Between two tries of what could not be read, where nobody asks for one: each ends a few git processes, and compares all."""

MAX_TEXTS = 16
"""Texts of one batch that may fail to encode. With more it is the encoder that fails, and the update fails with it."""


def note(store: Store, shas: Iterable[str], part: Part) -> None:
    """Remember that *part* of the commits *shas* could not be taken in."""
    rows = [(bytes.fromhex(sha), part) for sha in shas]
    if rows:
        with store.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO skipped VALUES (?, ?)", rows)


def find_retried(store: Store, *, is_asked: bool) -> frozenset[Part]:
    """Return which parts an update tries again: all where a user asks, now and then those that could not be read, else none.

    To be found once an update, at its beginning: one that changed its mind on the way would take out commits to read them
    again, and then not read them.
    """
    if is_asked:
        return _EVERY
    is_due = abs(time.time() - int(store.get_meta(_TRIED) or 0)) >= RETRY_S  # abs: clocks jump
    return _UNREAD if is_due else frozenset()


def note_read(store: Store, shas: Sequence[str], *, is_retry: bool) -> None:
    """Remember which commits could not be read; those that came all the same came without their paths.

    is_retry: whether those that could not be read before were tried again: then they are forgotten.
    """
    here = store.get_ids(shas)
    with store.transaction() as db:
        if is_retry:
            db.execute("DELETE FROM skipped WHERE part IN ('commit', 'paths')")
            store.set_meta(**{_TRIED: str(int(time.time()))})
        note(store, (sha for sha in shas if sha in here), "paths")
        note(store, (sha for sha in shas if sha not in here), "commit")


def find(store: Store, *parts: Part) -> list[str]:
    """Return the commits of which one of *parts* is missing."""
    rows = (row for part in parts for row in store.read("SELECT sha FROM skipped WHERE part = ?", part))
    return sorted({sha.hex() for (sha,) in rows})


def retry_changes(store: Store) -> None:
    """Mark changed lines that could not be read to be tried again."""
    with store.transaction(documents=True) as db:
        db.execute(
            "DELETE FROM changes WHERE commit_id IN"
            " (SELECT id FROM commits JOIN skipped USING (sha) WHERE part = 'changes')"
        )
        db.execute("DELETE FROM skipped WHERE part = 'changes'")


def retry_texts(store: Store) -> None:
    """Mark texts that could not be encoded to be tried again. Only by the worker: the process that encodes them may die."""
    with store.transaction() as db:
        db.execute("DELETE FROM skipped WHERE part = 'text'")


def note_cut(store: Store, commits: Sequence[Commit]) -> None:
    """Remember which of *commits*, just added, were cut; forget those that are gone, or were not cut this time."""
    if not find(store, "limit") and not any(commit.is_cut for commit in commits):
        return
    with store.transaction() as db:
        whole = [(bytes.fromhex(commit.sha),) for commit in commits if not commit.is_cut]
        db.executemany("DELETE FROM skipped WHERE part = 'limit' AND sha = ?", whole)
        db.execute("DELETE FROM skipped WHERE part = 'limit' AND sha NOT IN (SELECT sha FROM commits)")
        note(store, (commit.sha for commit in commits if commit.is_cut), "limit")


def encode_around(encode: Encode, texts: list[str]) -> tuple[Embeddings, list[int]]:
    """Return the embeddings of *texts*, and the places of those left out since they cannot be encoded.

    A batch that fails is halved until what fails is one text. Raises what the encoder raises where more than MAX_TEXTS fail.
    """
    failed: list[int] = []
    rows = _encode(encode, texts, 0, failed)
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32), failed


def _encode(encode: Encode, texts: list[str], start: int, failed: list[int]) -> list[Embeddings]:
    try:
        return [_encode_twice(encode, texts) if len(texts) == 1 else encode(texts)]
    except WorkerEndedError:
        raise
    except (ModelError, WorkerDiedError):
        if len(texts) > 1:
            half = len(texts) // 2
            return _encode(encode, texts[:half], start, failed) + _encode(encode, texts[half:], start + half, failed)
        if len(failed) == MAX_TEXTS:
            raise
        failed.append(start)
        return []


def _encode_twice(encode: Encode, texts: list[str]) -> Embeddings:
    """Encode; a worker may have died of something else than the text, so that another is asked before it is blamed."""
    try:
        return encode(texts)
    except WorkerEndedError:
        raise
    except WorkerDiedError:
        return encode(texts)


def describe(skipped: int) -> str | None:
    """Return the sentence that `status` says of so many commits, None for none."""
    if not skipped:
        return None
    many = "1 commit" if skipped == 1 else f"{skipped:,} commits"
    return f"{many} could not be read or encoded, in part or whole, or went past a limit; `git fsck` may tell why"
