"""How fast messages and questions are encoded, against sentence-transformers, in alternating pairs on the same texts.

    PYTHONPATH=client:daemon python bench/encoding.py [--history FILE] [--messages 512] [--pairs 3]

Needs the extras `daemon` and `model`. Ratios of pairs count; absolute figures move with what else the machine does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ail_daemon.encoding.original import load_original
from ail_daemon.encoding.prepared import DEFAULT_MODEL
from ail_daemon.encoding.preparing import prepare
from ail_daemon.encoding.serving import load_encoder

HISTORY = Path(__file__).resolve().parents[1] / "../shared/eval/pytest.history.jsonl.gz"
QUESTIONS = (
    "Why does the client retry three times before it gives up?",
    "what made us stop trusting the cache after a restore?",
    "Why is the import done inside the function and not at the top of the module?",
    "who removed support for Python 2 and why",
)


def read_messages(history: Path, count: int) -> list[str]:
    """Return *count* messages of the history, drawn at random, the same ones each time."""
    with gzip.open(history, "rt", encoding="utf-8") as lines:
        messages = [str(json.loads(line)["message"]) for line in lines]
    return random.Random(1).sample(messages, min(count, len(messages)))


def rate(encode: Callable[[list[str]], object], texts: list[str]) -> float:
    """Return texts a second over one call."""
    start = time.perf_counter()
    encode(texts)
    return len(texts) / (time.perf_counter() - start)


def question_ms(encode: Callable[[list[str]], object], rounds: int = 25) -> float:
    """Return the median milliseconds of one question, each asked alone."""
    return statistics.median(1000 / rate(encode, [question]) for _ in range(rounds) for question in QUESTIONS)


def compare(messages: list[str], pairs: int, models_dir: Path, threads: int) -> None:
    """Print the figures of each pair and the median ratio."""
    original = load_original(DEFAULT_MODEL, device="cpu")
    prepared = prepare(DEFAULT_MODEL, models_dir, download=False, report=lambda text: print(text, file=sys.stderr))
    bulk, single = load_encoder(prepared, threads), load_encoder(prepared)
    encoders: list[tuple[str, Callable[[list[str]], object], Callable[[list[str]], object]]] = [
        ("sentence-transformers", lambda texts: original.encode(texts, batch_size=32), original.encode),
        ("prepared", bulk.encode, single.encode),
    ]
    ratios = []
    for _ in range(pairs):
        rates = []
        for name, encode_many, encode_one in encoders:
            rates.append(rate(encode_many, messages))
            print(f"{name:22} {rates[-1]:7.0f} messages/s   one question {question_ms(encode_one):6.2f} ms", flush=True)
        ratios.append(rates[1] / rates[0])
    print(f"ratio of rates: median {statistics.median(ratios):.1f}, least {min(ratios):.1f}")


def main() -> int:
    """Read the arguments, run, return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=Path, default=HISTORY, help="a .jsonl.gz whose lines have `message`")
    parser.add_argument("--messages", type=int, default=512)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    if not args.history.exists():
        print(f"no history at {args.history}: name one with --history", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ail-bench-") as models_dir:
        compare(read_messages(args.history, args.messages), args.pairs, Path(models_dir), os.cpu_count() or 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
