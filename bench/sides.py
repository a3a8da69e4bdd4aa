"""The two sides: how often they agree, what asking the other one in the background adds to replies, what the bar costs.

python -m bench.sides [--sample N]
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from tests.running import Home, prepare_models, sealed_home

from .evaluation import EVAL, load_set
from .figures import percentile, show

_ASKED = 150
_ROUNDS = 3


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="questions that both sides are asked")
    options = parser.parse_args()
    if not EVAL.is_dir():
        print("the two sides: skipped, the evaluation data is not here")
        return
    for name in ("pytest", "aiohttp"):
        _measure(name, options.sample)


def _measure(name: str, sample: int) -> None:
    measured = load_set(name)
    repo, questions = str(measured.repo), [row["question"] for row in measured.questions[:_ASKED]]
    with sealed_home(prepare_models()) as home:
        with home.daemon(), home.connected() as call:
            call("repo.add", repo=repo)
            call.wait_complete(repo)
            _show_agreement(name, call("check.consistency", repo=repo, sample=sample, timeout=300))
        _compare_latencies(home, repo, questions, "the other side asked after each reply", {"AIL_SHADOW": "100"})
        _compare_latencies(
            home, repo, questions, "words asked too below 0.5", {}, {"AIL_FAISS_REQUIRED_CONFIDENCE": "0"}
        )


def _show_agreement(name: str, told: dict[str, Any]) -> None:
    (repo,) = told["repos"]
    show(f"{name}: of {repo['asked']} subjects both sides agree on", 100 * repo["rate"], "%", ">= 80 %", digits=1)
    show("  the same commit first", 100 * repo["same_first"], "%", digits=1)
    show("  citations alike", 100 * repo["overlap"], "%", digits=1)
    show("  answers alike", 100 * repo["likeness"], "%", digits=1)


def _compare_latencies(
    home: Home, repo: str, questions: list[str], what: str, env: dict[str, str], against: dict[str, str] | None = None
) -> None:
    """Ask the same with and without, in turns, and print what it adds."""
    spent: list[list[float]] = [[], []]
    for _ in range(_ROUNDS):
        for times, chosen in zip(spent, (against or {}, env), strict=True):
            with home.daemon(**chosen), home.connected() as call:
                times += _time(call, repo, questions)
    medians, tails = [statistics.median(times) for times in spent], [percentile(times, 0.95) for times in spent]
    show(f"  {what}: p50", medians[1], "ms")
    show("    against none", medians[1] / medians[0], "x")
    show("    p95 against none", tails[1] / tails[0], "x")


def _time(call: Any, repo: str, questions: list[str]) -> list[float]:
    for question in questions[:5]:
        call("ask", repo=repo, question=question, no_cache=True)
    return [call("ask", repo=repo, question=question, no_cache=True)["query_time_ms"] for question in questions]


if __name__ == "__main__":
    main()
