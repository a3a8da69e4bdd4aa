"""Many connections at once, each with many requests: every request gets its own reply, right, and nothing else."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from ail_rpc.framing import REPLY_LIMITS, FrameReader
from ail_rpc.messages import encode_request, parse_reply

from .outcome import Figure, Outcome, none
from .scene import Scene, served_scene

CLIENTS = 256
_IN_FLIGHT = 4
_PATIENCE_S = 300.0


@dataclass
class _Tally:
    """Replies counted, and what was wrong with them."""

    replies: int = 0
    errors: int = 0
    wrong: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, is_error: bool, what: str) -> None:
        self.errors += is_error
        self.wrong += not is_error
        self.faults.append(what)


def run(rounds: int, seed: int, clients: int = CLIENTS) -> Outcome:
    """Send *rounds* requests on each of *clients* connections."""
    tally = _Tally()
    with served_scene() as scene:
        asyncio.run(asyncio.wait_for(_ask_together(scene, rounds, seed, clients, tally), _PATIENCE_S))
    return Outcome(
        (
            Figure("replies", float(tally.replies), at_least=rounds * clients),
            none("errors", tally.errors),
            none("replies to another request, or with another's content", tally.wrong),
        ),
        tuple(tally.faults),
    )


async def _ask_together(scene: Scene, rounds: int, seed: int, clients: int, tally: _Tally) -> None:
    ready = asyncio.Barrier(clients)
    async with asyncio.TaskGroup() as all_clients:
        for number in range(clients):
            all_clients.create_task(_be_client(scene, rounds, random.Random(seed + number), ready, tally))


async def _be_client(scene: Scene, rounds: int, dice: random.Random, ready: asyncio.Barrier, tally: _Tally) -> None:
    """Connect, wait for all the others, keep up to four requests in flight until all are answered."""
    reader, writer = await asyncio.open_unix_connection(scene.home.socket)
    await ready.wait()
    frames = FrameReader(REPLY_LIMITS)
    asked: dict[int, Any] = {}
    sent = 0
    while sent < rounds or asked:
        while sent < rounds and len(asked) < _IN_FLIGHT:
            sent += 1
            asked[sent], request = _make_request(scene, sent, dice)
            writer.write(request)
        data = await reader.read(1 << 16)
        if not data:
            tally.note(True, f"a connection ended with {len(asked)} requests unanswered")
            return
        for frame in frames.feed(data):
            _check(*parse_reply(frame), asked, tally)
    writer.close()


def _make_request(scene: Scene, number: int, dice: random.Random) -> tuple[tuple[str, object], bytes]:
    """Return what the reply must hold, as (key, value), and a request's bytes."""
    part = dice.randrange(len(scene.shas))
    kind = dice.choice(("show", "show", "ask", "ask", "hello", "wrong"))
    repo = str(scene.repo)
    if kind == "show":
        return ("sha", scene.shas[part]), encode_request(number, "show", {"repo": repo, "sha": scene.shas[part]})
    if kind == "ask":
        question = f"why is part {part} said twice?"
        return ("question", question), encode_request(
            number, "ask", {"repo": repo, "question": question, "timeout": 300.0}
        )
    if kind == "hello":
        return ("pid", scene.pid), encode_request(number, "hello", {})
    return ("error", f"{part} is neither a sha nor a name of a commit"), encode_request(
        number, "show", {"repo": repo, "sha": str(part)}
    )


def _check(request_id: int, error: Any, result: Any, asked: dict[int, Any], tally: _Tally) -> None:
    tally.replies += 1
    key, value = asked.pop(request_id, (None, None))
    if key is None:
        tally.note(False, f"a reply to request {request_id}, which is not open")
    elif key == "error":
        if error is None or error[1] != value:
            tally.note(False, f"wanted the error {value!r}, got {error!r}")
    elif error is not None:
        tally.note(True, f"wanted {key} {value}: {error!r}")
    elif result.get(key) != value:
        tally.note(False, f"wanted {key} {value}, got {result.get(key)!r}")
