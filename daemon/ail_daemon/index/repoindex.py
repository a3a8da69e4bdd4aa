"""One repository's index: the store with the word index and the vectors over it, kept equal.

Every change goes to SQLite first, then to words and vectors. After a crash between the two the word index's stamp does not match,
and it is built anew from the store. Searches may run during changes.
"""

from __future__ import annotations

import copy
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ail_rpc.errors import ModelError, StorageError

from ..model import Commit, Embeddings, Encoder, Ids, Tips
from ..process.checksum import hash_file, hash_file_as_before
from ..process.files import replace_file
from ..text.passages import CommitChanges
from .codes import CODES, load_vectors, save_codes
from .pulls import Pulls, resolve_parents
from .rewrites import retire_commits
from .store import STORE_FILE, Store, join_prose
from .vectors import Vectors
from .words import SCHEMA_VERSION, Words

WORDS, STAMP = "words", "words.json"
"""The word index in a repository's directory, and the file that says whether it matches the store."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is indexed: commits, how many of them by meaning (None: no model serves), how many by changed lines.

    skipped: commits that could not be indexed in part or whole. unembeddable: those of them whose text cannot be encoded.
    """

    commits: int
    embedded: int | None
    changed: int
    skipped: int = 0
    unembeddable: int = 0

    @property
    def pending(self) -> int:
        """Commits that still lack their embedding or their changed lines."""
        return max(self.unembedded, self.unread)

    @property
    def unread(self) -> int:
        """Commits whose changed lines were not read yet."""
        return max(0, self.commits - self.changed)

    @property
    def unembedded(self) -> int:
        """Commits that still lack their embedding; 0 if no model serves."""
        return 0 if self.embedded is None else self.commits - self.embedded - self.unembeddable


