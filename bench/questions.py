"""Uncached questions over the socket against the bare encoder on the same questions, in turn.

python -m bench.questions
"""

from __future__ import annotations

import statistics
from functools import partial

from tests.running import prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder

from .evaluation import load_set
from .figures import percentile, seconds, show


def main() -> None:
    """Print p50 and p95 of both, and their ratios."""
    measured = load_set("pytest")
    questions = [row["question"] for row in measured.questions]
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))
        encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 1)
        encoder.encode(questions[:1])
        whole, bare = [], []

        def ask(question: str, *, no_cache: bool = False) -> float:
            return seconds(lambda: call("ask", repo=str(measured.repo), question=question, no_cache=no_cache))

        for question in questions * 2:
            bare.append(seconds(partial(encoder.encode, [question])))
            whole.append(ask(question, no_cache=True))
        for share, must in ((0.5, "<= 3 x, guide 8 ms"), (0.95, "<= 6 x, guide 20 ms")):
            ms = percentile(whole, share) * 1e3
            floor = percentile(bare, share) * 1e3
            show(f"uncached question over the socket, p{share * 100:.0f}", ms, "ms")
            show(f"  against the bare encoder ({floor:.2f} ms)", ms / floor, "x", must)
        for question in questions:
            ask(question)
        cached = [ask(question) for question in questions]
        show("the same question again, from the cache, p50", statistics.median(cached) * 1e3, "ms")


if __name__ == "__main__":
    main()
