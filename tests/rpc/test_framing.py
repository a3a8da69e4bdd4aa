from __future__ import annotations

import itertools
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ail_rpc.errors import ProtocolError
from ail_rpc.framing import REPLY_LIMITS, REQUEST_LIMITS, FrameReader, Limits, pack

if TYPE_CHECKING:
    from ail_rpc.framing import Value

_TEXT = st.text(max_size=40) | st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | _TEXT
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(_TEXT, inner, max_size=20),
    max_leaves=40,
)


def read_all(reader: FrameReader, chunks: list[bytes]) -> list[Any]:
    return [frame for chunk in chunks for frame in reader.feed(chunk)]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(VALUES, max_size=5), st.lists(st.integers(0, 10**6), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_frames(values: list[Any], cuts: list[int]) -> None:
    reader = FrameReader(REQUEST_LIMITS)
    assert read_all(reader, split(b"".join(map(pack, values)), cuts)) == values
    assert not reader.is_mid_frame


@given(VALUES)
def test_a_frame_but_for_its_last_byte_is_no_frame(value: Value) -> None:
    data = pack(value)
    reader = FrameReader(REQUEST_LIMITS)
    assert read_all(reader, [data[:-1]]) == []
    assert reader.is_mid_frame == (len(data) > 1)
    assert read_all(reader, [data[-1:]]) == [value]


@given(st.binary(max_size=200), st.lists(st.integers(0, 10**6), max_size=5))
def test_any_bytes_are_frames_or_a_protocol_error_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    try:
        read_all(FrameReader(REQUEST_LIMITS), split(data, cuts))
    except ProtocolError:
        return


@given(st.binary(max_size=100))
def test_text_that_is_no_utf8_goes_out_as_it_came_in(raw: bytes) -> None:
    packed = (bytes([0xA0 + len(raw)]) if len(raw) < 32 else bytes([0xD9, len(raw)])) + raw
    [text] = FrameReader(REQUEST_LIMITS).feed(packed)
    assert pack(text) == packed


@pytest.mark.parametrize("size", [0, 15, 16, 31, 32, 255, 256, 4096])
def test_every_width_of_length_header_is_read(size: int) -> None:
    for value in ("x" * size, [1] * size, {str(n): n for n in range(size)}):
        data = pack(value)
        assert read_all(FrameReader(REQUEST_LIMITS), [data[n : n + 1] for n in range(len(data))]) == [value]


TINY = Limits(size_bytes=100, entries=4, depth=3, values=12)


def nest(levels: int) -> Value:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", ["x" * 98, [1] * 4, {str(n): 1 for n in range(4)}, nest(3), [[1] * 3, [1] * 3, [1] * 2]]
)
def test_what_just_fits_is_let_in(value: Value) -> None:
    assert read_all(FrameReader(TINY), [pack(value)]) == [value]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (pack("x" * 99), "100 bytes"),
        (b"\xdb\xff\xff\xff\xff", "100 bytes"),
        (pack([1] * 17), "4 entries"),
        (b"\xdd\xff\xff\xff\xff", "4 entries"),
        (b"\xdf\xff\xff\xff\xff", "4 entries"),
        (pack(nest(4)), "3 levels"),
        (pack([[1] * 4] * 4), "12 values"),
        (b"\xc1", "not allowed"),
        (b"\xc4\x01x", "not allowed"),
        (b"\xd4\x01x", "not allowed"),
        (b"\xd6\xff\x00\x00\x00\x00", "not allowed"),
        (b"\x81\x01\x02", "could not be decoded"),
        (b"\x81\x90\x02", "could not be decoded"),
    ],
)
def test_what_is_too_much_or_forbidden_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(ProtocolError, match=what):
        read_all(FrameReader(TINY), [data])


def test_a_long_array_header_is_refused_before_its_entries_come() -> None:
    with pytest.raises(ProtocolError):
        read_all(FrameReader(REQUEST_LIMITS), [b"\xdc\x10\x01"])


def test_a_nest_of_arrays_that_announce_much_costs_little_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            read_all(FrameReader(REQUEST_LIMITS), [b"\xdc\x10\x00" * 1700])
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_reply_may_be_larger_than_a_request() -> None:
    value = ["x" * 1000] * 5000
    assert read_all(FrameReader(REPLY_LIMITS), [pack(value)]) == [value]
    with pytest.raises(ProtocolError):
        read_all(FrameReader(REQUEST_LIMITS), [pack(value)])
