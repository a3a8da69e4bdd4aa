"""More requests, connections and clients than there is room for: each gets its turn or is told busy. Against a whole daemon."""

from __future__ import annotations

import os
import signal

import pytest
from tests.daemon.daemon_process import SCRIPTED, User, ask, connect, find_error, read_replies, read_to_end, wait_until

from ail_rpc.messages import encode_request


def test_beyond_its_requests_in_flight_a_connection_is_told_busy(user: User) -> None:
    user.start_ready("--limits", '{"in_flight": 3}', program=SCRIPTED)
    running = [os.path.join(user.home, f"running{number}") for number in range(3)]
    with connect(user.socket_path) as connected:
        for number, path in enumerate(running):
            connected.sendall(encode_request(number, "wait", {"running": path}))
        connected.sendall(encode_request(3, "echo", {}))
        [(request_id, error, _)] = read_replies(connected, 1)
        assert (request_id, error[0]) == (3, 31)
        wait_until(lambda: all(map(os.path.exists, running)))
        os.unlink(running[1])
        assert read_replies(connected, 1) == [(1, None, "waited")]
        connected.sendall(encode_request(4, "echo", {}))
        assert read_replies(connected, 1) == [(4, None, {})]


def test_beyond_the_active_connections_a_request_waits_for_its_turn(user: User) -> None:
    user.start_ready("--limits", '{"active": 1, "queue_s": 60}', program=SCRIPTED)
    running = os.path.join(user.home, "running")
    with connect(user.socket_path) as first, connect(user.socket_path) as second:
        first.sendall(encode_request(1, "wait", {"running": running}))
        wait_until(lambda: os.path.exists(running))
        second.sendall(encode_request(2, "echo", {}))
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)
        second.settimeout(60)
        os.unlink(running)
        assert read_replies(second, 1) == [(2, None, {})]


def test_a_request_whose_turn_does_not_come_is_told_busy_and_may_be_repeated(user: User) -> None:
    user.start_ready("--limits", '{"active": 1, "queue_s": 0.1}', program=SCRIPTED)
    running = os.path.join(user.home, "running")
    with connect(user.socket_path) as first, connect(user.socket_path) as second:
        first.sendall(encode_request(1, "wait", {"running": running}))
        wait_until(lambda: os.path.exists(running))
        second.sendall(encode_request(2, "echo", {}))
        [(request_id, error, _)] = read_replies(second, 1)
        assert (request_id, error[0], error[2]) == (2, 31, {"hint": "try again after a second"})
        os.unlink(running)
        assert read_replies(first, 1) == [(1, None, "waited")]
        second.sendall(encode_request(3, "echo", {}))
        assert read_replies(second, 1) == [(3, None, {})]


def test_the_active_connections_are_as_many_as_is_set(user: User) -> None:
    user.start_ready(program=SCRIPTED, env={"AIL_MAX_CLIENTS": "1"})
    running = os.path.join(user.home, "running")
    with connect(user.socket_path) as first, connect(user.socket_path) as second:
        first.sendall(encode_request(1, "wait", {"running": running}))
        wait_until(lambda: os.path.exists(running))
        second.sendall(encode_request(2, "echo", {}))
        assert read_replies(second, 1)[0][1][0] == 31
        os.unlink(running)
        assert read_replies(first, 1) == [(1, None, "waited")]


def test_beyond_the_idle_connections_a_newcomer_is_told_busy_under_its_id_and_let_go(user: User) -> None:
    user.start_ready("--limits", '{"idle": 2, "refused": 1}', program=SCRIPTED)
    with connect(user.socket_path) as first, connect(user.socket_path) as second:
        for idle in (first, second):
            idle.sendall(encode_request(1, "echo", {}))
            read_replies(idle, 1)
        with connect(user.socket_path) as refused, connect(user.socket_path) as turned_away:
            assert read_to_end(turned_away) == b""
            refused.sendall(encode_request(8, "echo", {}))
            assert find_error(read_to_end(refused)) == (8, 31)
        first.sendall(encode_request(2, "echo", {}))
        assert read_replies(first, 1) == [(2, None, {})]
    wait_until(lambda: ask_once(user) == {})


def ask_once(user: User) -> object:
    """What `echo` says, None where it is refused."""
    with connect(user.socket_path) as connected:
        try:
            connected.sendall(encode_request(1, "echo", {}))
            return next((result for _, error, result in read_replies(connected, 1) if error is None), None)
        except (BrokenPipeError, ConnectionResetError):
            return None


def test_more_clients_than_the_usual_descriptors_are_served_at_once(served: User) -> None:
    clients = [connect(served.socket_path) for _ in range(900)]
    for client in clients:
        client.sendall(encode_request(1, "echo", {}))
    assert [read_replies(client, 1) for client in clients] == [[(1, None, {})]] * 900
    for client in clients:
        client.close()


def test_clients_that_left_before_they_were_looked_at_crowd_out_nobody(user: User) -> None:
    started = user.start_ready("--limits", '{"idle": 300, "refused": 1}', program=SCRIPTED)
    started.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, started.process.pid, os.WSTOPPED)
    for _ in range(900):
        connect(user.socket_path).close()
    with connect(user.socket_path) as connected:
        started.process.send_signal(signal.SIGCONT)
        connected.sendall(encode_request(1, "echo", {}))
        assert read_replies(connected, 1) == [(1, None, {})]


def test_a_daemon_that_is_stopped_is_taken_for_busy_and_never_for_dead(user: User) -> None:
    started = user.start_ready()
    started.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, started.process.pid, os.WSTOPPED)
    second = user.start()
    assert second.read_ready() == {"socket": user.socket_path}
    assert second.process.wait() == 0
    started.process.send_signal(signal.SIGCONT)
    assert ask(user.socket_path, "hello")["pid"] == started.process.pid
