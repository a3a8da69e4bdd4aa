from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ail_rpc import errors
from ail_rpc.errors import AilError, InternalError, ProtocolError, from_wire
from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import encode_notification, encode_reply, encode_request, parse_call, parse_reply

if TYPE_CHECKING:
    from ail_rpc.framing import Value

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AilError)]


def decode(data: bytes) -> Value:
    [frame] = FrameReader(REQUEST_LIMITS).feed(data)
    return frame


def test_a_request_is_read_as_it_was_written() -> None:
    call = parse_call(decode(encode_request(7, "ask", {"question": "why?"})))
    assert (call.request_id, call.method, call.params) == (7, "ask", {"question": "why?"})


def test_a_notification_has_no_id() -> None:
    call = parse_call(decode(encode_notification("repo.notify", {"repo": "/r"})))
    assert (call.request_id, call.method, call.params) == (None, "repo.notify", {"repo": "/r"})


def test_a_reply_is_read_as_it_was_written() -> None:
    assert parse_reply(decode(encode_reply(7, None, [1]))) == (7, None, [1])


def test_no_params_are_an_empty_map() -> None:
    assert parse_call([0, 1, "status", []]).params == {}


@pytest.mark.parametrize(
    "frame",
    [None, 1, "x", {}, [], [0], [0, 1, "x"], [0, -1, "x", []], [0, 2**32, "x", []], [0, "1", "x", []], [0, 1, 2, []],
     [0, 1, "x", {}], [0, 1, "x", [1]], [0, 1, "x", [{}, {}]], [3, 1, "x", []], [1, 1, None, None], [2, 1, []],
     [0, True, "x", []], [0, False, "x", []], [False, 1, "x", []], [0.0, 1, "x", []], [2.0, "x", []],
     [0, 1.0, "x", []]],
)  # fmt: skip
def test_what_is_neither_request_nor_notification_is_refused(frame: object) -> None:
    with pytest.raises(ProtocolError):
        parse_call(frame)


@pytest.mark.parametrize(
    "frame",
    [None, [1], [1, "x", None, None], [0, 1, "x", []], [True, 1, None, 1], [1, True, None, 1], [1, -1, None, 1]],
)
def test_what_is_no_reply_is_refused(frame: object) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(frame)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_comes_out_of_the_wire_as_it_went_in(kind: type[AilError]) -> None:
    error = from_wire(decode(encode_reply(1, kind("what happened", "what to do").to_wire(), None))[2])
    assert type(error) is (InternalError if kind is AilError else kind)
    assert (error.message, error.hint, error.exit_status) == ("what happened", "what to do", kind.exit_status)


def test_codes_are_unique_and_the_exit_statuses_those_of_the_contract() -> None:
    codes = [kind.code for kind in KINDS if kind is not AilError]
    assert len(set(codes)) == len(codes)
    assert {kind.exit_status for kind in KINDS} == {1, 2, 3, 4, 5, 69, 70}


def test_an_unknown_code_keeps_its_text() -> None:
    error = from_wire([12345, "from the future", {"other": 1}])
    assert (type(error), error.message, error.hint) == (InternalError, "from the future", "")


@pytest.mark.parametrize("form", [None, "text", {"code": 1}, [], ["1", "x"], [1]])
def test_an_error_of_unknown_form_is_a_protocol_error(form: object) -> None:
    assert type(from_wire(form)) is ProtocolError
