"""The cache of similar questions: false hits among near questions, hits among paraphrases, what a hit costs.

python -m bench.similar
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tests.running import prepare_models, sealed_home

from ail_daemon.asking.wording import canonical
from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.model import Encoder
from ail_daemon.settings import Settings

from .evaluation import EVAL, load_set
from .figures import seconds, show
from .quality.near_pairs import near_pairs

PARAPHRASES = Path(__file__).parent / "paraphrases.txt"
_ASKED = 60


def main() -> None:
    """Print the figures."""
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    _judge_near(encoder)
    _judge_paraphrases(encoder)
    if EVAL.is_dir():
        _time_hits()
    else:
        print("what a hit costs: skipped, the evaluation data is not here")


def _judge_near(encoder: Encoder) -> None:
    pairs = [(pair.kind, pair.first, pair.second) for pair in near_pairs()]
    near = _are_near(encoder, [(first, second) for _, first, second in pairs])
    alike = [canonical(first) == canonical(second) for _, first, second in pairs]
    show("pairs of near questions with different answers", len(pairs), "", ">= 5,000", digits=0)
    show("  taken for one another by similarity alone", sum(near), "", digits=0)
    show("  by the gate alone", sum(alike), "", digits=0)
    false = [pair for pair, is_near, is_alike in zip(pairs, near, alike, strict=True) if is_near and is_alike]
    show("  by both, as the daemon does: false hits", len(false), "", "0", digits=0)
    print(f"  {dict(Counter(kind for kind, *_ in pairs))}")
    for pair in false[:20]:
        print("  false hit:", *pair, sep="\n    ", file=sys.stderr)


def _judge_paraphrases(encoder: Encoder) -> None:
    lines = [line for line in PARAPHRASES.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [(first, second) for first, _, second in (line.partition(" | ") for line in lines)]
    near = _are_near(encoder, pairs)
    hits = [canonical(a) == canonical(b) and is_near for (a, b), is_near in zip(pairs, near, strict=True)]
    show(f"{len(pairs)} paraphrases: near enough", 100 * statistics.fmean(near), "%", digits=0)
    show("  hits", 100 * statistics.fmean(hits), "%", digits=0)


def _are_near(encoder: Encoder, pairs: Iterable[tuple[str, str]]) -> list[bool]:
    threshold = Settings().faiss_similarity_threshold
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    embedded = dict(zip(texts, np.vstack([encoder.encode([text]) for text in texts]), strict=True))
    return [float(embedded[first] @ embedded[second]) >= threshold for first, second in pairs]


def _time_hits() -> None:
    """Ask each question, then the same in other words; those whose other words are near enough hit."""
    measured = load_set("pytest")
    fresh: list[float] = []
    similar: list[float] = []
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))

        def ask(question: str) -> tuple[object, float]:
            replies: list[dict[str, object]] = []
            spent = seconds(lambda: replies.append(call("ask", repo=str(measured.repo), question=question)))
            return replies[0]["cached"], spent

        ask("why is the first question slow?")
        for row in measured.questions[:_ASKED]:
            _, first = ask(f"why: {row['question']}")
            cached, second = ask(f"how come: {row['question']}")
            if cached == "similar":
                fresh.append(first)
                similar.append(second)
    slow, fast = statistics.median(fresh) * 1e3, statistics.median(similar) * 1e3
    show(f"a question answered from a similar one, p50 of {len(similar)} of {_ASKED}", fast, "ms")
    show(f"  against an uncached one ({slow:.2f} ms)", fast / slow, "x", "<= 0.7 x")


if __name__ == "__main__":
    main()
