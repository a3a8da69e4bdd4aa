"""Embeddings under their texts' hashes, as float16: commits with the same message share one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from ail_daemon.model import Embeddings, Ids

from .database import AMONG, BATCH, NEWEST, Database, listed


def hash_text(text: str) -> bytes:
    """Return the key under which a text's embedding is kept: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


_OF_TEXT = "(SELECT 1 FROM embeddings e WHERE e.text_hash = c.text_hash)"


class EmbeddingRows(Database):
    """What the store keeps of embeddings."""

    def add_embeddings(self, hashes: Sequence[bytes], embeddings: Embeddings) -> None:
        """Store embeddings (n, dimension) under their texts' hashes."""
        halves = embeddings.astype(np.float16)
        with self.transaction() as db:
            db.executemany(
                "REPLACE INTO embeddings VALUES (?, ?)", ((h, e.tobytes()) for h, e in zip(hashes, halves, strict=True))
            )

    def clear_embeddings(self) -> None:
        """Delete every embedding, and disown the codes that were made of them: another model serves now."""
        with self.transaction() as db:
            db.execute("DELETE FROM embeddings")
            db.execute("DELETE FROM meta WHERE key = 'codes'")

    def count_embedded(self) -> int:
        """Return how many commits have an embedding."""
        ((embedded,),) = self.read("SELECT count(*) FROM commits JOIN embeddings USING (text_hash)")
        return int(embedded)

    def note_codes(self, digest: str) -> None:
        """Remember the checksum of the file of codes that is made of these embeddings. No answer changes by it."""
        with self.transaction(is_counted=False) as db:
            db.execute("REPLACE INTO meta VALUES ('codes', ?)", (digest,))

    def iter_embeddings(self, ids: Sequence[int] | Ids | None = None) -> Iterator[tuple[Ids, Embeddings]]:
        """Yield batches of commit ids (n,) and embeddings (n, dimension), of all commits or of *ids*; gaps are left out.

        In batches: the whole of a large history at once would leave its float32 form behind in the process's memory. All are read
        in the order of their hashes, in which they lie on the disk: a million take 3 s; by their commits, 100,000 took 1.7 s.
        """
        if ids is None:
            rows = iter(
                self.iter_rows("SELECT c.id, e.vector FROM embeddings e CROSS JOIN commits c USING (text_hash)")
            )
            while part := list(islice(rows, BATCH)):
                yield _to_arrays(part)
            return
        query = f"SELECT c.id, e.vector FROM commits c JOIN embeddings e USING (text_hash) WHERE c.id {AMONG}"  # noqa: S608
        for start in range(0, len(ids), BATCH):
            if part := self.read(query, listed(ids[start : start + BATCH])):
                yield _to_arrays(part)

    def find_unembedded(self, limit: int, until: int = NEWEST) -> tuple[dict[bytes, str], int]:
        """Return hash -> text of up to *limit* texts without an embedding, newest first, and the last one's time.

        until: as in `find_unread`.
        """
        rows = self.read(
            "SELECT text_hash, message, commit_time FROM commits c WHERE commit_time <= ?"  # noqa: S608 - ours
            f" AND NOT EXISTS {_OF_TEXT} AND text_hash NOT IN"
            " (SELECT text_hash FROM commits JOIN skipped USING (sha) WHERE part = 'text')"
            " ORDER BY commit_time DESC LIMIT ?",
            until,
            limit,
        )
        return {text_hash: text for text_hash, text, _ in rows}, rows[-1][2] if rows else until

    def list_unembedded(self) -> bytes:
        """Return the hashes of the texts without an embedding, one after the other, in no order."""
        query = f"SELECT DISTINCT text_hash FROM commits c WHERE NOT EXISTS {_OF_TEXT}"  # noqa: S608 - a text of our own
        return b"".join(text_hash for (text_hash,) in self.iter_rows(query))

    def get_texts(self, hashes: Iterable[bytes]) -> dict[bytes, str]:
        """Return text hash -> text, of those of *hashes* that a commit has."""
        query = "SELECT message FROM commits WHERE text_hash = ? LIMIT 1"
        found = ((text_hash, self.read(query, text_hash)) for text_hash in hashes)
        return {text_hash: rows[0][0] for text_hash, rows in found if rows}

    def get_embeddings(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return text hash -> embedding as float16 bytes, of those of *hashes* that are kept."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(hashes), BATCH):
            part = hashes[start : start + BATCH]
            marks = ", ".join("?" * len(part))
            found |= dict(self.read(f"SELECT text_hash, vector FROM embeddings WHERE text_hash IN ({marks})", *part))  # noqa: S608
        return found

    def find_by_text(self, hashes: Iterable[bytes]) -> list[tuple[int, int]]:
        """Return (place in *hashes*, commit id) of the commits whose text has one of *hashes*."""
        query = "SELECT id FROM commits WHERE text_hash = ?"
        return [(place, row[0]) for place, text_hash in enumerate(hashes) for row in self.read(query, text_hash)]

    def find_shas_by_text(self, hashes: Iterable[bytes]) -> list[str]:
        """Return the shas of the commits whose text has one of *hashes*."""
        query = "SELECT sha FROM commits WHERE text_hash = ?"
        return [sha.hex() for text_hash in hashes for (sha,) in self.read(query, text_hash)]


def _to_arrays(rows: Sequence[tuple[int, bytes]]) -> tuple[Ids, Embeddings]:
    flat = np.frombuffer(b"".join(vector for _, vector in rows), np.float16).astype(np.float32)
    return np.array([i for i, _ in rows], np.int64), flat.reshape(len(rows), -1)
