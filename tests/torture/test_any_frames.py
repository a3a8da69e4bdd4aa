"""Hypothesis against a real daemon: whatever a connection says, it is answered or closed, and others are served."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from bench.torture.fuzz import make_burst, read_calls
from bench.torture.fuzz import read_replies as read_all_replies
from bench.torture.mutants import Mutants
from bench.torture.scene import Scene, served_scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.daemon.daemon_process import connect, read_replies

from ail_rpc.framing import pack
from ail_rpc.messages import encode_request

TEXT = st.text(max_size=20) | st.sampled_from(
    ["repo", "question", "staged", "show", "ask", "related", "hello", "status", "\0"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)
METHODS = st.sampled_from(
    ["ask", "show", "related", "hello", "health", "status", "repo.notify", "repo.add", "check.index"]
)
CALLS = st.tuples(st.just(0), st.integers(0, 2**32 - 1), METHODS, st.tuples(st.dictionaries(TEXT, VALUES, max_size=6)))
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with served_scene() as made:
        yield made


def say(scene: Scene, data: bytes) -> list[tuple[int, object]]:
    """Say *data*, then no more; return (id, error) of every reply up to the connection's end."""
    received = b""
    with connect(str(scene.home.socket)) as connected:
        with suppress(OSError):
            connected.sendall(data)
            connected.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while more := connected.recv(1 << 16):
                received += more
    with connect(str(scene.home.socket)) as other:
        other.sendall(encode_request(1, "show", {"repo": str(scene.repo), "sha": scene.shas[3]}))
        [(_, error, shown)] = read_replies(other, 1)
    assert (error, shown["sha"]) == (None, scene.shas[3])
    return read_all_replies(received)


@pytest.mark.slow
@MANY
@given(call=CALLS)
def test_a_call_with_any_values_has_one_reply_and_is_no_bug(scene: Scene, call: tuple[object, ...]) -> None:
    [(request_id, error)] = say(scene, pack(list(call)))
    assert request_id == call[1]
    assert error is None or error[0] != 70  # type: ignore[index]


@MANY
@given(data=st.binary(min_size=1, max_size=200))
def test_any_bytes_are_answered_as_far_as_they_are_calls(scene: Scene, data: bytes) -> None:
    ids, is_whole = read_calls(data)
    replies = say(scene, data)
    assert len(ids) <= len(replies) <= len(ids) + (not is_whole)


def test_equal_seeds_make_equal_bursts() -> None:
    first, second = (make_burst(Mutants(random.Random(5), "/r", "a" * 40), 20).data for _ in range(2))
    assert first == second
    assert make_burst(Mutants(random.Random(6), "/r", "a" * 40), 20).data != first


def test_no_mutant_asks_to_stop() -> None:
    mutants = Mutants(random.Random(7), "/r", "a" * 40)
    assert not [number for number in range(5000) if b"\xa4stop" in mutants.frame(number)]
