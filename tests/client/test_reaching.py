from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_client.connection import connect
from ail_client.deadline import Deadline
from ail_rpc.errors import BusyError, UnavailableError, UsageError
from ail_rpc.messages import encode_reply

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")

FAKE_DAEMON = '''#!{python}
"""Stands in for the process alone: follows the ready protocol, holds the lock, answers hello, status and stop."""
import fcntl, json, os, socket, sys
path, ready = os.environ["AIL_SOCKET"], int(sys.argv[sys.argv.index("--ready-fd") + 1])
with open({started!r}, "a") as file:
    file.write(json.dumps({{"args": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "sid": os.getsid(0),
        "fds": sorted(os.readlink("/proc/self/fd/" + fd) for fd in "012"), "pid": os.getpid()}}) + "\\n")
if {behaviour!r} == "69":
    sys.exit(69)
if {behaviour!r} == "error":
    os.write(ready, json.dumps({{"error": [12, "the disk is full", {{"hint": "make room"}}]}}).encode() + b"\\n")
    sys.exit(1)
if {behaviour!r} == "silent":
    sys.exit(3)
if os.fork():
    os._exit(0)
lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    os.write(ready, b'{{"error": [30, "a second daemon was started", {{"hint": ""}}]}}\\n')
    sys.exit(1)
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(128)
os.write(ready, json.dumps({{"socket": path}}).encode() + b"\\n")
os.close(ready)
from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import encode_reply, parse_call
while True:
    connection, _ = listener.accept()
    reader = FrameReader(REQUEST_LIMITS)
    with connection:
        while data := connection.recv(65536):
            for frame in reader.feed(data):
                call = parse_call(frame)
                result = {{"protocol": 1, "version": "0.1.0", "pid": os.getpid(), "repos": []}}
                connection.sendall(encode_reply(call.request_id, None, result))
                if call.method == "stop":
                    os.unlink(path)
                    sys.exit(0)
'''


@pytest.fixture
def bin_dir(client: Runner, short_dir: Path, socket_path: str) -> Iterator[Path]:
    """A PATH entry for fake daemons; whatever was started is stopped at the end."""
    place = short_dir / "bin"
    place.mkdir()
    client.env["PATH"] = f"{place}{os.pathsep}{client.env['PATH']}"
    yield place
    if Path(socket_path).exists():
        client.run("stop")


def install(bin_dir: Path, behaviour: str = "serve") -> Path:
    started = bin_dir / "started"
    program = bin_dir / "ail-daemon"
    rooms = Path(__file__).resolve().parents[2] / "client"
    text = FAKE_DAEMON.format(python=sys.executable, started=str(started), behaviour=behaviour)
    program.write_text(
        text.replace("import fcntl,", f"import sys; sys.path.insert(0, {str(rooms)!r})\nimport fcntl,", 1)
    )
    program.chmod(0o755)
    return started


def read_starts(started: Path) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in started.read_text().splitlines()]


