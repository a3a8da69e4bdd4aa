"""Where passages stand, and how many there are at most: whatever comes is read without an error and in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.daemon.text.changes import SAID, read, texts

from ail_daemon.text.passages import (
    MOST_CHARS,
    MOST_COMMIT_CHARS,
    MOST_PASSAGES,
    FileChange,
    Hunk,
    find_passages,
    get_key,
    split_message,
)
from ail_daemon.text.reasons import Worth

# --- places, sides, moves, bounds


def test_both_sides_are_told_apart() -> None:
    change = FileChange("new.go", [Hunk(7, 9, [f"// {SAID}"], ["// It goes on at once, the peer is gone."])], "old.go")
    added, removed = find_passages([change])
    assert (added.path, added.line, added.is_removed) == ("new.go", 9, False)
    assert (removed.path, removed.line, removed.is_removed) == ("old.go", 7, True)


def test_a_move_and_a_reformatting_are_no_passages() -> None:
    moved = [
        FileChange("a.py", [Hunk(3, 2, [f"# {SAID}"], [])]),
        FileChange(
            "b.c",
            [Hunk(3, 9, [], ["/*", " * We wait here because the peer", " * may still send its last frame.", " */"])],
        ),
    ]
    assert find_passages(moved) == []
    assert get_key("We wait\n   HERE.") == get_key("// we wait here")
    assert get_key("wait here") != get_key("wait there")


def test_the_same_text_twice_is_one_passage() -> None:
    assert len(find_passages([FileChange(f"{name}.py", [Hunk(1, 1, [], [f"# {SAID}"])]) for name in "abc"])) == 1


def test_a_long_paragraph_becomes_several_cut_between_sentences() -> None:
    found = texts("a.md", " ".join(f"This is sentence number {n} of the page and it goes on." for n in range(40)))
    assert len(found) > 2
    assert all(len(one) <= MOST_CHARS and one.endswith(".") for one in found)


def test_beyond_the_bound_reasons_stay() -> None:
    lines = [f"// Set the field {n} of the frame." for n in range(500)]
    lines[1::2] = [""] * 250
    lines[400] = f"// {SAID}"
    found = read("a.c", "\n".join(lines))
    assert len(found) == MOST_PASSAGES
    assert SAID in [one.text for one in found]
    assert [one.line for one in found] == sorted(one.line or 0 for one in found)


def test_the_worth_of_a_passage_is_that_of_its_best_sentence() -> None:
    from ail_daemon.text.passages import rate_passage

    assert rate_passage(f"It is a frame. {SAID}") == Worth.REASON
    assert rate_passage("Add the frame.") == Worth.WHAT


# --- whatever comes: no error, bounded, linear

_LINES = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(
            ['"""', "'''", "/*", "*/", "// " + SAID, "# " + SAID, "```", "::", ".. note::", " * " + SAID, "-" * 70, "<!--", "-->",
             ">>> x", "{-", "=begin", "=cut", "\ud800\udcff", "\x00", "  " + SAID, "def f():", '"""' + SAID + '"""', "- " + SAID]
        ),
    ),
    max_size=30,
)  # fmt: skip
_PATHS = st.sampled_from(
    ["a.py", "a.c", "a.md", "a.rst", "a.1", "CHANGES", "tests/test_a.py", "a.lua", "a.hs", "a.rb", "x", "", "/", "."]
)


@settings(max_examples=150, deadline=None)
@given(_PATHS, _LINES, _LINES, st.integers(0, 3))
def test_anything_gives_bounded_passages(path: str, added: list[str], removed: list[str], start: int) -> None:
    found = find_passages(
        [FileChange(path, [Hunk(start, start, removed, added), Hunk(start + 40, start + 40, added, removed)])]
    )
    assert len(found) <= MOST_PASSAGES
    assert sum(len(one.text) for one in found) <= MOST_COMMIT_CHARS
    for one in found:
        assert 0 < len(one.text) <= MOST_CHARS
        assert one.text == " ".join(one.text.split()) or one.kind == "test"
        assert start <= (one.line or 0) < start + 80


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=300), _LINES.map("\n".join)))
def test_any_message_gives_bounded_passages(message: str) -> None:
    found = split_message(message)
    assert len(found) <= MOST_PASSAGES
    assert all(0 < len(one.text) <= MOST_CHARS for one in found)


@pytest.mark.parametrize("path", ["a.md", "a.rst", "a.py", "a.c", "a.1", "tests/test_a.py", "a.hs"])
@pytest.mark.parametrize(
    "piece",
    ["a ", "a-", '"""', "/*", "*/ ", "# ", "(a", "`a", "the word of ", "<a ", "- ", "= ", ":a:", "x(", " ", "it('"],
)
def test_long_lines_and_many_lines_take_no_time(path: str, piece: str) -> None:
    start = time.process_time()
    read(path, "\n".join([piece * 600] * 60))
    read(path, "\n".join([piece] * 8_000))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("piece", ["a ", "a-", "/*", "the word of ", "- "])
def test_a_line_of_ten_megabytes_takes_no_time(piece: str) -> None:
    start = time.process_time()
    read("a.py", piece * (10_000_000 // len(piece)))
    read("a.md", piece * (10_000_000 // len(piece)))
    split_message("x\n\n" + piece * (10_000_000 // len(piece)))
    assert time.process_time() - start < 5


def test_a_page_of_five_megabytes_is_bounded() -> None:
    page = "\n\n".join(f"This is paragraph {n} of the page and it is rather long, as they are." for n in range(75_000))
    assert len(page) > 5_000_000
    start = time.process_time()
    assert len(read("a.md", page, page[:-1])) <= MOST_PASSAGES
    assert time.process_time() - start < 5
