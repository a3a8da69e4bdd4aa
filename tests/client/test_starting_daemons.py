"""Starting a daemon: where there is none, or in the place of an older one; one alone, sealed off from its caller."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_client.connection import connect
from ail_client.deadline import Deadline

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
