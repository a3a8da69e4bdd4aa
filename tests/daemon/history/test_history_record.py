from __future__ import annotations

import pytest

from ail_daemon.history.record import decode_text, iter_records, iter_tokens, parse_date


@pytest.mark.parametrize(
    ("raw", "encoding", "text"),
    [
        ("größer".encode(), b"", "größer"),
        ("größer".encode("latin-1"), b"", "größer"),
        ("größer".encode("latin-1"), b"ISO-8859-1", "größer"),
        ("日本".encode("shift-jis"), b"SHIFT_JIS", "日本"),
        ("größer".encode(), b"no-such-encoding", "größer"),
        ("größer".encode(), b"hex", "größer"),
        (b"\\ud800\xff", b"unicode_escape", "\\ud800ÿ"),
        (b"caf\xe9", b"UTF-8", "café"),
        (b"caf\xc3\xa9", b"ascii", "café"),
    ],
)
def test_text_is_decoded_whatever_its_encoding_claims(raw: bytes, encoding: bytes, text: str) -> None:
    assert decode_text(raw, encoding) == text


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        (b"1700000000 +0200", (1700000000, 120)),
        (b"1700000000 -0330", (1700000000, -210)),
        (b"-5 +0000", (-5, 0)),
        (b"", (0, 0)),
        (b"99999999999999999999 +0000", (0, 0)),
    ],
)
def test_dates_have_seconds_and_minutes_of_offset(raw: bytes, parsed: tuple[int, int]) -> None:
    assert parse_date(raw) == parsed


def test_a_stream_is_parsed_the_same_wherever_it_is_cut() -> None:
    record = b"\0".join([b"a" * 40, b"b" * 40, b"", b"N", b"e", b"1 +0000", b"2", b"S\n\nbody\n"]) + b"\0"
    stream = record + b"\nM\0one\0R090\0old\0new\0" + record + record + b"\nD\0two\0"
    whole = list(iter_records(iter_tokens([stream])))
    assert [commit.paths for commit in whole] == [("one", "old", "new"), (), ("two",)]
    assert whole[0].renames == (("old", "new"),)
    for size in (1, 7, 41):
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert list(iter_records(iter_tokens(pieces))) == whole
