"""Embeddings from bundles: fetched where AIL_BUNDLES says so, checked, and used for commits that are here.

A bundle is used as a whole or refused as a whole. Its manifest must be signed, where AIL_BUNDLE_SIGNERS is set; each segment must
be what the manifest lists, to the byte; and SAMPLE rows must be what the model that serves here makes of their texts. Only
segments that bring something are fetched: the hashes of those seen before are kept, 16 bytes a row.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import SystemRandom

import numpy as np

from ail_rpc.errors import AilError

from ..bundles.fetching import NAME, REF_SOURCE, Fetching, Files, MissingError, OpenFiles, make_order
from ..bundles.manifest import (
    MANIFEST_FILE,
    MANIFEST_MAX_BYTES,
    SIGNATURE_FILE,
    BundleError,
    Entry,
    Manifest,
    parse_manifest,
)
from ..bundles.segments import Halves, Keys, Rows, Segment, get_size, open_segment, read_keys
from ..bundles.signing import SIGNATURE_MAX_BYTES, check_signature
from ..flags import Flags
from ..index.repoindex import RepoIndex
from ..model import Encode
from ..process.files import replace_file
from ..process.logs import log
from ..repos.repo import Repo
from ..settings import Settings
from .embedding import FindKept
from .workerprocess import WorkerEndedError

SAMPLE = 32
"""Rows of a bundle that are encoded here to compare: one that lies in a quarter of its rows passes once in 10,000 times."""
LEAST_COSINE = 0.9
"""Of an embedding to what this machine makes of the text: processors differ by the quantisation's own error, .992 on average."""

DIRECTORY, KNOWN = "bundle", "bundle-keys"
"""In a repository's directory: where files of a bundle lie while it is used, and the hashes of segments seen before."""


@contextlib.contextmanager
def open_bundles(
    flags: Flags, find_siblings: Callable[[Repo], FindKept], repo: Repo, index: RepoIndex, encode: Encode
) -> Iterator[FindKept]:
    """Yield what finds embeddings in *repo*'s siblings and, for what they lack, in bundles; see `embedding.OpenKept`.

    Bundles are fetched at the first call that siblings cannot serve, and what was fetched is deleted at the end.
    """
    bundled, find_kept = Bundled(flags.current, repo, index, encode), find_siblings(repo)
    repo.bundle_notice = None

    def find(hashes: list[bytes]) -> dict[bytes, bytes]:
        kept = find_kept(hashes)
        missing = [text_hash for text_hash in hashes if text_hash not in kept]
        return kept | bundled.find(missing) if missing else kept

    try:
        yield find
    finally:
        bundled.close()


