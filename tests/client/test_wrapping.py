"""Widths, lines, paragraphs and the words that matched."""

from __future__ import annotations

import unicodedata

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from ail_client.columns import measure
from ail_client.matching import count_matches, emphasise, find_stems
from ail_client.wrapping import count_columns, cut, reflow, wrap

# Where the library says otherwise: spacing marks, which glibc and most terminals give a column; what is newer than this
# Python's Unicode; two invisible fillers; halves of flags, of which two make one wide character.
LATER = {*range(0x2630, 0x2638), *range(0x268A, 0x2690), *range(0x4DC0, 0x4E00), *range(0x1D300, 0x1D380)}
FILLERS = {0x3164, 0xFFA0}


def test_characters_are_as_wide_as_the_library_wcwidth_has_them() -> None:
    differing = []
    for code in range(0x20, 0x40000):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mc") or code in LATER | FILLERS:
            continue
        if not 0x1F1E6 <= code <= 0x1F1FF and measure(char) != wcwidth.wcwidth(char):
            differing.append(hex(code))
    assert differing == []


@pytest.mark.parametrize("text", ["❤️", "🇩🇪", "変更", "สวัสดี", "한글", "cafe\u0301", "naïve — 🎉", "☺️ ok"])
def test_texts_are_as_wide_as_the_library_has_them(text: str) -> None:
    assert count_columns(text) == wcwidth.wcswidth(text)


def test_text_that_is_too_long_ends_in_a_sign_of_it() -> None:
    assert cut("one two three", 8) == "one two…"
    assert cut("変更の理由", 7) == "変更の…"
    assert cut("short", 80) == cut("short", None) == "short"


@given(st.text(alphabet="ab cé変🎉\u0301-* ", max_size=200), st.integers(12, 60))
def test_no_line_is_too_wide_and_no_word_is_lost(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert count_columns(line) <= columns or len(line.split()) == 1


def test_what_follows_stands_below_the_text() -> None:
    assert wrap("- one two three", 9) == ["- one two", "  three"]
    assert wrap("   one two three", 12) == ["   one two", "   three"]


def test_a_word_of_a_hundred_thousand_letters_is_no_hardship() -> None:
    assert wrap("x" * 100_000, 80) == ["x" * 100_000]
    assert len(wrap("変" * 100_000, 80)) == 2_500


def test_lines_broken_for_want_of_room_are_joined() -> None:
    prose = [
        "Proxies drop connections that were idle for a",
        "minute, so that the first upload failed.",
        "",
        "Fixes #3",
    ]
    assert reflow(prose) == [" ".join(prose[:2]), "Fixes #3"]


@pytest.mark.parametrize(
    "lines",
    [
        ["- one that is rather long", "- two that is rather long"],
        ["    code = that_is_long(1, 2)", "    more = code"],
        ["A sentence of some length.", "1. a numbered one of a list"],
        ["short", "lines that were meant to be broken"],
        ["| a table | that is rather |", "| wide as | tables are     |"],
    ],
)
def test_lists_code_tables_and_lines_that_were_meant_keep_their_lines(lines: list[str]) -> None:
    assert reflow(lines) == lines


def test_a_bullet_s_second_line_belongs_to_it() -> None:
    assert reflow(["- one that is rather long and goes", "  on here"]) == ["- one that is rather long and goes on here"]


def test_words_match_by_their_stem_inside_identifiers_too_and_empty_words_do_not() -> None:
    stems = find_stems("why is the temporary directory of tmp_path dropped?")
    assert emphasise("Directories in tmp_path_factory drop the x", stems, lambda word: f"<{word}>") == (
        "<Directories> in <tmp>_<path>_factory <drop> the x"
    )
    assert count_matches("directory directories", stems) == 1
    assert find_stems("why is it so?") == frozenset()
    assert emphasise("why is it so", frozenset(), str.upper) == "why is it so"