def test_a_missing_daemon_is_started_and_asked(client: Runner, bin_dir: Path) -> None:
    started = install(bin_dir)
    done = client.run("status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read_starts(started)) == 1


def test_a_started_daemon_inherits_nothing_of_a_hook(client: Runner, bin_dir: Path, socket_path: str) -> None:
    started = install(bin_dir)
    client.env |= {
        "GIT_DIR": "/elsewhere",
        "GIT_INDEX_FILE": "/x",
        "SECRET": "s",
        "AIL_LOG_LEVEL": "DEBUG",
        "LC_TIME": "C",
    }
    assert client.run("status").returncode == 0
    start = read_starts(started)[0]
    assert start["args"][:2] == ["run", "--detach"]
    assert not [name for name in start["env"] if name.startswith("GIT_") or name in ("SECRET", "PYTHONPATH")]
    assert {start["env"][name] for name in ("AIL_SOCKET", "AIL_LOG_LEVEL", "LC_TIME")} == {socket_path, "DEBUG", "C"}
    assert (start["cwd"], set(start["fds"]), start["sid"]) == ("/", {"/dev/null"}, start["pid"])


def test_the_client_s_output_ends_while_the_daemon_lives_on(client: Runner, bin_dir: Path) -> None:
    install(bin_dir)
    with client.start("status", "--json") as process:
        process.communicate(timeout=20)  # would wait for the daemon, had it the pipe
    assert client.run("health", "live").returncode in (0, 1)
    assert client.run("stop").stderr == "the daemon has stopped\n"


def test_clients_that_race_start_exactly_one_daemon(client: Runner, bin_dir: Path) -> None:
    started = install(bin_dir)
    racing = [client.start("status", "--json") for _ in range(16)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in racing]
    assert ends == [("", 0)] * 16
    assert len(read_starts(started)) == 1


def test_a_socket_left_by_a_killed_daemon_does_not_stop_the_next(
    client: Runner, bin_dir: Path, socket_path: str
) -> None:
    install(bin_dir)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(socket_path)
    assert client.run("status").returncode == 0


def test_no_start_means_no_daemon_and_exit_3(client: Runner, bin_dir: Path) -> None:
    started = install(bin_dir)
    done = client.run("status", "--no-start")
    assert done.returncode == 3
    assert "no daemon listens" in done.stderr
    assert not started.exists()


def test_stop_and_health_never_start_a_daemon(client: Runner, bin_dir: Path) -> None:
    started = install(bin_dir)
    stopped = client.run("stop")
    assert (stopped.returncode, stopped.stderr) == (0, "no daemon runs\n")
    assert client.run("health", "ready").returncode == 1
    assert not started.exists()


def test_stop_returns_when_the_lock_is_free(client: Runner, bin_dir: Path, socket_path: str) -> None:
    import fcntl

    install(bin_dir)
    client.run("status")
    assert client.run("stop").returncode == 0
    with Path(socket_path + ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_daemon_that_is_not_installed_is_named_with_what_to_install(client: Runner, bin_dir: Path) -> None:
    started = install(bin_dir, "69")
    done = client.run("status")
    assert done.returncode == 69
    assert "pip install 'archaeological-intelligence[daemon]'" in done.stderr
    assert len(read_starts(started)) == 1


def test_what_keeps_a_daemon_from_starting_reaches_the_user(client: Runner, bin_dir: Path) -> None:
    install(bin_dir, "error")
    done = client.run("status")
    assert (done.returncode, done.stderr) == (1, "ail-client: the disk is full\nhint: make room\n")


def test_a_daemon_that_dies_without_a_word_points_to_its_log(client: Runner, bin_dir: Path) -> None:
    install(bin_dir, "silent")
    done = client.run("status")
    assert done.returncode == 3
    assert "exit status 3" in done.stderr
    assert "/.local/state/ail/daemon.log" in done.stderr


def test_the_socket_s_directory_is_made_for_this_user_alone(client: Runner, bin_dir: Path, short_dir: Path) -> None:
    install(bin_dir)
    path = short_dir / "deep" / "er" / "ail.sock"
    assert client.run("status", "--socket", str(path)).returncode == 0
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert client.run("stop", "--socket", str(path)).returncode == 0


@pytest.mark.parametrize("fault", ["open", "foreign", "link"])
def test_a_socket_directory_that_others_can_enter_is_refused(
    client: Runner, bin_dir: Path, socket_path: str, fault: str
) -> None:
    started = install(bin_dir)
    directory = Path(socket_path).parent
    if fault == "open":
        directory.chmod(0o755)
    elif fault == "foreign":
        if os.geteuid():
            pytest.skip("only root can give a directory away")
        os.chown(directory, 65534, 65534)
    else:
        directory.rename(directory.with_name("real"))
        directory.symlink_to("real")
    done = client.run("status")
    assert done.returncode == 3
    assert "the socket's directory" in done.stderr
    assert not started.exists()


@pytest.mark.slow
def test_a_stopped_daemon_gets_a_clear_error_within_2_s_and_no_second_one(
    client: Runner, bin_dir: Path, socket_path: str
) -> None:
    started = install(bin_dir)
    client.run("status")
    with connect(socket_path, Deadline(5)) as connection:
        pid = connection.call("hello", {}, Deadline(5))["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        done = client.run("ask", "why?")
        assert time.monotonic() - begin < 2
    finally:
        os.kill(pid, signal.SIGCONT)
    assert done.returncode == 3
    assert "said nothing" in done.stderr
    assert str(pid) in done.stderr
    assert len(read_starts(started)) == 1


def test_a_daemon_that_is_stuck_gets_the_same_error(client: Runner, daemon: ScriptedDaemon) -> None:
    gate = threading.Event()
    daemon.script["hello"] = lambda _params: gate.wait(20)
    begin = time.monotonic()
    done = client.run("ask", "why?")
    gate.set()
    assert time.monotonic() - begin < 2
    assert done.returncode == 3
    assert "said nothing" in done.stderr


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


@pytest.mark.parametrize("hello", [{"protocol": 0, "version": "9"}, {"protocol": 1, "version": "0.0.9"}])
def test_an_older_daemon_is_stopped_and_replaced_once(
    client: Runner, bin_dir: Path, daemon: ScriptedDaemon, hello: dict[str, Any]
) -> None:
    started = install(bin_dir)

    def stop(_params: dict[str, Any]) -> dict[str, Any]:
        daemon.stop_listening()
        return {}

    daemon.script |= {"hello": hello, "stop": stop}
    assert client.run("status").returncode == 0
    assert len(read_starts(started)) == 1
    assert sum(method == "stop" for method, _ in daemon.calls) == 1


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
