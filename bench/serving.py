"""What serving costs: a cached answer beside a bare echo, a similar one beside a new one, eight clients beside none.

    python -m bench.serving

Three ratios, each of two figures taken in turn in one run, so that a slow machine slows both.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import msgpack
from tests.running import Calling, Home, prepare_models, sealed_home

from ail_daemon.encoding import DEFAULT_MODEL, open_encoder
from ail_rpc.messages import encode_reply, encode_request

from .evaluation import load_set
from .figures import percentile, seconds, show

CLIENTS = 8
_ROUNDS = 400
_SPELLINGS = ("Why {}?", "{} - why?", "why, {}", "WHY {} ?")  # of one question: near enough, and not the same


class Echo(asyncio.Protocol):
    """Unpacks what comes, packs it again, sends it back: what any server of this protocol has to do."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._unpacker = msgpack.Unpacker()

    def data_received(self, data: bytes) -> None:
        """Answer each message with itself."""
        self._unpacker.feed(data)
        for message in self._unpacker:
            self._transport.write(msgpack.packb(message))  # type: ignore[attr-defined]


@contextmanager
def bare_echo() -> Iterator[socket.socket]:
    """Run an echo in a process of its own; yield a connection to it."""
    with tempfile.TemporaryDirectory(prefix="ail") as directory:
        path = os.path.join(directory, "echo.sock")
        child = os.fork()
        if child == 0:
            asyncio.run(_serve_echo(path))
        try:
            with socket.socket(socket.AF_UNIX) as connected:
                while connected.connect_ex(path):  # until it listens
                    time.sleep(0.01)
                yield connected
        finally:
            os.kill(child, 15)
            os.waitpid(child, 0)


async def _serve_echo(path: str) -> None:
    server = await asyncio.get_running_loop().create_unix_server(Echo, path)
    await server.serve_forever()


def bounce(connected: socket.socket, request: bytes) -> None:
    """Send *request*, take one message back, unpacked and nothing more: the same for both servers."""
    unpacker = msgpack.Unpacker()
    connected.sendall(request)
    while True:
        unpacker.feed(connected.recv(1 << 16))
        for _ in unpacker:
            return


def main() -> None:
    """Print the three ratios."""
    measured = load_set("pytest")
    questions = list(dict.fromkeys(row["question"] for row in measured.questions))
    with sealed_home(prepare_models()) as home, home.daemon(), home.connected() as call:
        call("repo.add", repo=str(measured.repo))
        call.wait_complete(str(measured.repo), 1800)
        _show_exact(home, call, measured.repo, questions[0])
        _show_similar(call, measured.repo, questions)
        _show_together(home, measured.repo, questions)


def _show_exact(home: Home, call: Calling, repo: Path, question: str) -> None:
    reply = call("ask", repo=str(repo), question=question)
    asking, echoed = encode_request(1, "ask", {"repo": str(repo), "question": question}), encode_reply(1, None, reply)
    with bare_echo() as echo, socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(str(home.socket))
        told, bare = [], []
        for _ in range(_ROUNDS):
            bare.append(seconds(lambda: bounce(echo, echoed)))
            told.append(seconds(lambda: bounce(daemon, asking)))
    ms, floor = percentile(told, 0.5) * 1e3, percentile(bare, 0.5) * 1e3
    show("the same question again over the socket (L1), p50", ms, "ms")
    show(f"  against a bare echo of its reply ({floor:.2f} ms)", ms / floor, "x", "<= 3 x")


def _show_similar(call: Calling, repo: Path, questions: list[str]) -> None:
    alike, new = [], []
    for number, question in enumerate(questions):
        plain = question.rstrip("?").removeprefix("why ").removeprefix("Why ")
        new.append(seconds(lambda q=f"why {plain}?": call("ask", repo=str(repo), question=q, no_cache=True)))  # type: ignore[misc]
        call("ask", repo=str(repo), question=f"why {plain}?")
        other = _SPELLINGS[number % len(_SPELLINGS)].format(plain)
        started = time.perf_counter()
        reply = call("ask", repo=str(repo), question=other)
        if reply["cached"] == "similar":
            alike.append(time.perf_counter() - started)
    ms, floor = percentile(alike, 0.5) * 1e3, percentile(new, 0.5) * 1e3
    show(f"a question in other spelling (L2, {len(alike)} of {len(questions)} hit), p50", ms, "ms")
    show(f"  against an uncached one ({floor:.2f} ms)", ms / floor, "x", "<= .7 x")


def _show_together(home: Home, repo: Path, questions: list[str]) -> None:
    encoder = open_encoder(DEFAULT_MODEL, "prepared", home.state / "models", 1)
    encoder.encode(questions[:1])
    bare_s = seconds(lambda: [encoder.encode([question]) for question in questions])
    together_s = seconds(lambda: _ask_at_once(home, repo, questions))
    bare_s = (bare_s + seconds(lambda: [encoder.encode([question]) for question in questions])) / 2
    rate, floor = len(questions) / together_s, len(questions) / bare_s
    show(f"different questions a second, {CLIENTS} clients", rate, "1/s")
    show(f"  against the bare encoder's on one thread ({floor:.0f} 1/s)", rate / floor, "x", ">= .6 x")


def _ask_at_once(home: Home, repo: Path, questions: list[str]) -> None:
    shares: list[list[str]] = [[] for _ in range(CLIENTS)]
    for share, question in zip(cycle(shares), questions, strict=False):
        share.append(question)
    threads = [threading.Thread(target=_ask_all, args=(home, repo, share)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask_all(home: Home, repo: Path, questions: list[str]) -> None:
    with home.connected() as call:
        for question in questions:
            call("ask", repo=str(repo), question=question, no_cache=True)


if __name__ == "__main__":
    main()
