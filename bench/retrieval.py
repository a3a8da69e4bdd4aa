"""How well `ask` finds commits: the evaluation questions over the socket, open and scoped, and questions without an answer.

python -m bench.retrieval [pytest|aiohttp]
"""

from __future__ import annotations

import itertools
import statistics
import sys
from typing import Any

from tests.running import Calling, prepare_models, sealed_home

from .evaluation import EvalSet, load_set

LIMIT = 10


def main() -> None:
    """Print a row for each way to ask."""
    measured = load_set(sys.argv[1] if len(sys.argv) > 1 else "pytest")
    print(f"{measured.name:<10} {'':<22}  hit@1  hit@5 hit@10    mrr  answered    ece  auroc")
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo))
        for mode in ("lexical", "auto"):
            for is_scoped in (False, True):
                _show(
                    f"{mode}, {'scoped' if is_scoped else 'open'}", _ask_all(call, measured, mode, is_scoped=is_scoped)
                )
        none = [_ask(call, measured, question, "auto", None) for question in measured.unanswerable]
        answered = statistics.fmean(reply["outcome"] != "no_evidence" for reply in none)
        print(f"questions about another project that were given an answer: {answered:.3f}")


def _ask(call: Calling, measured: EvalSet, question: str, mode: str, file: str | None) -> dict[str, Any]:
    reply = call("ask", repo=str(measured.repo), question=question, file=file, mode=mode, limit=LIMIT, no_cache=True)
    return dict(reply)


def _ask_all(call: Calling, measured: EvalSet, mode: str, *, is_scoped: bool) -> list[tuple[int | None, float, bool]]:
    """Return, for each question, the rank of the first answer, the confidence, whether anything was given."""
    rows = []
    for query in measured.questions:
        reply = _ask(call, measured, query["question"], mode, query["file"] if is_scoped else None)
        shas = [citation["sha"] for citation in reply["citations"]]
        rank = next((n for n, sha in enumerate(shas, 1) if sha in query["answers"]), None)
        rows.append((rank, reply["confidence"], reply["outcome"] != "no_evidence"))
    return rows


def _show(name: str, rows: list[tuple[int | None, float, bool]]) -> None:
    hits = [statistics.fmean(rank is not None and rank <= k for rank, _, _ in rows) for k in (1, 5, 10)]
    mrr = statistics.fmean(1 / rank if rank else 0 for rank, _, _ in rows)
    said = statistics.fmean(answered for _, _, answered in rows)
    pairs = sorted((confidence, rank == 1) for rank, confidence, _ in rows)
    figures = "  ".join(f"{figure:.3f}" for figure in (*hits, mrr))
    judged = f"{calibration_error(pairs):.3f}  {area_under_curve(pairs):.3f}"
    print(f"{'':<10} {name:<22}  {figures}     {said:.3f}  {judged}", flush=True)


def calibration_error(pairs: list[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error over *bins* bins of equal mass."""
    edges = [round(i * len(pairs) / bins) for i in range(bins + 1)]
    parts = [pairs[a:b] for a, b in itertools.pairwise(edges) if b > a]
    gaps = (abs(sum(c for c, _ in part) - sum(right for _, right in part)) for part in parts)
    return sum(gaps) / len(pairs)


def area_under_curve(pairs: list[tuple[float, bool]]) -> float:
    """Return the probability that a right first citation has more confidence than a wrong one; ties count half."""
    right = [c for c, is_right in pairs if is_right]
    wrong = [c for c, is_right in pairs if not is_right]
    if not right or not wrong:
        return float("nan")
    return sum((r > w) + 0.5 * (r == w) for r in right for w in wrong) / (len(right) * len(wrong))


if __name__ == "__main__":
    main()
