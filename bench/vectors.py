"""How embeddings can be kept in memory, for histories of any length; the tables of docs/decisions/0021.

python -m bench.vectors INDEX [INDEX ...] [--commits N] [--questions FILE ...] [--only NAME ...]

INDEX: a directory below which indexes lie (`store.sqlite`), made by the model that is prepared here. Their embeddings are taken,
one for each commit, at most N of them; where N is more (default: as many as there are), the rest are copies of some of them, by
dice, with noise: at a cosine of .91 to the original. Questions: files with {"question": ...} a line, by default those of
bench/quality. One thread.

First each way is compared over the same embeddings: "of 100" means that a hundred candidates are scored again with the
embeddings themselves. Then the daemon's index over a store of N commits: what a start, a question, a new commit take.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np
import numpy.typing as npt
import psutil
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.codes import CODES, load_vectors
from ail_daemon.index.store import STORE_FILE, Store, hash_text, open_reader
from ail_daemon.index.vectors import Vectors
from ail_daemon.model import Commit, Embeddings

from .figures import percentile, seconds, show

QUESTIONS = Path(__file__).parent / "quality" / "questions"
NEAREST, LOOKED_AT = 10, 70  # of which a reply shows some, and which the ranking looks at
DEPTHS = ((NEAREST, 100), (NEAREST, 200), (NEAREST, 500), (LOOKED_AT, 200), (LOOKED_AT, 700))
ASKED = 200
NOISE = 0.45  # its length, where an embedding's is 1
TRAINED_ON = 50_000
PART = 1 << 14
EQUAL = 1e-5  # two cosines that differ by less are the same embedding's, or as good

Halves = npt.NDArray[np.float16]


class Way(NamedTuple):
    """One way: how an index is made, and by how many lists of how many it is searched, if it has lists."""

    make: Callable[[int], Any]
    probes: int = 0


def _scalar(kind: str) -> Way:
    kind_of = getattr(faiss.ScalarQuantizer, f"QT_{kind}")
    return Way(lambda d: faiss.IndexScalarQuantizer(d, kind_of, faiss.METRIC_INNER_PRODUCT))


def _made(words: str, probes: int = 0) -> Way:
    return Way(
        lambda d: faiss.index_factory(d, words.format(half=d // 2, quarter=d // 4), faiss.METRIC_INNER_PRODUCT), probes
    )


def _rabitq(bits: int, *, is_centred: bool = True) -> Way:
    def make(dimension: int) -> Any:
        index = faiss.IndexRaBitQ(dimension, faiss.METRIC_INNER_PRODUCT, bits)
        if not is_centred:
            index.train(np.zeros((1, dimension), np.float32))
        return index

    return Way(make)


WAYS = {
    "float16, flat": _scalar("fp16"),
    "SQ8": _scalar("8bit"),
    "SQ4": _scalar("4bit"),
    "SQ2 (TurboQuant)": _scalar("2bit_tqmse"),
    "PQ, 4 bits of 4 numbers, fast scan": _made("PQ{quarter}x4fs"),
    "PQ, 4 bits of 2 numbers, fast scan": _made("PQ{half}x4fs"),
    "RaBitQ, 1 bit, around zero": _rabitq(1, is_centred=False),
    "RaBitQ, 1 bit, around the mean": _rabitq(1),
    "RaBitQ, 1 bit, around the mean, rotated": _made("RR,RaBitQ"),
    "RaBitQ, 2 bits, around zero": _rabitq(2, is_centred=False),
    "IVF 1024, SQ8, 64 lists": _made("IVF1024,SQ8", 64),
    "IVF 1024, RaBitQ, 64 lists": _made("IVF1024,RaBitQ", 64),
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("indexes", type=Path, nargs="+")
    parser.add_argument("--commits", type=int)
    parser.add_argument("--questions", type=Path, nargs="*", default=sorted(QUESTIONS.glob("*.jsonl")))
    parser.add_argument("--only", nargs="*", help="names of ways; none: the daemon's index alone")
    given = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    real = read_embeddings(given.indexes, encoder.model_id)
    kept = grow(real, given.commits or len(real))
    asked = encoder.encode(choose_questions(given.questions))
    print(f"{len(kept):,} embeddings, {min(len(real), len(kept)):,} of them real; {len(asked)} questions", flush=True)
    faiss.omp_set_num_threads(1)
    compare(kept, asked, WAYS if given.only is None else {name: WAYS[name] for name in given.only})
    with tempfile.TemporaryDirectory() as directory:
        measure_index(Path(directory), kept, asked)


def read_embeddings(directories: list[Path], model_id: str) -> Halves:
    """Return the embeddings of all commits of the indexes below *directories*, as they are stored."""
    found: list[Halves] = []
    for file in sorted(path for directory in directories for path in directory.rglob(STORE_FILE)):
        with open_reader(file) as store:
            ((model,),) = store.execute("SELECT value FROM meta WHERE key = 'model_id'").fetchall() or [("",)]
            if model != model_id:
                print(f"{file}: left out, it is another model's", flush=True)
                continue
            rows = store.execute("SELECT vector FROM commits JOIN embeddings USING (text_hash) ORDER BY id")
            while part := rows.fetchmany(PART):
                found.append(np.frombuffer(b"".join(row for (row,) in part), np.float16).reshape(len(part), -1))
    if not found:
        raise SystemExit("no index of the prepared model is there")
    return np.concatenate(found)


def choose_questions(files: list[Path]) -> list[str]:
    """Return up to ASKED questions, from all of the files alike."""
    rows = [json.loads(line)["question"] for file in files for line in file.read_text("utf-8").splitlines()]
    return rows[:: max(1, len(rows) // ASKED)][:ASKED]


def grow(real: Halves, commits: int) -> Halves:
    """Return so many embeddings: those of *real*, fewer by dice, or more by copies with noise."""
    dice = np.random.default_rng(1)
    if commits <= len(real):
        return real[np.sort(dice.choice(len(real), commits, replace=False))]
    grown = np.empty((commits, real.shape[1]), np.float16)
    grown[: len(real)] = real
    for start in range(len(real), commits, PART):
        count = min(PART, commits - start)
        copies = real[dice.integers(0, len(real), count)].astype(np.float32)
        copies += dice.standard_normal(copies.shape, np.float32) * (NOISE / real.shape[1] ** 0.5)
        grown[start : start + count] = copies / np.linalg.norm(copies, axis=1, keepdims=True)
    return grown


# --- ways, compared ---------------------------------------------------------------------------------------------------


def compare(kept: Halves, asked: Embeddings, ways: dict[str, Way]) -> None:
    """Print a row for each way."""
    if not ways:
        return
    best = find_best(kept, asked)
    columns = " | ".join(f"@{most} of {depth}" for most, depth in DEPTHS)
    print(
        f"| way | bytes | search p50 | p95 | build | one more | recall{columns} |\n|{'---|' * (6 + len(DEPTHS))}",
        flush=True,
    )
    for name, way in ways.items():
        index = way.make(asked.shape[1])
        build_s = seconds(lambda index=index: build(index, kept))  # type: ignore[misc]
        if way.probes:
            index.nprobe = way.probes
        times = [seconds(lambda one=one, index=index: index.search(one[None], DEPTHS[-1][1])) for one in asked]  # type: ignore[misc]
        recall = " | ".join(f"{share:.4f}" for share in measure_recall(index, kept, asked, best))
        one_s = statistics.median(seconds(lambda index=index: index.add(asked[:1])) for _ in range(20))  # type: ignore[misc]
        p50, p95 = (percentile(times, share) * 1e3 for share in (0.5, 0.95))
        timed = f"{p50:.1f} | {p95:.1f} ms | {build_s:.1f} s | {one_s * 1e3:.2f} ms"
        print(f"| {name} | {index.sa_code_size()} | {timed} | {recall} |", flush=True)


def find_best(kept: Halves, asked: Embeddings) -> Embeddings:
    """Return for each question the LOOKED_AT largest cosines, the largest first."""
    best = np.full((len(asked), LOOKED_AT), -1.0, np.float32)
    for start in range(0, len(kept), PART):
        cosines = asked @ kept[start : start + PART].astype(np.float32).T
        best = -np.sort(-np.concatenate([best, cosines], axis=1), axis=1)[:, :LOOKED_AT]
    return best


def build(index: Any, kept: Halves) -> None:
    """Train *index* where it must be, and add everything, as when a history is loaded."""
    if not index.is_trained:
        some = np.random.default_rng(2).choice(len(kept), min(len(kept), TRAINED_ON), replace=False)
        index.train(kept[np.sort(some)].astype(np.float32))
    for start in range(0, len(kept), PART):
        index.add(kept[start : start + PART].astype(np.float32))


def measure_recall(index: Any, kept: Halves, asked: Embeddings, best: Embeddings) -> list[float]:
    """Return for each of DEPTHS which share of the best is found. Equal ones count alike, whichever of them is found."""
    found = []
    for one, wanted in zip(asked, best, strict=True):
        _, (places,) = index.search(one[None], max(depth for _, depth in DEPTHS))
        cosines = kept[places[places >= 0]].astype(np.float32) @ one
        found.append([np.mean(-np.sort(-cosines[:depth])[:most] >= wanted[most - 1] - EQUAL) for most, depth in DEPTHS])
    return [float(share) for share in np.mean(found, axis=0)]


# --- the daemon's vectors, over a store -------------------------------------------------------------------------------


def measure_index(directory: Path, kept: Halves, asked: Embeddings) -> None:
    """Print what the daemon's vectors take over a store of *kept*."""
    fill(directory, kept)
    for which in ("without the file of codes", "with it"):
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            opened_s, loaded_s, size = fresh.submit(load, directory, asked.shape[1]).result()
        show(f"store opened and checked, {which}", opened_s, "s")
        show("  vectors loaded", loaded_s, "s", "<= 3 with all else")
        show("  memory of both", size / 1e6, "MB", digits=0)
    store = Store(directory / STORE_FILE)
    vectors = Vectors(asked.shape[1], store.iter_embeddings)
    load_vectors(vectors, store, directory / CODES)
    ask(vectors, kept, asked)
    change(vectors, asked)
    store.close()
    if vectors.are_codes:
        show("disk a commit, for the codes", (directory / CODES).stat().st_size / len(kept), "B", digits=0)


