"""The frame fuzzer: mutants in bursts, a connection each, to a real daemon; what it must answer is known for each of them.

A burst is calls that survived their mutation, and one frame at its end that (mostly) did not. The client closes its sending side
and reads to the end: every request has exactly one reply under its id, or the burst is a fault. A witness asks all the while.
Block *n* of seed *s* is the first block of seed *s + n*: `--seed s+n --rounds 20000` replays it alone.
"""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from ail_rpc.errors import ProtocolError
from ail_rpc.framing import REQUEST_LIMITS, FrameReader
from ail_rpc.messages import parse_call

from .mutants import Mutants
from .outcome import Figure, Outcome, none
from .scene import LATE_S, LAZY, Scene, Witness, served_scene, witness

BLOCK = 20_000
_BURST = 24
_AT_ONCE = 8
_HANG_S = 60.0  # on cores that other tests share a reply may take long; what hangs, hangs longer
_BUG = 70
_SMALL, _SHALLOW = 2000, 9
_SUSPECT = re.compile(rb"[\xc1\xc4-\xc9\xd4-\xd8]")  # types that msgpack knows and a frame may not hold
_TELL_EVERY = 25  # blocks


@dataclass
class Burst:
    """Frames of one connection: the ids of requests that must be answered, and whether the last one is broken."""

    data: bytes
    frames: int
    ids: list[int]
    is_broken: bool


@dataclass
class _Tally:
    """What was sent, and what went wrong."""

    frames: int = 0
    broken: int = 0
    hangs: int = 0
    wrong: int = 0
    bugs: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, what: str, burst: Burst) -> None:
        if len(self.faults) < 20:
            self.faults.append(f"{what}: {burst.data[:400].hex()}")


def run(rounds: int, seed: int, limit_s: float = LATE_S) -> Outcome:
    """Send at least *rounds* frames; the other connection's replies may take *limit_s*."""
    tally = _Tally()
    with served_scene(AIL_LOG_LEVEL="ERROR") as scene, witness(scene, limit_s) as asking:
        block = 0
        _run_block(scene, seed, min(rounds, BLOCK), tally)
        before = scene.get_rss_bytes(), scene.count_descriptors(), scene.process.num_threads()
        while tally.frames < rounds and not tally.hangs:
            block += 1
            _run_block(scene, seed + block, min(rounds - tally.frames, BLOCK), tally)
            if block % _TELL_EVERY == 0:
                faults = [*tally.faults, *asking.wrong]
                print(f"   {tally.frames:,} frames, {len(faults)} faults", *faults[-1:], flush=True)
        asking.end()
        with scene.home.connected() as call:
            asking.ask_once(call)
        after = scene.get_rss_bytes(), scene.count_descriptors(), scene.process.num_threads()
        is_same = scene.process.is_running()
        tally.faults += read_bugs(scene.home.directory / "daemon.err")
    return _conclude(tally, before, after, is_same, asking)


def _conclude(
    tally: _Tally,
    before: tuple[int, int, int],
    after: tuple[int, int, int],
    is_same: bool,
    asking: Witness,
) -> Outcome:
    return Outcome(
        (
            Figure("frames", float(tally.frames)),
            Figure("of them the end of their connection", float(tally.broken)),
            none("crashes", int(not is_same)),
            none("connections that hung", tally.hangs),
            none("wrong, missing or doubled replies", tally.wrong),
            none("replies that confess a bug", tally.bugs),
            none("replies to the other connection that were wrong or late", len(asking.wrong)),
            Figure("its slowest reply", asking.slowest_s, at_most=asking.limit_s, unit="s", digits=3),
            Figure(
                "memory grown, after the first block",
                (after[0] - before[0]) / (1 << 20),
                at_most=20,
                unit="MiB",
                digits=1,
            ),
            Figure("descriptors more", float(after[1] - before[1]), at_most=2 * LAZY),
            Figure("threads more", float(after[2] - before[2]), at_most=2 * LAZY),
        ),
        (*tally.faults, *asking.wrong),
    )


