"""Whether `auto` is ever quieter, or worse, than its better side: every question asked in all three modes.

    python -m bench.quality.modes [NAME ...]

Questions are those of `questions/NAME.jsonl` with `keywords`. Printed for each mode: how many of those with an answer are
answered, for how many the first passage holds the reason, whether those without one are answered; and how often `auto` is
silent where a side gives an answer that holds the reason, and where one gives an answer of any kind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.running import prepare_models

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.model import Encoder, Mode, Scope
from ail_daemon.search.candidates import Question
from ail_daemon.search.linehistory import NO_LINES
from ail_daemon.search.search import answer
from ail_daemon.settings import Settings
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import AilError

from .cases import holds_reason
from .gathering import INDEXES, build_index, find_whole
from .sets import CODE, QUESTIONS, REASONS_OF

MODES: tuple[Mode, ...] = ("auto", "semantic", "lexical")


class Given(NamedTuple):
    """What one mode gave: whether it answered, and whether its first passage holds the reason."""

    is_answered: bool
    is_right: bool


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=REASONS_OF, help="sets; the eleven by default")
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_MODEL, "prepared", prepare_models(), 1)
    asked = [one for name in options.names for one in _ask_all(name, encoder)]
    _show([(row, given) for row, given in asked if row["answers"]], [g for row, g in asked if not row["answers"]])


def _ask_all(name: str, encoder: Encoder) -> Iterable[tuple[dict[str, Any], dict[Mode, Given]]]:
    """Yield every question of a set with what each mode gives."""
    repo = CODE / f"{name.removesuffix('-diff')}.git"
    index = build_index(repo, INDEXES / name.removesuffix("-diff"), encoder)
    try:
        for line in (QUESTIONS / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            yield row, _ask(index, find_repository(str(repo)), encoder, row)
    finally:
        index.close()


def _ask(index: RepoIndex, place: RepoPlace, encoder: Encoder, row: dict[str, Any]) -> dict[Mode, Given]:
    scope = Scope(row["file"], tuple(row["lines"]) if row["lines"] else None)
    try:
        lines = find_whole(place, scope.file, scope.lines) if scope.file else NO_LINES
    except AilError:
        lines = NO_LINES
    given: dict[Mode, Given] = {}
    for mode in MODES:
        question = Question(row["question"], scope, 5, mode, lines.blamed, lines.logged, lines=lines)
        required = Settings().faiss_required_confidence if mode == "auto" else 0.0
        told = answer(index, None if mode == "lexical" else encoder, question, required)
        first = told["evidence"][0]["text"] if told["evidence"] else ""
        given[mode] = Given(told["outcome"] == "answered", holds_reason(first, row["keywords"]))
    return given


def _show(with_answer: list[tuple[dict[str, Any], dict[Mode, Given]]], without: list[dict[Mode, Given]]) -> None:
    for mode in MODES:
        answered = sum(given[mode].is_answered for _, given in with_answer)
        right = sum(given[mode].is_right for _, given in with_answer)
        false = sum(given[mode].is_answered for given in without)
        print(
            f"{mode:<9} answered {answered} of {len(with_answer)}, first passage holds the reason {right};"
            f" without an answer answered {false} of {len(without)}"
        )
    sides = [(given["auto"], [given["semantic"], given["lexical"]]) for _, given in with_answer]
    silent = [others for auto, others in sides if not auto.is_answered]
    print(f"auto is silent, a side answers: {sum(any(one.is_answered for one in others) for others in silent)}")
    print(f"  rightly: {sum(any(one.is_answered and one.is_right for one in others) for others in silent)}")


if __name__ == "__main__":
    main()