def load(directory: Path, dimension: int) -> tuple[float, float, int]:
    """Return how long opening a store and loading its vectors take, in seconds, and the memory of both, in bytes."""
    started, before = time.perf_counter(), psutil.Process().memory_info().rss
    store = Store(directory / STORE_FILE)
    opened_s = time.perf_counter() - started
    vectors = Vectors(dimension, store.iter_embeddings)
    loaded_s = seconds(lambda: load_vectors(vectors, store, directory / CODES))
    size = psutil.Process().memory_info().rss - before
    store.close()
    return opened_s, loaded_s, size


def fill(directory: Path, kept: Halves) -> None:
    """Make a store in *directory* with a commit for each of *kept*."""
    store = Store(directory / STORE_FILE)
    with store.filling():
        for start in range(0, len(kept), PART):
            rows = kept[start : start + PART]
            commits = list(make_commits(start, len(rows)))
            with store.transaction():
                store.add_commits(commits)
                store.add_embeddings([hash_text(one.message) for one in commits], rows.astype(np.float32))
    store.close()


def make_commits(start: int, count: int) -> Iterator[Commit]:
    """Yield so many commits, each with a message of its own."""
    for number in range(start, start + count):
        parents = (f"{number - 1:040x}",) if number else ()
        yield Commit(f"{number:040x}", parents, "A", "a@example.org", number, 0, number, f"Change number {number}")