def _run_block(scene: Scene, seed: int, frames: int, tally: _Tally) -> None:
    """Send *frames* frames of *seed*, several connections open at a time."""
    dice = random.Random(seed)
    mutants = Mutants(dice, str(scene.repo), scene.shas[7])
    path, end = str(scene.home.socket), tally.frames + frames
    opened: deque[tuple[socket.socket, Burst]] = deque()
    while tally.frames < end or opened:
        if tally.frames < end and len(opened) < _AT_ONCE:
            burst = make_burst(mutants, dice.randint(1, _BURST))
            tally.frames += burst.frames
            tally.broken += burst.is_broken
            opened.append((_send(path, burst, dice), burst))
        else:
            _collect(*opened.popleft(), seed, tally)


def make_burst(mutants: Mutants, most: int) -> Burst:
    """Return up to *most* frames that can be answered, cut short by the first that cannot."""
    frames, ids = [], []
    for number in range(most):
        frames.append(mutants.frame(number))
        told, is_whole = read_calls(frames[-1])
        ids += told
        if not is_whole:
            return Burst(b"".join(frames), len(frames), ids, is_broken=True)
    return Burst(b"".join(frames), len(frames), ids, is_broken=False)


def read_calls(data: bytes) -> tuple[list[int], bool]:
    """Return the ids of the requests in *data* up to its first fault, and whether it has none and is whole calls.

    What msgpack itself takes for one sound request is believed at once (most are); for the rest the daemon's own reader, which
    counts and refuses more, says where the fault is.
    """
    if (request_id := _find_plain_id(data)) is not None:
        return [request_id], True
    reader, ids = FrameReader(REQUEST_LIMITS), []
    try:
        for frame in reader.feed(data):
            call = parse_call(frame)
            if call.request_id is not None:
                ids.append(call.request_id)
    except ProtocolError:
        return ids, False
    return ids, not reader.is_mid_frame


def _find_plain_id(data: bytes) -> int | None:
    """Return the id of a request that is sound beyond doubt, None for anything else."""
    nested = data.count(b"\x81") + data.count(b"\x91") + data.count(b"\x92")
    if len(data) > _SMALL or nested > _SHALLOW or data[:2] != b"\x94\x00" or _SUSPECT.search(data):
        return None
    try:
        match msgpack.unpackb(data, unicode_errors="surrogateescape"):
            case [0, int(request_id), str(), [dict()]] if 0 <= request_id < 1 << 32 and data[2] < 0xC0:
                return request_id
    except ValueError:
        pass
    return None


def _send(path: str, burst: Burst, dice: random.Random) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(_HANG_S)
    sock.connect(path)
    try:
        if dice.random() < 0.02:
            for start in range(0, min(len(burst.data), 400), 7):
                sock.sendall(burst.data[start : start + 7])
            sock.sendall(burst.data[((min(len(burst.data), 400) + 6) // 7) * 7 :])
        else:
            sock.sendall(burst.data)
        sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has seen enough
    except OSError as err:
        if err.errno != 107:  # ENOTCONN: the same
            raise
    return sock


def _collect(sock: socket.socket, burst: Burst, seed: int, tally: _Tally) -> None:
    """Read to the end and compare."""
    received = b""
    try:
        while more := sock.recv(1 << 18):
            received += more
    except TimeoutError:
        tally.hangs += 1
        tally.note(f"seed {seed}: hung", burst)
    except ConnectionResetError:
        pass
    sock.close()
    _compare(received, burst, seed, tally)


def _compare(received: bytes, burst: Burst, seed: int, tally: _Tally) -> None:
    replies = read_replies(received)
    tally.bugs += sum(error is not None and error[0] == _BUG for _, error in replies)
    missing = Counter(burst.ids)
    extra = []
    for request_id, error in replies:
        if missing[request_id]:
            missing[request_id] -= 1
        else:
            extra.append(error)
    if missing.total() or len(extra) > burst.is_broken:
        tally.wrong += 1
        tally.note(f"seed {seed}: {missing.total()} replies missing, {len(extra)} too many", burst)


def read_bugs(log: Path) -> list[str]:
    """Return where the daemon's log says that it failed, each place once, with how often."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    places = Counter(" ... ".join([line["error"][0], *line["error"][-2:]]) for line in lines if "error" in line)
    return [f"{count} times: {place}" for place, count in places.most_common()]


def read_replies(received: bytes) -> list[tuple[int, Any]]:
    """Return (id, error) of each reply."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, unicode_errors="surrogateescape")
    unpacker.feed(received)
    return [(request_id, error) for _, request_id, error, _ in unpacker]
