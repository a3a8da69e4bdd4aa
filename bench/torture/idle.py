"""As many idle connections as there may be: each is answered, first and last; newcomers beyond them hear "busy" and no more."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from tests.daemon.daemon_process import connect, read_replies

from ail_rpc.messages import encode_request

from .outcome import Figure, Outcome, none
from .scene import LAZY, Scene, served_scene

BEYOND = 50
_BUSY = 31


def run(rounds: int, seed: int) -> Outcome:
    """Hold *rounds* idle connections, 1,000 at the most."""
    del seed  # nothing is chosen
    with served_scene() as scene:
        before = scene.count_descriptors()
        held = [connect(str(scene.home.socket)) for _ in range(rounds)]
        wrong = sum(not _is_answered(scene, each, number) for number, each in enumerate(held))
        told = [_ask_beyond(scene) for _ in range(BEYOND if rounds >= 1000 else 0)]
        wrong_after = sum(not _is_answered(scene, each, number) for number, each in enumerate(reversed(held)))
        for each in held:
            each.close()
        after = _settle(scene, before)
    return Outcome(
        (
            Figure("idle connections", float(rounds)),
            none("not answered, or wrongly, when they came", wrong),
            none("not answered, or wrongly, after all of them had been idle", wrong_after),
            Figure("newcomers beyond them that were told busy", float(told.count(_BUSY)), at_least=len(told)),
            Figure("descriptors left afterwards", float(after - before), at_most=LAZY),
        )
    )


def _is_answered(scene: Scene, connected: socket.socket, number: int) -> bool:
    sha = scene.shas[number % len(scene.shas)]
    connected.sendall(encode_request(number, "show", {"repo": str(scene.repo), "sha": sha}))
    match read_replies(connected, 1):
        case [(request_id, None, {"sha": shown})]:
            return bool(request_id == number and shown == sha)
    return False


def _ask_beyond(scene: Scene) -> Any:
    """Return the code of the error that one more client gets, None where it gets anything else."""
    with connect(str(scene.home.socket)) as connected, suppress(OSError):
        connected.sendall(encode_request(1, "hello", {}))
        match read_replies(connected, 1):
            case [(1, [code, *_], None)]:
                return code
    return None


def _settle(scene: Scene, wanted: int) -> int:
    """Return the daemon's descriptors once they are *wanted*, or when that took too long."""
    from tests.indexed import wait

    wait(lambda: scene.count_descriptors() <= wanted, 10.0)
    return scene.count_descriptors()