class Bundled:
    """The bundles that the settings name, for one update of *repo*; *encode* is how the rows are checked."""

    def __init__(
        self, settings: Settings, repo: Repo, index: RepoIndex, encode: Encode, open_files: OpenFiles = Fetching
    ) -> None:
        self._settings = settings
        self._open_files = open_files
        self._repo = repo
        self._index = index
        self._encode = encode
        self._directory = repo.directory / DIRECTORY
        self._segments: list[Segment] | None = None  # None: not fetched yet

    def find(self, hashes: list[bytes]) -> dict[bytes, bytes]:
        """Return text hash -> embedding as float16 bytes, of those of *hashes* that a sound bundle has."""
        if not self._settings.bundles:
            return {}
        if self._segments is None:
            self._segments = []
            for source in self._settings.bundles:
                self._try(source)
        found: dict[bytes, bytes] = {}
        wanted = read_keys(b"".join(hashes))
        for segment in self._segments:
            for place, row in zip(*segment.find(wanted), strict=True):
                found[hashes[place]] = segment.embeddings[row].tobytes()
        return found

    def close(self) -> None:
        """Delete what was fetched."""
        self._segments = []
        shutil.rmtree(self._directory, ignore_errors=True)

    def _try(self, source: str) -> None:
        """Add the segments of the bundle at *source*; if it cannot be had, or is refused, say why and go on without."""
        try:
            segments = self._take(source)
        except WorkerEndedError:  # the update itself is to end
            raise
        except (AilError, OSError) as err:
            if isinstance(err, MissingError) and (source == REF_SOURCE or NAME in source):
                return  # a repository for which nobody has published one: nothing is wrong
            said = err.message if isinstance(err, AilError) else f"it cannot be kept: {err.strerror}"
            self._repo.bundle_notice = f"the bundle at {source} is not used: {said}"
            log("bundle_refused", level="warning", repo_id=self._repo.key, error=err)
        else:
            assert self._segments is not None  # noqa: S101 - set by the only caller
            self._segments += segments

    def _take(self, source: str) -> list[Segment]:
        """Return the segments of the bundle at *source* that bring something. Raises BundleError."""
        if (encoder := self._index.encoder) is None:
            return []
        into = self._directory / str(self._settings.bundles.index(source))
        shutil.rmtree(into, ignore_errors=True)  # an update that was killed left it
        into.mkdir(mode=0o700, parents=True)
        order = make_order(source, encoder.model_id, self._repo.place, into)
        with self._open_files(order, lambda: self._repo.is_removed) as files:
            manifest = self._read_manifest(files, encoder.model_id)
            if manifest.dimension != encoder.dimension:
                raise BundleError("its embeddings are of another length than those of the model")
            segments = list(self._iter_useful(files, manifest))
        self._check(segments)
        return segments

    def _read_manifest(self, files: Files, model_id: str) -> Manifest:
        content = files.read(MANIFEST_FILE, MANIFEST_MAX_BYTES).read_bytes()
        if signers := self._settings.bundle_signers:
            try:
                signature = files.read(SIGNATURE_FILE, SIGNATURE_MAX_BYTES)
            except MissingError as err:
                raise BundleError("it is not signed, and AIL_BUNDLE_SIGNERS is set", "have it signed") from err
            check_signature(content, signature, Path(signers))
        return parse_manifest(content, model_id)

    def _iter_useful(self, files: Files, manifest: Manifest) -> Iterator[Segment]:
        """Yield the segments with a row that is wanted, the newest first, until nothing is wanted any more."""
        wanted = read_keys(self._index.store.list_unembedded())
        for entry in reversed(manifest.segments):
            if not len(wanted):
                return
            known = self._load_keys(entry)
            if known is not None and not np.isin(known, wanted).any():
                continue
            path = _read_segment(files, entry, get_size(entry.rows, manifest.dimension))
            segment = open_segment(path, entry, manifest)
            self._keep_keys(entry, segment.keys)
            places, _ = segment.find(wanted)
            if len(places):
                yield segment
                wanted = np.delete(wanted, places)
            else:
                path.unlink()

    def _check(self, segments: list[Segment]) -> None:
        """Compare SAMPLE rows, chosen by chance, with what the model makes of their texts. Raises BundleError."""
        wanted = read_keys(self._index.store.list_unembedded())
        used = [segment.find(wanted)[1] for segment in segments]
        rows = _choose(segments, used, min(SAMPLE, sum(map(len, used))))
        texts = self._index.store.get_texts(key for key, _ in rows)
        if not texts:
            return
        ours = self._encode([texts[key] for key, _ in rows])
        theirs = np.stack([row for _, row in rows]).astype(np.float32)
        if lies := int(((ours * theirs).sum(axis=1) < LEAST_COSINE).sum()):
            raise BundleError(f"{lies} of {len(rows)} embeddings compared are not what the model makes of their texts")

    def _load_keys(self, entry: Entry) -> Keys | None:
        """Return the hashes of a segment that was seen before, None for a new one."""
        try:
            joined = (self._repo.directory / KNOWN / entry.sha256).read_bytes()
        except OSError:
            return None
        keys = read_keys(joined) if len(joined) % 16 == 0 else None
        return keys if keys is not None and len(keys) == entry.rows else None

    def _keep_keys(self, entry: Entry, keys: Keys) -> None:
        directory = self._repo.directory / KNOWN
        directory.mkdir(mode=0o700, exist_ok=True)
        replace_file(directory / entry.sha256, keys.tobytes())


def _read_segment(files: Files, entry: Entry, size: int) -> Path:
    try:
        return files.read(entry.sha256, size)
    except MissingError as err:
        raise BundleError("a segment that its manifest lists is missing") from err


def _choose(segments: list[Segment], used: list[Rows], count: int) -> list[tuple[bytes, Halves]]:
    """Return *count* of the *used* rows of the segments, (key, embedding), by chance: who made them cannot know which."""
    ends = np.cumsum([len(rows) for rows in used])
    chosen = []
    for number in SystemRandom().sample(range(int(ends[-1]) if len(ends) else 0), count):
        place = int(np.searchsorted(ends, number, side="right"))
        row = int(used[place][number - (int(ends[place - 1]) if place else 0)])
        chosen.append((segments[place].keys[row : row + 1].tobytes(), segments[place].embeddings[row]))
    return chosen