class RepoIndex:
    """The index in *directory*; *encoder* is None where no model is prepared: then words alone."""

    def __init__(self, directory: Path, encoder: Encoder | None) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = Store(directory / STORE_FILE)
        self.opened_at = self.store.generation
        self._words_dir = directory / WORDS
        self.vectors: Vectors | None = None
        self.encoder: Encoder | None = None  # whose embeddings `vectors` holds: questions are to be encoded by it
        self.no_vectors: str | None = None
        self._stamp = directory / STAMP
        self._codes = directory / CODES
        self._hashes: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()
        self.changing = threading.RLock()  # two updates may change it: a large one, and what is taken back beside it
        self.words = self._load_words()
        if encoder is not None:
            self.use_encoder(encoder)
        self.generation = self.store.generation
        self.tips = self.store.get_tips()
        self.recount()
        self._pulls: tuple[Tips | None, int, Pulls] = None, 0, Pulls(resolve_parents(()), None)

    def close(self) -> None:
        """Close files and free memory."""
        self.words.close()
        self.store.close()

    def rest(self) -> None:
        """Close the word index until it is needed: an open one wakes the process twice a second."""
        self.words.rest()

    def use_encoder(self, encoder: Encoder) -> None:
        """Load the embeddings of *encoder*'s model; those of another model are deleted.

        If they cannot be loaded, `no_vectors` says why, and only words are searched.
        """
        if self.store.get_meta("model_id") != encoder.model_id:
            self.store.clear_embeddings()
            self.store.set_meta(model_id=encoder.model_id)
        self.vectors = self.encoder = None  # another model's are not to be searched with this one's questions
        try:
            vectors = Vectors(encoder.dimension, self.store.iter_embeddings)
            load_vectors(vectors, self.store, self._codes)
        except (ModelError, ValueError) as err:  # ValueError: rows of different lengths make no matrix
            self.no_vectors = err.message if isinstance(err, ModelError) else "the embeddings are damaged"
            return
        self.vectors, self.encoder, self.no_vectors = vectors, encoder, None

    def with_encoder(self, encoder: Encoder) -> RepoIndex:
        """Return a copy of this index that uses another model. No update may be changing the index.

        Questions under way keep using this object, whose embeddings stay those of its own model.
        """
        other = copy.copy(self)
        other.use_encoder(encoder)
        other.generation += 1
        return other

    @property
    def counts(self) -> Counts:
        """How much is indexed now."""
        embedded = None if self.vectors is None else len(self.vectors)
        return Counts(self._commits, embedded, self._changed, *self._skipped)

    def recount(self) -> None:
        """Count again what the store holds."""
        self._commits, self._changed = self.store.count()
        self._skipped = self.store.count_skipped()

    # --- changes ----------------------------------------------------------------------------------------------------

    def change(
        self,
        gone: Sequence[str] = (),
        commits: Sequence[Commit] = (),
        embedded: tuple[Sequence[bytes], Embeddings] | None = None,
        tips: Tips | None = None,
    ) -> None:
        """In one transaction: retire *gone*, add *commits* and embeddings (their texts' hashes, rows), note *tips*.

        Found by meaning, and no longer found, when this returns; new words are found after `publish`. tips: of which the
        indexed set is the reachable one now.
        """
        with self.changing:
            with self.store.transaction():
                removed = retire_commits(self.store, gone) if gone else []
                if embedded:
                    self.store.add_embeddings(*embedded)
                added = self.store.add_commits(commits) if commits else {}
                if tips:
                    self.store.set_tips(tips)
            self._forget(removed)
            self._take_up(commits, added)
            if removed or gone:
                self.recount()
            else:
                self._commits += len(added)  # counting again would read an index from end to end for each batch
            self.tips = tips or self.tips
            self.generation += 1

    def add_changed(self, rows: Sequence[CommitChanges]) -> None:
        """Add commits' changed lines; found after `publish`."""
        with self.changing:
            self._changed += self.store.add_changed(rows)
            ids = self.store.get_ids([row.sha for row in rows if row.text])
            for sha, text, passages in rows:
                if sha in ids:
                    self.words.add_changed(ids[sha], text, join_prose(passages))

    def add_embeddings(self, hashes: Sequence[bytes], embeddings: Embeddings) -> None:
        """Add the embeddings of commits that are here, under the hashes of their texts."""
        with self.changing:
            self.store.add_embeddings(hashes, embeddings)
            found = self.store.find_by_text(hashes)
            if self.vectors is not None and found:
                places, ids = zip(*found, strict=True)
                self._add_vectors(np.array(ids, np.int64), embeddings[list(places)])
            self.generation += 1

    def publish(self) -> None:
        """Commit the word index, so that added words are found. Takes 100 ms on a slow disk, however little is written."""
        with self.changing:
            self.words.commit()
            self.generation += 1

    def settle(self) -> None:
        """End a series of changes: close what only changes need, and stamp the word index as complete."""
        with self.changing:
            self.words.end_changes()  # waits for merges: until then files come and go
            self._save_stamp()
            if self.vectors is not None:
                save_codes(self.vectors, self.store, self._codes)
            self.store.rest()
            self.rest()

    def drop_words(self) -> None:
        """End a series of changes that may have failed: drop words that were not published."""
        with self.changing:
            self.words.end_changes()

    def distrust_words(self) -> None:
        """Have the word index built anew when this index is opened next."""
        self._stamp.unlink(missing_ok=True)

    # --- searches ---------------------------------------------------------------------------------------------------

    def find_near(self, embedding: Embeddings, limit: int, among: frozenset[int] | None = None) -> dict[int, float]:
        """Return up to *limit* commit ids nearest to *embedding* (1, dimension) with their cosine; {} without vectors."""
        if self.vectors is None:
            return {}
        with self._lock:
            return self.vectors.find(embedding, limit, among)

    def score_near(self, embedding: Embeddings, ids: list[int]) -> dict[int, float]:
        """Return the cosines of *ids*; those without an embedding are left out."""
        if self.vectors is None:
            return {}
        with self._lock:
            return self.vectors.score(embedding, ids)

    def get_pulls(self) -> Pulls:
        """Return which commits were merged together, as of the last finished update; computed once for each."""
        tips, newest, pulls = self._pulls
        if tips is not self.tips:
            self._pulls = _, _, pulls = self._move_pulls(self.tips, newest, pulls if tips else None)
        return pulls

    def _move_pulls(self, tips: Tips, newest: int, before: Pulls | None) -> tuple[Tips, int, Pulls]:
        """Return what `get_pulls` keeps: for which tips, the largest id then, the pulls. They stay where HEAD names no commit."""
        head = self.store.get_ids([tips.head]).get(tips.head) if tips.head else None
        if before and head is None:
            return tips, newest, before
        now = self.store.get_newest_id()
        if (
            before
            and head
            and (moved := before.move(head, self.store.get_parent_ids, now, self.store.find_merges(newest)))
        ):
            return tips, now, moved
        return tips, now, Pulls(resolve_parents(self.store.iter_joined_links()), head)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _forget(self, removed: list[int]) -> None:
        for commit_id in removed:
            self.words.remove(commit_id)
        if self.vectors is not None:
            with self._lock:
                self.vectors.remove(np.array(removed, np.int64))

    def _take_up(self, commits: Sequence[Commit], added: dict[str, int]) -> None:
        for commit in commits:
            if commit.sha in added:
                self.words.add_message(added[commit.sha], commit.subject, commit.message, commit.paths)
        if self.vectors is not None and added:
            for loaded in self.store.iter_embeddings(list(added.values())):
                self._add_vectors(*loaded)

    def _add_vectors(self, ids: Ids, embeddings: Embeddings) -> None:
        if self.vectors is not None:
            self.vectors.prepare(embeddings)  # not under the lock: no question waits for it
            with self._lock:
                self.vectors.add(ids, embeddings)

    def _load_words(self) -> Words:
        """Open the word index; if it is damaged, older than the store or of another version, build it anew."""
        if self._is_stamped():
            return Words(self._words_dir)
        shutil.rmtree(self._words_dir, ignore_errors=True)
        words = Words(self._words_dir)
        for commit_id, commit, paths, changed, prose in self.store.iter_documents():
            words.add_message(commit_id, commit.subject, commit.message, paths)
            if changed:
                words.add_changed(commit_id, changed, prose)
        words.commit()
        words.end_changes()
        self._save_stamp()
        return words

    def _fingerprint(self) -> dict[str, object]:
        """Return what the word index must look like to be trusted: its version, the store's state, every file's hash."""
        hashes = [self._hash_file(path) for path in self._list_words()]
        self._hashes = dict(hashes)  # not those of files merged away since: each update made some, 3 KB of memory
        files = {name: digest for (name, _, _), digest in hashes}
        return {"version": SCHEMA_VERSION, "documents": self.store.documents, "files": files}

    def _is_stamped(self) -> bool:
        """Whether the stamp fits the words, be it one that a version before this wrote: building them anew takes minutes."""
        stamp, now = self._read_stamp(), self._fingerprint()
        if stamp == now or not isinstance(stamp, dict) or stamp.get("version") != SCHEMA_VERSION:
            return stamp == now
        before = {path.name: hash_file_as_before(path)[:32] for path in self._list_words()}
        return stamp == now | {"files": before}

    def _list_words(self) -> list[Path]:
        return [path for path in self._words_dir.glob("*") if path.suffix != ".lock"]

    def _read_stamp(self) -> object:
        try:
            return json.loads(self._stamp.read_bytes())
        except (OSError, ValueError):
            return None

    def _save_stamp(self) -> None:
        try:
            replace_file(self._stamp, json.dumps(self._fingerprint()).encode())
        except OSError as err:
            raise StorageError(
                f"the index could not be written: {err.strerror}",
                "see to the state directory; indexing goes on by itself",
            ) from err

    def _hash_file(self, path: Path) -> tuple[tuple[str, int, int], str]:
        """Hash a file of the word index; tantivy never changes one it wrote, so that a known one need not be read again."""
        stat = path.stat()
        key = (path.name, stat.st_size, stat.st_mtime_ns)
        if digest := self._hashes.get(key):
            return key, digest
        return key, hash_file(path)
