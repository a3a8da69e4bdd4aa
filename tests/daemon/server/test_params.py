"""Declared parameters: what passes, what is filled in, what is refused and how."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ail_daemon.server.params import Method, Param, flag, lines, number, raw, text, texts, whole
from ail_rpc.errors import UsageError


async def give_back(params: dict[str, Any]) -> dict[str, Any]:
    return params


def take(given: dict[str, Any], *params: Param) -> dict[str, Any]:
    async def call() -> dict[str, Any]:
        found: dict[str, Any] = await Method(give_back, *params)(given)
        return found

    return asyncio.run(call())


def test_what_is_not_given_or_nil_is_filled_in() -> None:
    params = text("mode", "auto", "semantic", default="auto"), whole("limit", 1, 100, default=5), flag("cache", True)
    assert take({"mode": None, "limit": 7}, *params) == {"mode": "auto", "limit": 7, "cache": True}


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (text("x"), ""),
        (text("x", "a", "b"), "b"),
        (texts("x"), []),
        (raw("x"), "a\0b"),
        (texts("x"), ["a", "b"]),
        (flag("x"), False),
        (whole("x", 1, 5), 1),
        (whole("x", 1, 5), 5),
        (number("x", 0, 1), 0),
        (number("x", 0, 1), 0.5),
        (lines("x"), [3, 3]),
        (lines("x"), [1, 900]),
    ],
)
def test_a_value_that_may_be_passes_unchanged(param: Param, value: object) -> None:
    assert take({"x": value}, param) == {"x": value}


@pytest.mark.parametrize(
    ("param", "value", "may_be"),
    [
        (text("x"), 1, "text without a NUL"),
        (text("x"), "/a\0b", "text without a NUL"),
        (raw("x"), 1, "text"),
        (text("x", "a", "b"), "c", "a or b"),
        (text("x", "a", "b"), ["a"], "a or b"),
        (texts("x"), "ab", "a list of texts without a NUL"),
        (texts("x"), ["a", 1], "a list of texts without a NUL"),
        (texts("x"), ["a", "b\0"], "a list of texts without a NUL"),
        (flag("x"), 1, "true or false"),
        (whole("x", 1, 5000), 0, "a whole number from 1 to 5,000"),
        (whole("x", 1, 5000), 5001, "a whole number from 1 to 5,000"),
        (whole("x", 1, 5000), True, "a whole number from 1 to 5,000"),
        (whole("x", 1, 5000), 2.0, "a whole number from 1 to 5,000"),
        (number("x", 0, 1), 1.1, "a number from 0 to 1"),
        (number("x", 0, 1), float("nan"), "a number from 0 to 1"),
        (number("x", 0, 1), True, "a number from 0 to 1"),
        (lines("x"), [2, 1], "[first, last], counted from 1"),
        (lines("x"), [0, 1], "[first, last], counted from 1"),
        (lines("x"), [1], "[first, last], counted from 1"),
        (lines("x"), [True, 3], "[first, last], counted from 1"),
        (lines("x"), [1, True], "[first, last], counted from 1"),
    ],
)
def test_any_other_is_refused_with_its_name_and_what_it_may_be(param: Param, value: object, may_be: str) -> None:
    with pytest.raises(UsageError) as refused:
        take({"x": value}, param)
    assert refused.value.message == f"x must be {may_be}"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UsageError) as refused:
        take({}, text("question"))
    assert (refused.value.message, refused.value.hint) == ("question is missing", "question must be text without a NUL")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("qestion", "did you mean question?"), ("zzz", "there is limit, question"), ("", "there is limit, question")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        take({"question": "why?", name: 1}, text("question"), whole("limit", 1, 9, default=1))
    assert (refused.value.message, refused.value.hint) == (f"there is no parameter {name}", hint)
