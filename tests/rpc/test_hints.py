from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ail_rpc.hints import HINTS_MAX_BYTES, PAIRS_MAX, Hint, append, encode, get_hints_file, parse_hints

OLD, NEW = "a" * 40, "b" * 40


def test_the_file_lies_in_the_state_directory() -> None:
    assert get_hints_file({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == "/s/ail/hints/pending"


def test_what_was_written_is_read_pairs_before_their_event() -> None:
    data = encode("post-commit", "/r") + encode("post-rewrite", "/r", [(OLD, NEW)])
    assert data == f"post-commit\t/r\nrewritten\t{OLD}\t{NEW}\t/r\npost-rewrite\t/r\n".encode()
    assert parse_hints(data) == [
        Hint("post-commit", "/r"), Hint("rewritten", "/r", OLD, NEW), Hint("post-rewrite", "/r"),
    ]  # fmt: skip


@given(st.binary(min_size=1, max_size=60).filter(lambda path: b"\0" not in path and b"\n" not in path))
def test_every_path_but_one_with_a_newline_comes_back_as_it_was(name: bytes) -> None:
    path = os.fsdecode(b"/" + name)
    assert parse_hints(encode("post-rewrite", path, [(OLD, NEW)])) == [
        Hint("rewritten", path, OLD, NEW), Hint("post-rewrite", path),
    ]  # fmt: skip


def test_a_newline_in_a_path_costs_the_rest_of_the_path_alone() -> None:
    data = encode("post-commit", "/a\npost-merge\tb\n/c") + encode("post-merge", "/d")
    assert parse_hints(data) == [Hint("post-commit", "/a"), Hint("post-merge", "/d")]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\t", b"post-commit", b"post-commit\t", b"post-commit\trelative", b"pre-push\t/r", b"\xff\t/r", b"\0" * 9,
        b"rewritten\t/r", b"rewritten\taaaa\tbbbb\t/r", f"rewritten\t{OLD}\t{NEW.upper()}\t/r".encode(),
        f"rewritten\t{OLD}\t{NEW}\t".encode(),
    ],
)  # fmt: skip
def test_a_line_that_is_no_hint_is_left_out(line: bytes) -> None:
    assert parse_hints(line + b"\npost-merge\t/r\n") == [Hint("post-merge", "/r")]


def test_a_line_without_its_end_is_left_out_since_its_path_may_be_cut() -> None:
    assert parse_hints(b"post-merge\t/r\npost-commit\t/home/me/pro") == [Hint("post-merge", "/r")]
    assert parse_hints(b"") == []


@given(st.binary())
def test_no_bytes_make_the_parser_fail(data: bytes) -> None:
    assert all(os.path.isabs(hint.path) for hint in parse_hints(data))


def test_shas_of_sha256_repositories_are_read_too() -> None:
    (told, _event) = parse_hints(encode("post-rewrite", "/r", [("a" * 64, "b" * 64)]))
    assert (told.old, told.new) == ("a" * 64, "b" * 64)


def test_no_more_than_the_first_five_thousand_pairs_are_told() -> None:
    pairs = [(f"{number:040x}", NEW) for number in range(PAIRS_MAX + 5)]
    hints = parse_hints(encode("post-rewrite", "/r", pairs))
    assert [hint.old for hint in hints[:-1]] == [old for old, _new in pairs[:PAIRS_MAX]]


def test_of_what_does_not_fit_whole_lines_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "pending"
    append(str(file), b"x" * (HINTS_MAX_BYTES - 5) + b"\n")
    append(str(file), b"yy\n" * 2)
    append(str(file), b"zzz\n")
    assert file.read_bytes() == b"x" * (HINTS_MAX_BYTES - 5) + b"\nyy\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_in_the_file_s_place_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "pending").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        append(str(tmp_path / "pending"), b"x")
    assert not (tmp_path / "elsewhere").exists()
