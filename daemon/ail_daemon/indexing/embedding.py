"""Embeds the messages of an index that were never embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import numpy as np

from ..index.repoindex import RepoIndex
from ..index.store import hash_text
from ..model import Commit, Embeddings, Encode, Encoder
from ..repos.repo import Progress, Repo
from . import skipping
from .batches import iter_newest_first

FindKept = Callable[[list[bytes]], dict[bytes, bytes]]
"""Text hashes to embeddings (float16 bytes) that other repositories keep: a clone of one encodes nothing again."""

OpenKept = Callable[[Repo, RepoIndex, Encode], AbstractContextManager[FindKept]]
"""Returns what finds the embeddings kept elsewhere for an update of a repository; used within the context alone."""

MayEncode = Callable[[int], bool]
"""Whether so many texts may be encoded now: many of them wait for mains power."""

_FIRST_TEXTS, _TEXTS = 128, 2048  # texts a batch: a small first one, so that the newest are found by meaning at once

_AT_ONCE = 512
"""Texts that are encoded before they are kept: of long messages 2,048 take half a minute, in which `status` would stand still."""

_WAITS = "meaning waits for mains power: AIL_EMBED_ON_BATTERY=true embeds on battery too"


def describe_wait(repo: Repo) -> str | None:
    """Say what embedding waits for; None where it does not wait."""
    return _WAITS if repo.waits_for_power else None


def encode_with(encoder: Encoder | None) -> Encode:
    """Return how *encoder* encodes. None: there are no vectors then, and nothing is encoded."""

    def encode(texts: list[str]) -> Embeddings:
        assert encoder is not None  # noqa: S101 - see above
        return encoder.encode(texts)

    return encode


def embed_fresh(
    encode: Encode, repo: Repo, index: RepoIndex, commits: list[Commit], *, may_reuse: bool
) -> tuple[tuple[list[bytes], Embeddings] | None, list[str]]:
    """Embed the messages of *commits* that were never embedded; None where there is nothing to embed, or no model.

    Beside it the commits whose messages cannot be encoded. may_reuse: a message whose embedding is kept is not encoded.
    """
    texts = {hash_text(commit.message): commit.message for commit in commits}
    kept = index.store.get_embeddings(list(texts)).keys() if may_reuse else set()
    missing = texts.keys() - kept
    if index.vectors is None:
        return None, []
    repo.reused += len(kept)
    if not missing:
        return None, []
    hashes = sorted(missing)
    repo.encoded += len(hashes)
    embeddings, failed = skipping.encode_around(encode, [texts[text_hash] for text_hash in hashes])
    bad = {hashes[place] for place in failed}
    done = [text_hash for text_hash in hashes if text_hash not in bad]
    return (done, embeddings) if done else None, [c.sha for c in commits if hash_text(c.message) in bad]


def embed_rest(
    encode: Encode, repo: Repo, index: RepoIndex, find_kept: FindKept | None, may_encode: MayEncode = lambda _: True
) -> None:
    """Embed what has no embedding yet, newest first; without a model there is nothing to do.

    Ends before a batch that may not be encoded now, and leaves `repo.waits_for_power`.
    """
    repo.waits_for_power = False
    if (already := index.counts.embedded) is None or not index.counts.unembedded:
        return
    repo.progress = Progress("embedding", 0, index.counts.commits - already)
    for texts in iter_newest_first(index.store.find_unembedded, lambda: index.counts.unembedded, _TEXTS, _FIRST_TEXTS):
        kept = find_kept(list(texts)) if find_kept else {}
        if kept:
            repo.reused += len(kept)
            index.add_embeddings(list(kept), _from_halves(kept.values()))
        if rest := [text_hash for text_hash in texts if text_hash not in kept]:
            if not may_encode(index.counts.unembedded):
                repo.waits_for_power = True
                return
            for start in range(0, len(rest), _AT_ONCE):
                part = rest[start : start + _AT_ONCE]
                _embed(encode, index, part, [texts[text_hash] for text_hash in part])
                repo.encoded += len(part)
                repo.progress.done = (index.counts.embedded or 0) - already
        repo.progress.done = (index.counts.embedded or 0) - already


def _embed(encode: Encode, index: RepoIndex, hashes: list[bytes], texts: list[str]) -> None:
    """Add the embeddings of *texts*, whose *hashes* these are; note the commits of those that cannot be encoded."""
    embeddings, failed = skipping.encode_around(encode, texts)
    bad = {hashes[place] for place in failed}
    if done := [text_hash for text_hash in hashes if text_hash not in bad]:
        index.add_embeddings(done, embeddings)
    if bad:
        skipping.note(index.store, index.store.find_shas_by_text(bad), "text")
        index.recount()


def _from_halves(vectors: Iterable[bytes]) -> Embeddings:
    rows = [np.frombuffer(vector, np.float16) for vector in vectors]
    return np.stack(rows).astype(np.float32)
