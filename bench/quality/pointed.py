"""How sure answers about lines and files that a question only points at are, against what they were read to be.

    python -m bench.quality.pointed

The lines of questions/pointed.jsonl were drawn by chance from fourteen projects; whoever read an answer beside its lines
noted whether it tells why they are so: 1, half of it .5, not 0. Those "after" were drawn and read when all was fitted; "files"
are asked about as a whole, where their maker or their first comment is told. Each is asked again; one that is answered
otherwise now is only counted. The lines drawn "after" are also asked with their code as the question, as editors once did.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Scope
from ail_daemon.search.candidates import Question
from ail_daemon.search.search import answer
from ail_rpc import WHY
from ail_rpc.discovery import find_repository

from .gathering import INDEXES, build_index, find_whole
from .sets import CODE, QUESTIONS

_BOUNDS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.01)


def main() -> None:
    """Print how often answers of each confidence were read to be right."""
    rows = [json.loads(line) for line in (QUESTIONS / "pointed.jsonl").read_text().splitlines()]
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    told = [
        one for name, of in groupby(rows, lambda row: row["project"]) for one in _ask_project(name, list(of), encoder)
    ]
    for drawn in ("fitted", "after", "files"):
        of_kind = [(said, right) for said, right, kind in told if kind == drawn]
        print(f"{drawn}: {len(of_kind)} of {sum(row['drawn'] == drawn for row in rows)} are answered as they were read")
        for low, high in pairwise(_BOUNDS):
            _show(f"told at {low:.0%} to {min(high, 1):.0%}", [one for one in of_kind if low <= one[0] < high])
        _show("told at 70 % or more", [one for one in of_kind if one[0] >= 0.7])
    after = [row for row in rows if row["drawn"] == "after"]
    outcomes = [
        pair for name, of in groupby(after, lambda row: row["project"]) for pair in _compare(name, list(of), encoder)
    ]
    for place, how in enumerate(("by the place alone", "with their code as the question")):
        print(f"{sum(pair[place] == 'answered' for pair in outcomes)} of {len(outcomes)} lines are answered {how}")


def _show(name: str, told: list[tuple[float, float]]) -> None:
    if told:
        said, right = np.mean(told, axis=0)
        print(f"  {name:22} {len(told):3}: said {said:.2f}, right {right:.2f}")


def _ask_project(name: str, rows: list[dict[str, Any]], encoder: Encoder) -> Iterator[tuple[float, float, str]]:
    """Yield confidence, verdict and when it was drawn, of each row that is answered as it was read."""
    with closing(build_index(CODE / f"{name}.git", INDEXES / name, encoder)) as index:
        for row in rows:
            reply = _ask(index, encoder, name, row)
            if reply["outcome"] == "answered" and reply["answer"].startswith(row["begins"]):
                yield reply["confidence"], row["right"], row["drawn"]


def _compare(name: str, rows: list[dict[str, Any]], encoder: Encoder) -> Iterator[tuple[str, str]]:
    """Yield the outcomes of each line, asked by its place alone and with its code."""
    with closing(build_index(CODE / f"{name}.git", INDEXES / name, encoder)) as index:
        for row in rows:
            yield _ask(index, encoder, name, row)["outcome"], _ask(index, encoder, name, row, has_code=True)["outcome"]


def _ask(
    index: RepoIndex, encoder: Encoder, name: str, row: dict[str, Any], *, has_code: bool = False
) -> dict[str, Any]:
    scope = Scope(row["file"], (row["line"], row["line"]) if row["line"] else None)
    lines = find_whole(find_repository(str(CODE / f"{name}.git")), row["file"], scope.lines)
    text = f"why {' '.join(lines.code.split())}" if has_code else WHY
    return answer(index, encoder, Question(text, scope, 5, "auto", lines.blamed, lines.logged, lines=lines))


if __name__ == "__main__":
    main()
