"""Reaching daemons that are there: busy, late, strange, of another user or version; who is waited for, who is asked again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ail_client.connection import connect
from ail_client.deadline import Deadline
from ail_rpc.errors import BusyError, UnavailableError, UsageError
from ail_rpc.messages import encode_reply

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")


LATE_DAEMON = """
import os, socket, sys, threading, time
from ail_rpc.messages import encode_reply
path, kind = sys.argv[1:]
hello = encode_reply(1, None, {"protocol": 1, "version": "0.1.0"})
replies = hello + encode_reply(2, None, {"pid": 9})  # before it starves: a daemon has imported all by its first request
listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen()
if kind == "starved":
    cpu = min(os.sched_getaffinity(0))
    for _ in range(2):
        if os.fork() == 0:
            os.sched_setaffinity(0, {cpu}); end = time.monotonic() + 2.5
            while time.monotonic() < end: pass
            os._exit(0)
    os.sched_setaffinity(0, {cpu}); os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
def beat():
    while True:
        open(path + ".lock", "w").close(); os.utime(path + ".lock"); time.sleep(0.2)
if kind == "at work":
    threading.Thread(target=beat, daemon=True).start()
print("", flush=True)
connection, _ = listener.accept(); end = time.monotonic() + 1.8
while kind == "spinning": pass
while time.monotonic() < end and kind == "at work": time.sleep(end - time.monotonic())
connection.sendall(replies)
connection.recv(65536); connection.recv(1)
"""


@contextlib.contextmanager
def late_daemon(kind: str, path: str, env: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-c", LATE_DAEMON, path, kind]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as late:
        assert late.stdout
        assert late.stdout.readline() == "\n"
        try:
            yield
        finally:
            late.kill()


@pytest.mark.parametrize("kind", ["starved", "at work"])
def test_a_daemon_that_is_short_of_time_is_waited_for(client: Runner, socket_path: str, kind: str) -> None:
    with late_daemon(kind, socket_path, client.env):
        done = client.run("status", "--json")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_daemon_whose_loop_never_ends_is_told_from_one_that_is_at_work(client: Runner, socket_path: str) -> None:
    with late_daemon("spinning", socket_path, client.env):
        done = client.run("status", "--timeout", "30")
    assert done.returncode == 3
    assert "said nothing" in done.stderr


def test_a_full_backlog_is_waited_for_and_never_taken_for_a_dead_daemon(socket_path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(socket_path)
        listener.listen(0)
        with connect(socket_path, Deadline(5)):
            with pytest.raises(BusyError):
                connect(socket_path, Deadline(0.1))
            accepted = threading.Timer(0.1, listener.accept)
            accepted.start()
            connect(socket_path, Deadline(5)).close()
            accepted.join()


def test_another_user_s_daemon_gets_not_a_byte(socket_path: str) -> None:
    if os.geteuid():
        pytest.skip("only root can listen as somebody else")
    code = (
        "import os, socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1])\n"
        "os.setuid(65534); listener.listen(); print('listening', flush=True)\n"
        "connection, _ = listener.accept(); print(len(connection.recv(4096)))"
    )
    with subprocess.Popen([sys.executable, "-c", code, socket_path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "listening\n"
        with pytest.raises(UnavailableError, match="another user"):
            connect(socket_path, Deadline(5))
        assert other.stdout.readline() == "0\n"


def test_an_answer_that_is_late_exits_4_soon_after_the_limit(client: Runner, daemon: ScriptedDaemon) -> None:
    gate = threading.Event()
    daemon.script["ask"] = lambda _params: gate.wait(20) and {}
    begin = time.monotonic()
    done = client.run("ask", "why?", "--timeout", "0.3")
    gate.set()
    assert done.returncode == 4
    assert time.monotonic() - begin < 3


def test_a_busy_daemon_is_asked_again_until_it_has_time(client: Runner, daemon: ScriptedDaemon) -> None:
    refusals = iter([BusyError("too many"), BusyError("too many")])
    daemon.script["hello"] = lambda _params: next(refusals, daemon.HELLO)
    daemon.script["ask"] = daemon.make_reply()
    assert client.run("ask", "why?").returncode == 0
    daemon.script["hello"] = BusyError("too many")
    assert client.run("ask", "why?", "--timeout", "2").returncode == 3


def test_a_read_is_asked_again_of_a_daemon_that_hung_up_and_a_change_is_not(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    def hang_up_once(params: dict[str, Any]) -> object:
        if sum(method in ("ask", "repo.remove") for method, _ in daemon.calls) == 1:
            raise EOFError
        return daemon.make_reply() if "question" in params else {}

    daemon.script |= {"ask": hang_up_once, "repo.remove": hang_up_once}
    assert client.run("ask", "why?").returncode == 0
    daemon.calls.clear()
    done = client.run("remove")
    assert done.returncode == 3
    assert "closed the connection" in done.stderr


def test_a_newer_daemon_of_another_protocol_asks_for_a_newer_client(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["hello"] = {"protocol": 2, "version": "9.0.0", "pid": 1}
    done = client.run("ask", "why?")
    assert done.returncode == 3
    assert "update the client" in done.stderr


def test_a_daemon_that_refuses_hello_can_still_be_stopped(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script |= {"hello": UsageError("there is no parameter protocol"), "stop": {}}
    done = client.run("ask", "why?")
    assert done.returncode == 3
    assert "does not understand" in done.stderr
    assert client.run("stop").stderr == "the daemon has stopped\n"


def test_garbage_from_the_socket_is_a_sentence(client: Runner, daemon: ScriptedDaemon) -> None:
    for garbage in (b"HTTP/1.1 400 Bad Request\r\n", b"\xc1", b"\x93\x01\x02\x03", encode_reply(1, None, "hi")):
        daemon.script["hello"] = lambda _params, reply=garbage: reply
        done = client.run("ask", "why?")
        assert done.returncode == 3
        assert "Traceback" not in done.stderr


def test_an_interrupt_exits_130_quietly(client: Runner, daemon: ScriptedDaemon) -> None:
    asked, gate = threading.Event(), threading.Event()

    def wait_for_the_end(_params: dict[str, Any]) -> bool:
        asked.set()
        return gate.wait(20)

    daemon.script["ask"] = wait_for_the_end
    with client.start("ask", "why?") as process:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    gate.set()
    assert (process.returncode, out, err) == (130, "", "")
