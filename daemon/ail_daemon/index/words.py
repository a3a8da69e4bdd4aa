"""The word index (tantivy): BM25 over messages, paths and changed lines. Kept on disk, built anew from `store` if need be.

A commit has up to two documents under its id: its message (field `all`: message and paths; field `subject` once more) and,
once they are read, its changed lines (field `changed`; field `prose`: the passages among them). The two are searched
separately: how well changed lines match is another signal than how well the message does.

One merged field with the subject repeated beats a field each: on 245 questions about aiohttp, MRR .769 against .550 for
subject, body and paths as fields of their own, whose short texts BM25's length norm overrates, and .685 without the subject.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy

from ail_rpc.errors import AilError, StorageError

from ..text import terms
from .store import ClosedError


class WordIndexError(StorageError):
    """The word index on the disk is damaged or missing."""

    def __init__(self) -> None:
        super().__init__(
            "the word index is damaged or gone", "it is built anew from the database: ask again in a moment"
        )


SCHEMA_VERSION = 2
"""To be raised whenever documents are built in another way: indexes of another version are built anew."""

MESSAGE_FIELDS = {"all": 1.0, "subject": 2.0}
CHANGED_FIELDS = {"changed": 1.0}
PROSE_FIELDS = {"prose": 1.0}
Held = npt.NDArray[np.bool_]
_HEAP_BYTES = 15_000_000  # tantivy's smallest: a larger one would stay in the daemon's memory
_MAX_PATHS = 200  # a commit that touches more says little about any of them
_TIES = 16  # as in `vectors`
_KEPT_FOUND, _KEPT_IDS = 8, 256  # a question's three, of as many questions as are answered at once
_KEPT_COUNTS = 512
_BITS = 24  # a score is a float32, which holds so many exactly
_MAX_TERMS = 32  # of a question: the rarest; a pasted stack trace has hundreds


class Words:
    """The word index of one repository, in the directory *path*. One writer at a time; searches may run beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schema = _build_schema()
        self._analyzer = _build_analyzer()
        self._writer: tantivy.IndexWriter | None = None
        self._is_dirty = False  # something was added or removed since the last commit
        self._removed: set[int] = set()  # not committed yet: to be left out of what is found
        self._turning = threading.RLock()  # guards closing and opening, which threads may do at once
        self._is_closed = False
        self._left: dict[str, tuple[int, int]] | None = None  # the files when the index was closed
        self._known = _Known()  # replaced when what can be found changes
        self._open_index: tantivy.Index | None = self._open()  # None: closed by `rest`

    def add_message(self, commit_id: int, subject: str, message: str, paths: Iterable[str]) -> None:
        """Add a commit's message document."""
        listed = terms.to_printable("\n".join(list(paths)[:_MAX_PATHS]))
        document = tantivy.Document()
        document.add_unsigned("id", commit_id)
        document.add_text("all", terms.expand(f"{message}\n{listed}"))
        document.add_text("subject", terms.expand(subject))
        self._add(document)

    def add_changed(self, commit_id: int, changed: str, prose: str = "") -> None:
        """Add a commit's changed lines, and the prose among the added ones in a field of its own."""
        document = tantivy.Document()
        document.add_unsigned("id", commit_id)
        document.add_text("changed", terms.expand(changed))
        document.add_text("prose", terms.expand(prose))
        self._add(document)

    def remove(self, commit_id: int) -> None:
        """Remove all of a commit's documents."""
        self._removed.add(commit_id)
        self._known = _Known()
        # by query: deletion by term takes a Python int for a signed one, and silently deletes nothing (tantivy 0.27.0)
        self._get_writer().delete_documents_by_query(tantivy.Query.term_query(self._schema, "id", commit_id))

    def commit(self) -> None:
        """Write additions and removals to the disk and make them searchable. Raises StorageError."""
        if self._writer is not None and self._is_dirty:
            with _translated():
                self._writer.commit()
                self._index.reload()
            self._is_dirty = False
            self._removed.clear()
            self._known = _Known()

    def close(self) -> None:
        """End it all: what is asked afterwards raises ClosedError, also where a search that is under way fails."""
        self.end_changes()
        self._is_closed = True

    def end_changes(self) -> None:
        """Wait for merges, then close the writer with its memory and lock; uncommitted changes are dropped."""
        if self._writer is not None:
            try:
                with _translated():
                    # only then: a merge that runs beside a rollback goes on deleting files afterwards
                    if self._is_dirty:
                        self._writer.rollback()
                    self._writer.wait_merging_threads()
            finally:
                self._writer = None  # not before: `rest` would note files that come and go
                self._is_dirty = False

    def rest(self) -> None:
        """Close the open index until it is needed again; opening takes a millisecond.

        tantivy 0.27 has a thread for each open one that looks at its files twice a second, also under a reader that is told
        not to reload: 40 idle repositories made 88 wake-ups a second.
        """
        with self._turning:
            if self._writer is None and self._open_index is not None:
                self._left = self._look()
                self._open_index = None
                self._known = _Known()

    def analyze(self, question: str) -> list[str]:
        """Return the terms of a question as the index holds them, each once, in order."""
        return list(dict.fromkeys(self._analyzer.analyze(terms.expand(terms.without_stop_words(question)))))

    def __len__(self) -> int:
        """Return how many documents can be found."""
        with self._reading():
            return self._index.searcher().num_docs

    def find(self, analyzed: list[str], fields: dict[str, float], limit: int) -> dict[int, float]:
        """Return ids of the best *limit* commits for the *analyzed* terms with their BM25 score (unbounded, ≥ 0), best first."""
        known, asked = self._known, (*fields, "", *analyzed)
        found = known.found.get(asked, {})
        if len(found) < limit:
            with self._reading():
                searcher = self._index.searcher()
                rarest = self._rarest(known, searcher, analyzed, next(iter(fields)))
                found = self._search(searcher, self._query(rarest, fields), limit) if rarest else {}
            known.keep(asked, found)
        return dict(islice(found.items(), limit))

    def find_all(self, analyzed: list[str], fields: dict[str, float], limit: int) -> dict[int, float]:
        """Return ids of the best *limit* commits that hold every one of the *analyzed* terms in the first of *fields*."""
        if not analyzed:
            return {}
        name = next(iter(fields))
        terms_there = [self._has(name, term) for term in analyzed[:_MAX_TERMS]]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, term) for term in terms_there])
        with self._reading():
            return self._search(self._index.searcher(), query, limit)

    def cover(self, ids: Sequence[int], analyzed: Sequence[str]) -> tuple[Held, Held]:
        """Return whether a commit's message or paths hold a term, and whether its changed lines do: (ids, terms) each.

        200 commits take a millisecond at most, where reading their messages took six.
        """
        known, searcher, shape = self._known, self._index.searcher(), (len(ids), len(analyzed))
        held = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for start in range(0, len(analyzed), _BITS // 2):
            part = [
                (place, start + n, self._has(field, term))
                for place, field in enumerate(("all", "changed"))
                for n, term in enumerate(analyzed[start : start + _BITS // 2]) if known.count(searcher, field, term)
            ]  # fmt: skip
            flags = [tantivy.Query.const_score_query(has, float(1 << bit)) for bit, (_, _, has) in enumerate(part)]
            with self._reading():
                marks = self._mark(searcher, ids, flags)
            for bit, (place, n, _) in enumerate(part):
                held[place][:, n] = marks >> bit & 1
        return held

    def analyze_name(self, name: str) -> list[str]:
        """Return the terms of something spelled as in code: its joined form where it has one, else all of its words."""
        return list(dict.fromkeys(self._analyzer.analyze(terms.join_name(name))))

    def get_rarity(self, analyzed: list[str]) -> dict[str, float]:
        """Return how rare each of the *analyzed* terms is in messages and paths, as BM25 counts it; the rarest 32."""
        field = next(iter(MESSAGE_FIELDS))
        with self._reading():
            known, searcher = self._known, self._index.searcher()
            total = searcher.num_docs
            idf = {term: _idf(total, known.count(searcher, field, term)) for term in analyzed}
        kept = set(sorted(idf, key=idf.__getitem__, reverse=True)[:_MAX_TERMS])
        return {term: rarity for term, rarity in idf.items() if term in kept}

    def _mark(
        self, searcher: tantivy.Searcher, ids: Sequence[int], flags: list[tantivy.Query]
    ) -> npt.NDArray[np.int64]:
        """Return for each of *ids* the union of what *flags*, which score a power of two each, give its documents."""
        if not ids or not flags:
            return np.zeros(len(ids), np.int64)
        chosen = [(tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "id", i, "basic")) for i in ids]
        among = tantivy.Query.const_score_query(tantivy.Query.boolean_query(chosen), 0.0)
        optional = [(tantivy.Occur.Should, flag) for flag in flags]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), *optional])
        hits = searcher.search(query, 2 * len(ids) + len(self._removed), count=False).hits  # a commit has two documents
        marks = dict.fromkeys(ids, 0)
        found = searcher.fast_field_values("id", [address for _, address in hits])
        for commit_id, (score, _) in zip(found, hits, strict=True):
            if commit_id in marks:
                marks[int(commit_id)] |= int(score)
        return np.fromiter(marks.values(), np.int64, len(ids))

    def _has(self, field: str, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, term, "freq")

    def _search(self, searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> dict[int, float]:
        """Return the best *limit*, equal ones by id: tantivy orders those by its files."""
        removed = self._removed
        most = limit + len(removed) + _TIES
        while True:
            hits = searcher.search(query, most, count=False).hits
            if len(hits) < most or hits[-1][0] < hits[limit + len(removed) - 1][0]:
                break
            most *= 4
        ids = searcher.fast_field_values("id", [address for _, address in hits])
        scored = [(score, i) for i, (score, _) in zip(ids, hits, strict=True) if i is not None and i not in removed]
        scored.sort(reverse=True)
        return {int(i): float(score) for score, i in scored[:limit]}

    def _query(self, analyzed: list[str], fields: dict[str, float]) -> tantivy.Query:
        should = tantivy.Occur.Should
        per_field = [
            tantivy.Query.boost_query(
                tantivy.Query.boolean_query([(should, self._has(name, term)) for term in analyzed]), boost
            )
            for name, boost in fields.items()
        ]
        return tantivy.Query.boolean_query([(should, query) for query in per_field])

    def _rarest(self, known: _Known, searcher: tantivy.Searcher, analyzed: Sequence[str], field: str) -> list[str]:
        """Drop terms that occur nowhere; of very many keep the rarest."""
        counted = [(count, term) for term in analyzed if (count := known.count(searcher, field, term))]
        return [term for _, term in sorted(counted)[:_MAX_TERMS]]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what tantivy raises at damaged files into WordIndexError; its panics are no Exception."""
        try:
            yield
        except (ValueError, OSError, RuntimeError) as err:
            raise self._make_error() from err
        except BaseException as err:
            if type(err).__name__ != "PanicException":  # of pyo3_runtime, which cannot be imported (tantivy 0.27.0)
                raise
            raise self._make_error() from err

    def _make_error(self) -> AilError:
        """Return what to say of files that cannot be read: once closed, they may be another index's by now, or gone."""
        return ClosedError() if self._is_closed else WordIndexError()

    @property
    def _index(self) -> tantivy.Index:
        if (index := self._open_index) is not None:
            return index
        with self._turning:
            if self._open_index is None:
                if self._is_closed or (self._left is not None and self._left != self._look()):
                    raise self._make_error()  # tantivy would begin an empty one where the files are gone
                self._open_index = self._open()
            return self._open_index

    def _look(self) -> dict[str, tuple[int, int]]:
        """Return size and time of each file; nobody but this object writes them."""
        found = {}
        with contextlib.suppress(OSError), os.scandir(self._path) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found[entry.name] = (entry.stat().st_size, entry.stat().st_mtime_ns)
        return found

    def _add(self, document: tantivy.Document) -> None:
        with _translated():
            self._get_writer().add_document(document)

    def _get_writer(self) -> tantivy.IndexWriter:
        """Return the writer, for a change."""
        if self._writer is None:
            with self._turning:
                self._writer = self._index.writer(_HEAP_BYTES, 1)
        self._is_dirty = True
        return self._writer

    def _open(self) -> tantivy.Index:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        index = tantivy.Index(self._schema, str(self._path))
        index.config_reader("manual")
        index.register_tokenizer("ail", self._analyzer)
        return index


class _Known:
    """What one state of the index was asked for lately: one question asks for most of it two or three times.

    An object that was replaced meanwhile may still be filled, and is not looked at again.
    """

    def __init__(self) -> None:
        self.found: dict[tuple[str, ...], dict[int, float]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def keep(self, asked: tuple[str, ...], found: dict[int, float]) -> None:
        """Note what was *found*; earlier ones are forgotten."""
        if len(self.found) >= _KEPT_FOUND:
            self.found = {}
        if len(found) <= _KEPT_IDS:
            self.found[asked] = found

    def count(self, searcher: tantivy.Searcher, field: str, term: str) -> int:
        """Return in how many documents of *searcher* *field* holds *term*."""
        count = self._counts.get((field, term))
        if count is None:
            if len(self._counts) >= _KEPT_COUNTS:
                self._counts = {}
            count = self._counts[field, term] = searcher.doc_freq(field, term)
        return count


def _idf(total: int, count: int) -> float:
    """Return a term's weight as BM25 has it: *count* of *total* documents hold it."""
    return math.log1p((total - count + 0.5) / (count + 0.5))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn tantivy's errors, which reach Python as ValueError, into StorageError."""
    try:
        yield
    except (ValueError, OSError) as err:
        full = "the disk is full: " if "os error 28" in str(err) or "No space" in str(err) else ""
        raise StorageError(
            f"{full}the word index could not be written",
            "free some space in the state directory; indexing goes on by itself",
        ) from err


def _build_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    for name in (*MESSAGE_FIELDS, *CHANGED_FIELDS, *PROSE_FIELDS):
        builder.add_text_field(name, tokenizer_name="ail", index_option="freq")
    return builder.build()


def _build_analyzer() -> tantivy.TextAnalyzer:
    """Words of letters and digits, lower case, English stems: MRR .685 with stems, .664 without (245 questions)."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (tantivy.Filter.lowercase(), tantivy.Filter.remove_long(40), tantivy.Filter.stemmer("english")):
        builder = builder.filter(step)
    return builder.build()
