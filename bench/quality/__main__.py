"""How well commits are found: BM25 alone, vectors alone, a plain fusion of both, and AIL, on every question set there is.

    python -m bench.quality [NAME ...] [--clones DIR]

Without --clones, and where nothing was built from clones before: pytest and aiohttp without code. With it also with code, and
questions
in people's own words. Only pytest was never fitted to. `python -m bench.quality.encoder` measures the encoder's own loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.model import Encoder
from ail_daemon.search.ranking import Hit, Ranked, load_model, rank

from .figures import HEADER, Outcome, show
from .gathering import INDEXES, Judged, gather_all
from .sets import CODE, READ_ON, QuestionSet, load_with_code, load_without_code

Method = Callable[[Judged], Ranked]


def main() -> None:
    """Print a row for each set, kind of question, scope and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[READ_ON], help="projects; pytest by default")
    parser.add_argument("--clones", type=Path, help="a directory with clones of them")
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    print(HEADER)
    for name in options.names:
        if name in ("pytest", "aiohttp"):
            _measure(f"{name} without code", load_without_code(name), encoder, INDEXES / "bare")
        if options.clones or (CODE / f"{name}.git").exists():
            _measure(f"{name} with code", load_with_code(name, options.clones), encoder, INDEXES)


def _measure(title: str, measured: QuestionSet, encoder: Encoder, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    judged = gather_all(measured, encoder, directory)
    for method, order in METHODS.items():
        show(f"{title}: {method}", [Outcome.of(one, order(one)) for one in judged])
    lexical = gather_all(measured, None, directory)
    show(f"{title}: AIL, no model", [Outcome.of(one, _rank(one, is_semantic=False)) for one in lexical])


def _rank(judged: Judged, *, is_semantic: bool = True) -> Ranked:
    return rank(judged.candidates, judged.asked, load_model(is_semantic=is_semantic), judged.fold)


def _order(judged: Judged, score: Callable[[int], float]) -> Ranked:
    """Rank by one number; the score stands for the confidence, and everything is answered."""
    ordered = sorted(judged.candidates, key=lambda commit_id: (-score(commit_id), -commit_id))
    return Ranked([Hit(i, score(i), judged.candidates[i]) for i in ordered], 1.0)


def _order_by_fusion(judged: Judged) -> Ranked:
    most = max((signals.words for signals in judged.candidates.values()), default=0.0) or 1.0

    def fuse(commit_id: int) -> float:
        signals = judged.candidates[commit_id]
        return 0.3 * (signals.cosine or 0.0) + 0.7 * signals.words / most + 0.2 * signals.touches_file

    return _order(judged, fuse)


METHODS: dict[str, Method] = {
    "BM25 alone": lambda judged: _order(judged, lambda i: judged.candidates[i].words),
    "vectors alone": lambda judged: _order(judged, lambda i: judged.candidates[i].cosine or 0.0),
    "plain fusion": _order_by_fusion,
    "AIL": _rank,
}


if __name__ == "__main__":
    main()
