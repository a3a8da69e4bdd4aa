from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ail_daemon.asking.wording import canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Why do we retry uploads once?", "why are uploads retried once"),
        ("Why do we retry uploads once?", "What is the reason we retry the uploads once?"),
        ("Why do we retry uploads once?", "Could you please tell me why we retry uploads once?"),
        ("Why do we retry uploads once?", "What made us retry uploads once?"),
        ("Why is the page blue?", "Please explain why the page is blue."),
        ("Why don't we retry?", "Why do we not retry?"),
        ("Why is `x` set?", "Why do we set `x`?"),
        ("Why was the budget raised from 3 to 5?", "How come the budget was raised from 3 to 5?"),
        ("Why has tmpdir been deprecated?", "Why did we deprecate tmpdir?"),
        ("Why are we using asyncio?", "why do we use asyncio"),
        ("Why can\u2019t plugins do it?", "why can't plugins do it"),
    ],
)
def test_questions_that_ask_the_same_are_worded_alike(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Why does the client close the server?", "Why does the server close the client?"),  # reversed
        ("Why is the client closed by the server?", "Why is the server closed by the client?"),
        ("Why are we limited to 5?", "Why do we limit to 5?"),
        ("Why did we move from A to B?", "Why did we move from B to A?"),
        ("Why is logging disabled before close?", "Why is logging before close disabled?"),
        ("Why was it added?", "Why was it removed?"),
        ("Why do we enable TLS?", "Why do we disable TLS?"),
        ("Why flush before the write?", "Why flush after the write?"),
        ("Why do we retry?", "Why don't we retry?"),  # negated
        ("Why is it never retried?", "Why is it retried?"),
        ("Why with a lock?", "Why without a lock?"),
        ("Why is the limit 30?", "Why is the limit 300?"),  # numbers
        ("Why 3.1?", "Why 3.10?"),
        ("Why -1?", "Why 1?"),
        ("Why use read_timeout?", "Why use write_timeout?"),  # names
        ("Why use readTimeout?", "Why use readtimeout?"),
        ("Why use C?", "Why use C++?"),
        ("Why was the header argument removed?", "Why was the headers argument removed?"),
        ("Why src/a.py?", "Why src/b.py?"),  # paths
        ("Why is 'a b' quoted?", "Why is 'b a' quoted?"),  # quoted
        ("Why is `a` set?", "Why is a set?"),
        ("Why --lf?", "Why -lf?"),
        ("Why was it dropped in March?", "Why was it dropped in April?"),  # times
        ("Why since 2019?", "Why until 2019?"),
        ("Why was it changed yesterday?", "Why was it changed today?"),
        ("Why was it changed?", "When was it changed?"),  # what is asked
        ("Who changed it?", "Why changed it?"),
        ("What did Ann say about it?", "What did Bob say about it?"),
        ("Why do we == it?", "Why do we != it?"),
        ("\u4e3a\u4ec0\u4e48\u662f\u84dd\u8272", "\u4e3a\u4ec0\u4e48\u662f\u7ea2\u8272"),
    ],
)
def test_questions_that_ask_something_else_are_not(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.slow
@given(st.text())
def test_any_text_has_a_wording_that_its_spacing_does_not_change(text: str) -> None:
    assert canonical(text) == canonical(f"  {text}\n")


def test_a_long_question_is_worded_in_no_time() -> None:
    for text in ("please " * 10_000, "why " * 10_000, "`" * 50_000, "a'" * 30_000, "is " * 20_000 + "retried"):
        canonical(text)
