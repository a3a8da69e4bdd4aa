from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rpc.test_framing import VALUES

from ail_rpc import framing, plain
from ail_rpc.errors import ProtocolError
from ail_rpc.framing import REQUEST_LIMITS, FrameReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from ail_rpc.framing import Value


class Kind(IntEnum):
    ONE = 1


EDGES = [
    *(sign * ((1 << bits) + more) for bits in (5, 7, 8, 15, 16, 31, 32) for more in (-1, 0, 1) for sign in (1, -1)),
    (1 << 64) - 1, -(1 << 63), 0.1, float("inf"), True, False, None, "", "\udcff", (1, "two"), Kind.ONE,
]  # fmt: skip


def read(data: bytes, decode: Callable[[bytes], Value] | None) -> list[Any] | str:
    """Return the values of *data*, or what was wrong."""
    try:
        return list(FrameReader(REQUEST_LIMITS, decode).feed(data))
    except ProtocolError as err:
        return str(err).partition(":")[0]


@given(VALUES)
def test_a_value_is_packed_byte_for_byte_as_msgpack_does_and_comes_back(value: Value) -> None:
    assert plain.pack(value) == framing.pack(value)
    assert plain.unpack(framing.pack(value)) == value


@pytest.mark.parametrize("value", EDGES)
def test_every_width_is_packed_and_unpacked_as_by_msgpack(value: Value) -> None:
    packed = framing.pack(value)
    assert plain.pack(value) == packed
    assert plain.unpack(packed) == framing.unpack(packed)


@pytest.mark.parametrize("length", [15, 16, 31, 32, 255, 256, (1 << 16) - 1, 1 << 16])
def test_every_length_is_packed_and_unpacked_as_by_msgpack(length: int) -> None:
    for value in ("x" * length, [1] * length, {str(number): number for number in range(length)}):
        assert plain.pack(value) == framing.pack(value)
        assert plain.unpack(framing.pack(value)) == value


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1, {1, 2}, object(), "\ud800"])
def test_what_msgpack_refuses_is_refused(value: Value) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whichever it raises
        framing.pack([value])
    with pytest.raises(theirs.type):
        plain.pack([value])


@given(st.binary(max_size=200))
def test_any_bytes_mean_the_same_as_to_msgpack(data: bytes) -> None:
    assert read(data, plain.unpack) == read(data, None) or "nan" in repr(read(data, None))


def test_a_number_of_four_bytes_is_read() -> None:
    assert plain.unpack(b"\xca\x3f\x80\x00\x00") == 1.0


def test_a_key_that_is_no_text_is_refused() -> None:
    assert read(b"\x81\x01\x01", plain.unpack) == read(b"\x81\x01\x01", None) == "a frame could not be decoded"
