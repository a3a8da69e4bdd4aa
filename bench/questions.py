"""Uncached questions over the socket against the bare encoder on the same questions, in turn.

python -m bench.questions
"""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

from tests.running import prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder

from .evaluation import load_set, read_lines
from .figures import percentile, seconds, show

PEOPLE = Path(__file__).parent / "quality" / "questions" / "pytest.jsonl"


def main() -> None:
    """Print p50 and p95 of both, and their ratios: for statements, and for questions whose passages are compared, too."""
    measured = load_set("pytest")
    notes = [row["question"] for row in measured.questions]
    people = [row["question"] for row in read_lines(PEOPLE)]
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))
        encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 1)
        encoder.encode(notes[:1])

        def ask(question: str, *, no_cache: bool = False) -> float:
            return seconds(lambda: call("ask", repo=str(measured.repo), question=question, no_cache=no_cache))

        for what, questions in (("a release note", notes), ("a question of people's", people)):
            bare, whole = [], []
            for question in questions:
                bare.append(seconds(partial(encoder.encode, [question])))
                whole.append(ask(question, no_cache=True))
            for share, must in ((0.5, "<= 60"), (0.95, "<= 120")):
                ms, floor = percentile(whole, share) * 1e3, percentile(bare, share) * 1e3
                show(f"{what}, uncached, over the socket, p{share * 100:.0f}", ms, "ms", must)
                show(f"  against the bare encoder ({floor:.2f} ms)", ms / floor, "x")
        for question in notes:
            ask(question)
        cached = [ask(question) for question in notes]
        show("the same again, from the cache, p50", statistics.median(cached) * 1e3, "ms")


if __name__ == "__main__":
    main()
