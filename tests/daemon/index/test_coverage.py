from __future__ import annotations

import pytest

from ail_daemon.coverage import Reader, weigh


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Retries were counted twice", {"retri"}),
        ("retryBudget is spent", {"retri", "budget"}),
        ("set retry_budget", {"retri", "budget"}),
        ("src/retry/BUDGET.py", {"retri", "budget"}),
        ("a subretry of budgetarianism", set()),
        ("", set()),
    ],
)
def test_a_term_is_seen_as_a_word_or_as_a_part_of_a_name(text: str, seen: set[str]) -> None:
    assert Reader(["retri", "budget"]).read(text) == seen


def test_a_question_without_terms_sees_nothing() -> None:
    assert Reader([]).read("anything") == frozenset()


def test_signs_of_patterns_in_a_term_are_only_signs() -> None:
    assert Reader(["c++", "a.b"]).read("aXb") == frozenset()


def test_rare_terms_weigh_more() -> None:
    rarity = {"socket": 7.0, "fix": 1.0}
    assert weigh({"socket"}, rarity) > weigh({"fix"}, rarity)
