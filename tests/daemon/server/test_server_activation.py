"""The service manager's side of starting: a socket passed on, and the news it gets. Its part is played by hand."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest
from tests.daemon.daemon_process import DAEMON, SCRIPTED, User, ask, connect, read_replies

from ail_daemon.process.activation import notify, take_listening_socket
from ail_rpc.messages import encode_request

AS_MANAGER = (
    sys.executable,
    "-c",
    "import os, sys\n"
    "os.dup2(int(sys.argv[1]), 3)\n"
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
    "os.execv(sys.argv[2], sys.argv[2:])",
)


def listen_at(path: str) -> socket.socket:
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    os.chmod(path, 0o600)
    listening.listen()
    return listening


def test_a_passed_socket_is_served_with_the_client_that_woke_it_and_left_in_place(user: User) -> None:
    with listen_at(user.socket_path) as listening, connect(user.socket_path) as waiting:
        waiting.sendall(encode_request(1, "hello", {}))
        started = user.start_ready(
            program=(*AS_MANAGER, str(listening.fileno()), *DAEMON), pass_fds=[listening.fileno()]
        )
        [(_, error, result)] = read_replies(waiting, 1)
        assert (error, result["pid"]) == (None, started.process.pid)
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait() == 0
        assert os.path.exists(user.socket_path), "the service manager still listens there"


def test_a_passed_socket_is_not_passed_on(user: User) -> None:
    with listen_at(user.socket_path) as listening:
        user.start_ready(program=(*AS_MANAGER, str(listening.fileno()), *SCRIPTED), pass_fds=[listening.fileno()])
        assert not [name for name in ask(user.socket_path, "environment")["names"] if name.startswith("LISTEN")]


def test_a_passed_socket_of_another_kind_is_refused(user: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        started = user.start(program=(*AS_MANAGER, str(listening.fileno()), *DAEMON), pass_fds=[listening.fileno()])
        assert started.read_ready()["error"][0] == 30
        assert started.process.wait() == 3


def test_variables_meant_for_another_process_are_removed_and_ignored() -> None:
    env = {"LISTEN_PID": str(os.getppid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "ail", "HOME": "/"}
    assert take_listening_socket(env) is None
    assert env == {"HOME": "/"}


@pytest.mark.parametrize("is_abstract", [False, True], ids=["path", "abstract"])
def test_the_manager_hears_of_readiness_health_and_stopping(user: User, is_abstract: bool) -> None:
    address = f"@ail-{os.path.basename(user.home)}" if is_abstract else os.path.join(user.home, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if is_abstract else address)
        manager.settimeout(60)
        started = user.start_ready(
            "--limits", '{"quiet_check_s": 0.02}', program=SCRIPTED, env={"NOTIFY_SOCKET": address}
        )
        assert manager.recv(100) == b"READY=1\nSTATUS=serving"
        assert manager.recv(100) == b"WATCHDOG=1"
        started.process.send_signal(signal.SIGTERM)
        while (news := manager.recv(100)) == b"WATCHDOG=1":
            pass
        assert news == b"STOPPING=1\nSTATUS=stopping"


def test_without_a_manager_or_with_a_deaf_one_telling_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("", "relative", "/nonexistent/notify", "@nobody-is-here"):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
