"""A daemon that nobody uses ends, where the service manager listens for the next client; no client notices."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.daemon.daemon_process import DAEMON, PACKAGES, PATIENCE_S, SCRIPTED, User, ask, connect, read_replies
from tests.daemon.server.test_server_activation import AS_MANAGER, listen_at
from tests.tools import require

from ail_rpc.messages import encode_request

ONE_SECOND = {"AIL_IDLE_EXIT_S": "1"}


def test_it_ends_when_nobody_came_and_leaves_the_socket(user: User) -> None:
    with listen_at(user.socket_path) as listening:
        started = user.start_ready(
            program=(*AS_MANAGER, str(listening.fileno()), *SCRIPTED), pass_fds=[listening.fileno()], env=ONE_SECOND
        )
        ask(user.socket_path, "echo")
        assert started.process.wait(PATIENCE_S) == 0
        assert os.path.exists(user.socket_path)


@pytest.mark.slow
def test_it_stays_while_a_client_is_connected(user: User) -> None:
    with listen_at(user.socket_path) as listening, connect(user.socket_path) as editor:
        started = user.start_ready(
            program=(*AS_MANAGER, str(listening.fileno()), *SCRIPTED), pass_fds=[listening.fileno()], env=ONE_SECOND
        )
        with pytest.raises(subprocess.TimeoutExpired):
            started.process.wait(2.5)
        editor.sendall(encode_request(1, "echo", {}))
        assert read_replies(editor, 1) == [(1, None, {})]


@pytest.mark.slow
def test_without_a_service_manager_it_stays(user: User) -> None:
    started = user.start_ready(program=SCRIPTED, env=ONE_SECOND)
    with pytest.raises(subprocess.TimeoutExpired):
        started.process.wait(2.5)


class Manager:
    """systemd's part: it listens, and starts a daemon whenever somebody waits and none runs."""

    def __init__(self, user: User, listening: socket.socket) -> None:
        self.starts = 0
        self._user, self._listening, self._ended = user, listening, threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listening], [], [], 0.02)[0]:
                self.starts += 1
                fd = self._listening.fileno()
                started = self._user.start(program=(*AS_MANAGER, str(fd), *SCRIPTED), pass_fds=[fd], env=ONE_SECOND)
                started.process.wait(PATIENCE_S)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


@pytest.mark.slow
def test_clients_that_come_just_when_it_ends_are_all_answered(user: User) -> None:
    dice = random.Random(5)

    def come(pause_s: float) -> object:
        time.sleep(pause_s)  # the moment is what is tried here
        return ask(user.socket_path, "echo", said=pause_s)

    with listen_at(user.socket_path) as listening, ThreadPoolExecutor(8) as clients:
        manager = Manager(user, listening)
        with manager.running():
            for _ in range(60):
                soon = dice.uniform(0.9, 1.5)
                pauses = [soon + dice.uniform(0, 0.1) for _ in range(8)]
                assert list(clients.map(come, pauses)) == [{"said": pause} for pause in pauses]
                if manager.starts >= 3:
                    break
    assert manager.starts >= 3, "it ended between, again and again"


def test_systemd_s_own_activation_starts_it_at_the_first_client(user: User) -> None:
    activate = require("systemd-socket-activate")
    os.makedirs(os.path.dirname(user.socket_path), 0o700)
    environment = {**user.env, "PYTHONPATH": os.pathsep.join(PACKAGES)}
    passed = [word for name in environment for word in ("-E", name)]
    process = subprocess.Popen(
        [activate, "-l", user.socket_path, *passed, *DAEMON], env=environment, stderr=subprocess.DEVNULL, umask=0o077
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(user.socket_path):
            assert time.monotonic() < deadline
            select.select([], [], [], 0.005)
        assert ask(user.socket_path, "hello")["pid"] == process.pid
        assert ask(user.socket_path, "status")["socket"] == user.socket_path
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
