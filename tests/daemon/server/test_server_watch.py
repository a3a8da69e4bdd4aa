"""The server's look at itself, in this process, where its socket can be made deaf."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys

import pytest
from tests.daemon.daemon_process import User

from ail_daemon.server.limits import ServingLimits
from ail_daemon.server.listening import Listener
from ail_daemon.server.server import Server
from ail_rpc.messages import Call, encode_reply, encode_request


class Echo:
    """Answers every call with its method's name."""

    async def answer(self, call: Call) -> bytes | None:
        return None if call.request_id is None else encode_reply(call.request_id, None, call.method)


async def is_served(path: str) -> bool:
    """Whether a request to *path* is answered."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.write(encode_request(1, "hello", {}))
    received = await reader.read(100)
    writer.close()
    return received == encode_reply(1, None, "hello")


def test_a_socket_that_no_longer_answers_though_its_file_is_there_is_bound_anew(user: User) -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncio reports the deaf socket
        listener = Listener.bind(user.socket_path)
        server = Server(listener, Echo(), ServingLimits(quiet_check_s=0.02, answer_check_s=0.02))
        await server.start()
        before = os.lstat(user.socket_path).st_ino
        assert await is_served(user.socket_path)
        listener.sock.shutdown(socket.SHUT_RDWR)
        assert not await is_served(user.socket_path)
        async with asyncio.timeout(30):
            while not await is_served(user.socket_path):
                await asyncio.sleep(0.01)
        assert os.lstat(user.socket_path).st_ino != before
        await server.stop()
        assert not os.path.exists(user.socket_path)

    asyncio.run(scenario())


def test_a_healthy_socket_is_left_alone(user: User) -> None:
    looks = []

    async def scenario() -> None:
        limits = ServingLimits(quiet_check_s=0.005, answer_check_s=0.005)
        server = Server(Listener.bind(user.socket_path), Echo(), limits, renew=lambda: looks.append(1))
        await server.start()
        before = os.lstat(user.socket_path).st_ino
        async with asyncio.timeout(30):
            while len(looks) < 10:
                await asyncio.sleep(0.005)
        assert os.lstat(user.socket_path).st_ino == before
        await server.stop()

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="without inotify it looks every second")
def test_a_server_in_whose_directory_nothing_happens_does_not_wake_up(user: User) -> None:
    looks = []

    async def scenario() -> None:
        limits = ServingLimits(path_check_s=0.005)
        server = Server(Listener.bind(user.socket_path), Echo(), limits, renew=lambda: looks.append(1))
        await server.start()
        await asyncio.sleep(0.2)
        assert len(looks) == 1
        os.close(os.open(f"{user.socket_path}.x", os.O_CREAT | os.O_WRONLY))
        async with asyncio.timeout(30):
            while len(looks) < 2:
                await asyncio.sleep(0.005)
        await server.stop()

    asyncio.run(scenario())


def test_a_look_that_fails_does_not_end_the_looking(user: User) -> None:
    looks = []

    def renew() -> None:
        looks.append(1)
        raise BlockingIOError("taken")

    async def scenario() -> None:
        server = Server(Listener.bind(user.socket_path), Echo(), ServingLimits(quiet_check_s=0.005), renew)
        await server.start()
        async with asyncio.timeout(30):
            while len(looks) < 3:
                await asyncio.sleep(0.005)
        assert await is_served(user.socket_path)
        await server.stop()

    asyncio.run(scenario())


def test_a_socket_is_never_wider_than_0600_whatever_the_mask(user: User) -> None:
    before = os.umask(0)
    try:
        listener = Listener.bind(user.socket_path)
    finally:
        os.umask(before)
    assert not os.path.exists(user.socket_path), "nobody can find it before it is published"
    listener.publish()
    assert stat.S_IMODE(os.lstat(user.socket_path).st_mode) == 0o600
    listener.sock.close()


def test_a_path_of_107_bytes_the_longest_there_is_can_be_bound(user: User) -> None:
    directory = os.path.join(user.home, "d" * (107 - len(user.home) - len("//ail.sock")))
    path = os.path.join(directory, "ail.sock")
    assert len(path) == 107
    listener = Listener.bind(path)
    listener.publish()
    assert os.listdir(directory) == ["ail.sock"]
    listener.withdraw()
    assert os.listdir(directory) == []
    listener.sock.close()
