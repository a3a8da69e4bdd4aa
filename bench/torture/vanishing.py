"""Clients that leave as they should not: nothing of them stays in the daemon, and nobody else notices."""

from __future__ import annotations

import array
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from tests.daemon.daemon_process import connect
from tests.indexed import wait

from ail_rpc.messages import encode_notification, encode_request

from .outcome import Figure, Outcome, none
from .scene import LATE_S, LAZY, Scene, served_scene, witness

_STAYING = 10
_SETTLED_S = 20.0  # the time to finish a frame, and to read a reply, is 10 s


def run(rounds: int, seed: int, limit_s: float = LATE_S) -> Outcome:
    """Leave in every way, *rounds* times, in an order that *seed* chooses; others' replies may take *limit_s*."""
    dice = random.Random(seed)
    with served_scene() as scene:
        before = scene.count_descriptors(), scene.process.num_threads()
        with witness(scene, limit_s) as asking:
            for _ in range(rounds):
                for leave in dice.sample(_WAYS, len(_WAYS)):
                    leave(scene)
            _stay_half_read(scene, _STAYING)
        wait(lambda: scene.count_descriptors() <= before[0], _SETTLED_S)
        after = scene.count_descriptors(), scene.process.num_threads()
        is_same = scene.process.is_running()
    return Outcome(
        (
            Figure("clients that vanished", float(rounds * len(_WAYS) + _STAYING)),
            none("crashes", int(not is_same)),
            Figure("descriptors left", float(after[0] - before[0]), at_most=LAZY),
            Figure("threads left", float(after[1] - before[1]), at_most=LAZY),
            none("replies to another client that were wrong or late", len(asking.wrong)),
            Figure("its slowest reply", asking.slowest_s, at_most=limit_s, unit="s", digits=3),
        ),
        tuple(asking.wrong),
    )


def _request(scene: Scene, number: int = 1) -> bytes:
    return encode_request(number, "show", {"repo": str(scene.repo), "sha": scene.shas[0]})


def _only_connect(scene: Scene) -> None:
    connect(str(scene.home.socket)).close()


def _leave_mid_frame(scene: Scene) -> None:
    with connect(str(scene.home.socket)) as connected:
        connected.sendall(_request(scene)[:-3])


def _leave_before_the_reply(scene: Scene) -> None:
    with connect(str(scene.home.socket)) as connected:
        connected.sendall(b"".join(_request(scene, number) for number in range(30)))


def _leave_with_a_reply_half_read(scene: Scene) -> None:
    """Close with bytes unread, which is what a Unix socket knows of a reset."""
    with connect(str(scene.home.socket)) as connected:
        connected.sendall(b"".join(_request(scene, number) for number in range(8)))
        connected.recv(10)


def _read_nothing_after_closing_the_reading_side(scene: Scene) -> None:
    with connect(str(scene.home.socket)) as connected, suppress(OSError):
        connected.shutdown(socket.SHUT_RD)
        connected.sendall(_request(scene))


def _notify_and_leave(scene: Scene) -> None:
    with connect(str(scene.home.socket)) as connected:
        connected.sendall(encode_notification("repo.notify", {"repo": str(scene.repo)}))


def _pass_descriptors(scene: Scene) -> None:
    """Send open files along with a request, which the daemon never asked for."""
    with connect(str(scene.home.socket)) as connected:
        files = [os.open(os.devnull, os.O_RDONLY) for _ in range(60)]
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files).tobytes())]
        connected.sendmsg([_request(scene)], ancillary)
        connected.recv(1)
        for file in files:
            os.close(file)


def _be_killed_mid_frame(scene: Scene) -> None:
    """Be a process of its own that is killed while its frame is half sent."""
    code = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(bytes.fromhex(sys.argv[2])); print(flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-S", "-c", code, str(scene.home.socket), _request(scene)[:-5].hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)


_WAYS: tuple[Callable[[Scene], None], ...] = (
    _only_connect, _leave_mid_frame, _leave_before_the_reply, _leave_with_a_reply_half_read, _notify_and_leave, _pass_descriptors,
    _read_nothing_after_closing_the_reading_side, _be_killed_mid_frame,
)  # fmt: skip


def _stay_half_read(scene: Scene, count: int) -> None:
    """Ask for more than the socket's buffers hold, on *count* connections, read nothing, and stay until the daemon has enough."""
    staying = []
    for _ in range(count):
        connected = connect(str(scene.home.socket))
        connected.setblocking(False)
        staying.append(connected)
    many = b"".join(encode_request(number, "status", {}) for number in range(32)) * 80
    for connected in staying:
        with suppress(OSError):
            connected.send(many)
    wait(lambda: all(map(_is_over, staying)), _SETTLED_S)
    for connected in staying:
        connected.close()


def _is_over(connected: socket.socket) -> bool:
    """Whether the daemon has closed, seen without reading."""
    try:
        connected.send(b"")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False
