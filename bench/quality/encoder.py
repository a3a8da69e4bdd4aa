"""What the served encoder and FAISS lose, apart from ranking: both against sentence-transformers and exact search in float32.

    python -m bench.quality.encoder [pytest|aiohttp]

Messages alone, cosine alone, over a whole history: MRR of the served embeddings and of the original's, how many of the
original's ten nearest
are kept, and how many of the exact ten nearest FAISS finds among the served ones.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import numpy as np
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.vectors import Vectors
from ail_daemon.model import Embeddings
from bench.evaluation import EVAL, load_set, read_lines, read_messages

from .figures import show_figure

NEAREST = 10


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="pytest")
    name = parser.parse_args().name
    measured, messages = load_set(name), read_messages(name)
    questions = [row["question"] for row in measured.questions]
    answers = _find_answers(name, measured.questions)
    found = {}
    for kind in ("sentence-transformers", "prepared"):
        encoder = open_encoder(DEFAULT_MODEL, kind, prepare_models(), 2)
        found[kind] = encoder.encode(messages), encoder.encode(questions)
    (texts, asked), (served_texts, served_asked) = found.values()
    show_figure("cosine to the original, mean", float((texts * served_texts).sum(axis=1).mean()))
    show_figure("cosine to the original, least", float((texts * served_texts).sum(axis=1).min()))
    exact, served = _find(texts, asked), _find(served_texts, served_asked)
    show_figure("the original's ten nearest that are kept", _overlap(exact, served))
    show_figure("MRR, original", _score(texts, asked, answers))
    show_figure("MRR, served", _score(served_texts, served_asked, answers))
    show_figure("FAISS recall@10 against exact search", _overlap(served, _find_with_faiss(served_texts, served_asked)))


def _find_answers(name: str, rows: list[dict[str, Any]]) -> list[set[int]]:
    """Return for each question the places of its answers in the history."""
    places = {row["sha"]: place for place, row in enumerate(read_lines(EVAL / f"{name}.history.jsonl.gz"))}
    asked = {row["question"]: row for row in read_lines(EVAL / f"{name}.queries.jsonl")}
    return [{places[sha] for sha in asked[row["question"]]["answers"] if sha in places} for row in rows]


def _find(texts: Embeddings, asked: Embeddings) -> list[set[int]]:
    return [set(np.argsort(-(texts @ one), kind="stable")[:NEAREST].tolist()) for one in asked]


def _find_with_faiss(texts: Embeddings, asked: Embeddings) -> list[set[int]]:
    vectors = Vectors(texts.shape[1])
    vectors.add(np.arange(len(texts)), texts)
    return [set(vectors.find(one[None], NEAREST)) for one in asked]


def _overlap(wanted: list[set[int]], found: list[set[int]]) -> float:
    return statistics.fmean(len(a & b) / NEAREST for a, b in zip(wanted, found, strict=True))


def _score(texts: Embeddings, asked: Embeddings, answers: list[set[int]]) -> float:
    """Return the MRR, over the first hundred."""
    ranks = []
    for one, right in zip(asked, answers, strict=True):
        order = np.argsort(-(texts @ one), kind="stable")[:100].tolist()
        ranks.append(next((n for n, place in enumerate(order, 1) if place in right), 0))
    return statistics.fmean(1 / rank if rank else 0.0 for rank in ranks)


if __name__ == "__main__":
    main()