def ask(vectors: Vectors, kept: Halves, asked: Embeddings) -> None:
    """Print how long finding and scoring take, and how much of the best is found."""
    best, times, found = find_best(kept, asked), [], []
    for one, wanted in zip(asked, best, strict=True):
        started = time.perf_counter()
        near = vectors.find(one[None], LOOKED_AT)
        times.append((time.perf_counter() - started) * 1e3)
        cosines = np.array(list(near.values()))
        found.append([np.mean(cosines[:most] >= wanted[most - 1] - EQUAL) for most in (NEAREST, LOOKED_AT)])
    show("the nearest of a question: p50", percentile(times, 0.5), "ms")
    show("  p95", percentile(times, 0.95), "ms", "<= 120 with all else")
    for most, share in zip((NEAREST, LOOKED_AT), np.mean(found, axis=0), strict=True):
        show(f"  recall@{most}", float(share), "", ">= .98", digits=4)
    dice = np.random.default_rng(3)
    for count in (100, 1000):
        some = [dice.integers(1, len(kept), count).tolist() for _ in range(50)]
        times = [seconds(lambda ids=ids: vectors.score(asked[:1], ids)) * 1e3 for ids in some]  # type: ignore[misc]
        show(f"the cosines of {count} commits: p50", percentile(times, 0.5), "ms")
        show("  p95", percentile(times, 0.95), "ms")


def change(vectors: Vectors, asked: Embeddings) -> None:
    """Print how long a new commit, and one that goes, take."""
    ids = [np.array([(1 << 40) + number]) for number in range(20)]
    added = [seconds(lambda one=one: vectors.add(one, asked[:1])) * 1e3 for one in ids]  # type: ignore[misc]
    removed = [seconds(lambda one=one: vectors.remove(one)) * 1e3 for one in ids]  # type: ignore[misc]
    show("one commit more: p50", percentile(added, 0.5), "ms")
    show("one commit less: p50", percentile(removed, 0.5), "ms")


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
