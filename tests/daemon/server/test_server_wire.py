"""What goes over the socket: good requests, bad ones, hostile bytes, slow readers, strangers. Against a whole daemon."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgpack
import pytest
from tests.daemon.daemon_process import User, ask, connect, find_error, read_replies, read_to_end, wait_until
from tests.daemon.server.conftest import SHORT

from ail_rpc.framing import pack
from ail_rpc.messages import encode_notification, encode_request


def test_a_request_is_answered_under_its_own_id(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(4_294_967_295, "echo", {"a": [1, None, "ü"]}))
        assert read_replies(connected, 1) == [(4_294_967_295, None, {"a": [1, None, "ü"]})]


def test_a_quick_request_overtakes_a_slow_one_on_the_same_connection(served: User) -> None:
    running = os.path.join(served.home, "slow")
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(1, "wait", {"running": running}) + encode_request(2, "echo", {}))
        assert read_replies(connected, 1) == [(2, None, {})]
        wait_until(lambda: os.path.exists(running))
        os.unlink(running)
        assert read_replies(connected, 1) == [(1, None, "waited")]


def test_a_notification_gets_no_reply_even_when_it_fails(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_notification("echo", {}) + encode_notification("nonsense", {}))
        connected.sendall(encode_request(9, "echo", {}))
        assert read_replies(connected, 1) == [(9, None, {})]


def test_a_notification_is_acted_upon_though_its_sender_left_at_once(served: User) -> None:
    running = os.path.join(served.home, "notified")
    with connect(served.socket_path) as connected:
        connected.sendall(encode_notification("wait", {"running": running}))
    wait_until(lambda: os.path.exists(running))
    os.unlink(running)


def test_a_client_that_closed_its_sending_side_still_gets_its_answer(served: User) -> None:
    running = os.path.join(served.home, "half")
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(1, "wait", {"running": running}))
        connected.shutdown(socket.SHUT_WR)
        wait_until(lambda: os.path.exists(running))
        os.unlink(running)
        assert msgpack.unpackb(read_to_end(connected)) == [1, 1, None, "waited"]


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("helo", {}, ["there is no method helo", "hello"]),
        ("health", {"kidn": "live"}, ["there is no parameter kidn", "kind"]),
        ("health", {"kind": "dead"}, ["kind must be live or ready", ""]),
        ("health", {"kind": 3}, ["kind must be live or ready", ""]),
    ],
)
def test_a_mistake_is_named_with_what_it_may_be(
    served: User, method: str, params: dict[str, object], words: list[str]
) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(5, method, params) + encode_request(6, "echo", {}))
        [(request_id, error, result), after] = read_replies(connected, 2)
    assert (request_id, error[0], error[1], result) == (5, 2, words[0], None)
    assert words[1] in error[2]["hint"]
    assert after == (6, None, {}), "a mistaken request costs nothing but itself"


def test_hello_tells_a_client_of_any_version_what_it_needs_to_know(served: User) -> None:
    told = ask(served.socket_path, "hello", version="99.0", something_new=[1])
    assert told.pop("pid") == ask(served.socket_path, "status")["pid"]
    assert told == {"protocol": 1, "version": "0.1.0", "schema": 1, "model": None}


def test_a_bug_gives_the_requests_name_in_the_log_and_no_word_of_its_text(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(5, "boom", {"secret": "hunter2"}))
        [(request_id, [code, message, more], _)] = read_replies(connected, 1)
    assert (request_id, code) == (5, 70)
    name = more["hint"].removeprefix("the log has request ")
    wait_until(lambda: name in served.read_log())
    [line] = [line for line in map(json.loads, served.read_log().splitlines()) if line.get("request_id") == name]
    assert line["error"][0] == "RuntimeError"
    assert line["error"][-1].endswith(" boom"), "the place is told"
    assert "hunter2" not in served.read_log() + message


def test_a_result_that_cannot_be_packed_is_a_bug_answered_under_its_id(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(pack([0, 5, "echo", [{"a": "x"}]]) + encode_request(6, "echo", {}))
        assert [reply[0] for reply in read_replies(connected, 2)] == [5, 6]


@pytest.mark.parametrize("message", [[0, 77, "echo", [1, 2]], [0, 77, "echo"]], ids=["params", "short"])
def test_a_request_of_a_wrong_form_is_answered_under_its_id_and_ends_its_connection_alone(
    served: User, message: list[object]
) -> None:
    with connect(served.socket_path) as other, connect(served.socket_path) as connected:
        connected.sendall(pack(message))
        assert find_error(read_to_end(connected)) == (77, 33)
        other.sendall(encode_request(1, "echo", {}))
        assert read_replies(other, 1) == [(1, None, {})]


@pytest.mark.parametrize(
    "frame",
    [
        encode_request(77, "echo", {"question": "x" * (2 << 20)}),
        b"\x94\x00\x4d\xa4echo" + b"\x91" * 40,
        b"\x94\x00\x4d\xa4echo\xdd\x7f\xff\xff\xff",
        b"\x94\x00\x4d\xa4echo\x91\x81\xa1a\xd4\x01\x00",
        b"\x94\x00\x4d\xc1",
        pack([0, 77, "echo", [{1: 2}]]),
        b"\xc1",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 100,
    ],
    ids=["oversize", "depth", "entries", "extension", "invalid", "key", "no frame", "http", "zeroes"],
)
def test_a_frame_that_cannot_be_read_ends_its_connection_alone_without_a_byte(served: User, frame: bytes) -> None:
    with connect(served.socket_path) as other, connect(served.socket_path) as connected:
        with suppress(BrokenPipeError, ConnectionResetError):  # closed before all of it was sent
            connected.sendall(frame)
        assert read_to_end(connected) == b""
        other.sendall(encode_request(1, "echo", {}))
        assert read_replies(other, 1) == [(1, None, {})]
    assert "protocol_error" in served.read_log()


def test_what_was_asked_before_the_garbage_is_answered(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(1, "echo", {}) + b"\xc1")
        assert msgpack.unpackb(read_to_end(connected)) == [1, 1, None, {}]


def test_a_frame_that_stays_unfinished_ends_its_connection(served: User) -> None:
    with connect(served.socket_path) as connected:
        connected.sendall(encode_request(1, "echo", {"a": "b"})[:-1])
        assert read_to_end(connected) == b""


def test_dripping_bytes_does_not_prolong_the_time_to_finish_a_frame(served: User) -> None:
    frame = encode_request(1, "echo", {"a": "x" * 1000})
    with connect(served.socket_path) as connected:
        connected.settimeout(SHORT["frame_s"] / 5)
        for sent in range(len(frame)):
            try:
                connected.send(frame[sent : sent + 1])
                if connected.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
    assert 1 <= sent < 50


def test_an_idle_connection_may_stay(served: User) -> None:
    with connect(served.socket_path) as idle:
        with connect(served.socket_path) as connected:
            connected.sendall(b"\x94")
            read_to_end(connected)  # the time of a frame has passed
        idle.sendall(encode_request(1, "echo", {}))
        assert read_replies(idle, 1) == [(1, None, {})]


def test_thousands_of_damaged_frames_leave_the_daemon_and_others_unharmed(served: User) -> None:
    rng = random.Random(20)
    before, bugs = ask(served.socket_path, "status")["rss_bytes"], served.read_log().count('"code": 70')
    whole = encode_request(3, "echo", {"question": "why?", "lines": [1, 2], "deep": {"a": {"b": [None, 1.5]}}})
    with connect(served.socket_path) as other:
        for _ in range(3000):
            frame = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                frame[rng.randrange(len(frame))] = rng.randrange(256)
            with connect(served.socket_path) as connected:
                connected.sendall(bytes(frame) if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 300)))
        other.sendall(encode_request(1, "echo", {}))
        assert read_replies(other, 1) == [(1, None, {})]
    assert ask(served.socket_path, "status")["rss_bytes"] - before < 20 << 20
    assert served.read_log().count('"code": 70') == bugs, "no damaged frame is a bug"


def test_a_client_that_does_not_read_its_replies_is_dropped(served: User) -> None:
    before = len(served.read_log())
    big = encode_request(1, "echo", {"a": "x" * 500_000})
    with connect(served.socket_path) as connected:
        connected.settimeout(5)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connected.sendall(big * 100)
    assert "slow_reader_dropped" in served.read_log()
    assert "slow_frame_dropped" not in served.read_log()[before:], "its unfinished frame is the daemon's own doing"


def test_a_client_that_reads_late_gets_every_reply(served: User) -> None:
    count, big = 12, "x" * 100_000
    requests = b"".join(encode_request(number, "echo", {"a": big}) for number in range(count))
    with connect(served.socket_path) as connected, ThreadPoolExecutor(1) as pool:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sending = pool.submit(connected.sendall, requests)
        assert sorted(reply[0] for reply in read_replies(connected, count)) == list(range(count))
        sending.result()


STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
received = b""
for _ in range(20):
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(20)
        try:
            connected.connect(sys.argv[1])
            connected.sendall(bytes.fromhex(sys.argv[2]))
            received += connected.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except PermissionError:
            received += b"closed door"
print(len(received), received[:11].decode())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
@pytest.mark.parametrize("is_open", [False, True], ids=["modes as they are", "modes widened"])
def test_a_process_of_another_user_gets_no_byte(served: User, is_open: bool) -> None:
    for path, mode in (
        (served.home, 0o711),
        (os.path.dirname(served.socket_path), 0o711 if is_open else 0o700),
        (served.socket_path, 0o666 if is_open else 0o600),
    ):
        os.chmod(path, mode)
    request = encode_request(1, "echo", {}).hex()
    told = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER, served.socket_path, request], capture_output=True, text=True, check=True
    )
    for path, mode in ((os.path.dirname(served.socket_path), 0o700), (served.socket_path, 0o600)):
        os.chmod(path, mode)
    assert told.stdout.strip() == ("0" if is_open else "220 closed door")
    assert ("stranger_refused" in served.read_log()) == is_open
