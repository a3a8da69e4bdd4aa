from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ail_client.layout import Page, describe_span, describe_time, make_table
from ail_client.sanitise import to_block, to_line, to_path


@given(st.text())
def test_nothing_a_terminal_obeys_or_that_reorders_text_gets_through(text: str) -> None:
    for safe in (to_line(text), to_path(text), *to_block(text)):
        assert not [char for char in safe if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


def test_what_is_taken_out_stays_visible() -> None:
    assert to_line("a\x1b[31m\u202eb\udcff\U000e0041") == "a\\x1b[31m\\u202eb\\xff\\U000e0041"


def test_ordinary_text_of_any_script_is_left_alone() -> None:
    for text in ("naïve — 変更 Привет مرحبا 🎉", "cafe\u0301", ""):
        assert to_line(text) == text
    assert to_line("a\u00a0b") == "a b"


def test_a_line_is_one_line_and_a_path_keeps_its_spaces() -> None:
    assert to_line(" a \n\t b\u2028c ") == "a b c"
    assert to_path("a  b\n.py") == "a  b\\x0a.py"


def test_a_block_keeps_its_lines_whatever_ends_them() -> None:
    assert to_block("a\r\n\tb\x0bc\n") == ["a", "    b\\x0bc", ""]


def test_text_is_broken_at_spaces_to_the_width_of_the_page() -> None:
    assert Page(24, False).wrap("one two three four five six", "  ") == ["  one two three four", "  five six"]
    assert Page(22, False).wrap("変更 変更 変更 変更 変更") == ["変更 変更 変更 変更", "変更"]
    assert Page(None, False).wrap("one two " * 50) == ["one two " * 50]


def test_colour_is_there_only_on_a_page_that_takes_it() -> None:
    assert Page(80, True).paint("x", "bold") == "\x1b[1mx\x1b[0m"
    assert Page(80, False).paint("x", "bold") == "x"


def test_times_are_told_with_their_age() -> None:
    now = 1_800_000_000.0  # 2027-01-15
    assert describe_time("2026-10-01T00:00:00+02:00", now) == "2026-10-01 (3 months ago)"
    assert describe_time("2027-01-15T01:00:00+00:00", now) == "2027-01-15 (today)"
    assert describe_time("2030-01-15T01:00:00+00:00", now) == "2030-01-15 (in the future)"
    assert describe_time("garbage", now) == "garbage"


def test_spans_are_told_in_their_two_largest_units() -> None:
    assert [describe_span(s) for s in (0, 59.9, 200, 90_061)] == ["0 s", "59 s", "3 min 20 s", "1 d 1 h"]


def test_columns_are_as_wide_as_they_need() -> None:
    assert make_table(("A", "B"), [("変更", "x"), ("y", "zz")]) == ["A     B", "変更  x", "y     zz"]
