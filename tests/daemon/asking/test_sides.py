"""Figures of the two sides, which of them answers, and how alike they are."""

from __future__ import annotations

from typing import Any

import pytest

from ail_daemon.asking.plan import NoMeaningError, Plan, decide, turn
from ail_daemon.asking.sides import RECENT, Comparison, SideFigures, compare
from ail_daemon.model import Scope
from ail_daemon.settings import Settings

MEANING = Plan("semantic", "auto", 0.5)
WORDS = Plan("lexical", "lexical")
OFF = Plan("lexical", "lexical", refused="switched_off")


@pytest.mark.parametrize(
    ("settings", "mode", "plan"),
    [
        ({}, "auto", MEANING),
        ({}, "semantic", Plan("semantic", "semantic")),
        ({}, "lexical", WORDS),
        ({"faiss_required_confidence": 0.9, "faiss_fallback": False}, "auto", Plan("semantic", "auto", 0.9, False)),
        ({"faiss_enabled": False}, "auto", OFF),
        ({"faiss_enabled": False}, "semantic", OFF),
        ({"faiss_enabled": False}, "lexical", WORDS),
        ({"faiss_enabled": False, "faiss_fallback": False}, "auto", OFF),
        ({"faiss_rollout": 0}, "auto", WORDS),
        ({"faiss_rollout": 0}, "semantic", Plan("semantic", "semantic")),
    ],
)
def test_the_settings_decide_for_auto_and_a_named_mode_is_honoured(
    settings: dict[str, Any], mode: Any, plan: Plan
) -> None:
    assert decide(Settings(**settings), mode, "repo", Scope(), "why?") == plan


def test_meaning_that_is_switched_off_and_may_not_be_replaced_is_an_error() -> None:
    settings = Settings(faiss_enabled=False, faiss_fallback=False)
    with pytest.raises(NoMeaningError, match="switched off") as refused:
        decide(settings, "semantic", "repo", Scope(), "why?")
    assert "flags" in refused.value.hint


def test_the_other_side_of_each_plan_is_asked_alone() -> None:
    assert turn(MEANING) == WORDS
    assert (turn(WORDS).side, turn(WORDS).required) == ("semantic", 0.0)


def reply(*shas: str, answer: str = "") -> dict[str, Any]:
    return {"citations": [{"sha": sha} for sha in shas], "answer": answer}


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (reply("a", "b", answer="Because it leaks"), reply("a", "b", answer="because IT leaks."), (True, 1.0, 1.0)),
        (reply("a", "b"), reply("b", "a"), (False, 1.0, 1.0)),
        (reply("a", "b", "c"), reply("a", "d"), (True, 0.25, 1.0)),
        (reply("a", answer="one two"), reply("b", answer="two three"), (False, 0.0, 1 / 3)),
        (reply(), reply("a", answer="some"), (False, 0.0, 0.0)),
        (reply(), reply(), (True, 1.0, 1.0)),
    ],
)
def test_replies_are_alike_by_their_commits_and_their_words(
    one: dict[str, Any], other: dict[str, Any], found: tuple[bool, float, float]
) -> None:
    assert compare(one, other) == compare(other, one) == pytest.approx(found)


def test_each_side_has_counts_times_and_confidence_of_its_own() -> None:
    figures = SideFigures()
    for number in range(100):
        figures.note_answer("semantic", 0.75, number, is_cached=False)
    figures.note_answer("semantic", 0.1, 9e9, is_cached=True)
    figures.note_answer("lexical", 0.5, 3.0, is_cached=False)
    figures.note_error("semantic")
    told = figures.describe()
    assert told["semantic"] == {
        "answers": 101, "cached": 1, "errors": 1, "confidence": 0.75,
        "latency_ms": {"p50": 50, "p95": 95, "p99": 99},
    }  # fmt: skip
    assert (told["lexical"]["answers"], told["lexical"]["latency_ms"]["p99"]) == (1, 3.0)


def test_nothing_asked_has_no_figures() -> None:
    told = SideFigures().describe()
    assert told["lexical"]["confidence"] is None
    assert told["lexical"]["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert told["agreement"] == {"count": 0, "same_first": None, "overlap": None, "likeness": None, "dropped": 0}
    assert set(told["fallbacks"].values()) == {0}


def test_percentiles_are_of_the_latest_answers_alone() -> None:
    figures = SideFigures()
    for spent_ms in [1e6] * 10 + [2.0] * RECENT:
        figures.note_answer("lexical", 1.0, spent_ms, is_cached=False)
    assert figures.describe()["lexical"]["latency_ms"]["p99"] == 2.0


def test_agreement_is_the_mean_of_what_was_compared() -> None:
    figures = SideFigures()
    for found in (Comparison(True, 1.0, 1.0), Comparison(False, 0.0, 0.5)):
        figures.note_comparison(found)
    figures.note_dropped()
    figures.note_fallback("model")
    told = figures.describe()
    assert told["agreement"] == {"count": 2, "same_first": 0.5, "overlap": 0.5, "likeness": 0.75, "dropped": 1}
    assert told["fallbacks"]["model"] == 1
