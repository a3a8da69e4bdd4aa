"""Rollback and roll-forward under load: requests lost, wrong, or answered by meaning after the reply that switched it off.

    python -m bench.rollback [REQUESTS]

32 clients ask without a pause, one question in four past the caches. Meanwhile meaning is switched off and on by turns, by
`flags` and by `reload`, and a SIGHUP takes up other sizes of caches and thread pools. A reply is right where it cites what
its mode cites on a quiet daemon.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.running import Calling, Home, prepare_models, sealed_home

from ail_rpc.errors import AilError

from .figures import seconds, show

REQUESTS, CLIENTS, QUESTIONS = 20_000, 32, 40
_PARTS = ("upload", "parser", "cache", "login", "socket", "report", "clock", "index")
_CAUSES = (
    "a proxy drops idle connections",
    "the tests ran for an hour",
    "two users wrote at once",
    "the disk was full",
)
_FLAG = "AIL_FAISS_ENABLED"


@dataclass
class Seen:
    """What came of the requests, and the times of every switch: (when its reply had come, whether meaning was on then)."""

    asked: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    rows: list[tuple[float, float, str]] = field(default_factory=list)  # sent, received, mode
    switches: list[tuple[float, float, bool]] = field(default_factory=list)  # sent, replied, is on
    disobeyed: int = 0  # the very next question of whoever switched

    def count_late(self) -> int:
        """Return how many questions were asked after the reply that switched meaning off, and answered by meaning."""
        ends = [sent for sent, _, _ in self.switches[1:]] + [float("inf")]
        off = [(replied, end) for (_, replied, is_on), end in zip(self.switches, ends, strict=True) if not is_on]
        return sum(
            mode == "semantic" and any(begin <= sent and received <= end for begin, end in off)
            for sent, received, mode in self.rows
        )


def main() -> None:
    """Make a repository, ask, switch, print."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    with tempfile.TemporaryDirectory(prefix="rollback") as top, sealed_home(prepare_models()) as home:
        repo = Path(top) / "repo"
        make_repository(repo)
        with home.daemon() as daemon:
            seen = Seen()
            spent_s = seconds(lambda: ask_and_switch(home, daemon, repo, requests, seen))
    print(f"{dict(seen.modes)}, {len(seen.switches)} switches, {seen.asked / spent_s:.0f} questions a second")
    show(f"requests lost, of {seen.asked:,}", sum(seen.lost.values()), "", "0", digits=0)
    show("requests answered wrong", seen.wrong, "", "0", digits=0)
    show("asked after the reply to `flags`, answered by meaning", seen.count_late() + seen.disobeyed, "", "0", digits=0)


def ask_and_switch(home: Home, daemon: subprocess.Popen[bytes], repo: Path, requests: int, seen: Seen) -> None:
    """Ask *requests* times from as many clients at once as CLIENTS, and switch until they are done."""
    with home.connected() as call:
        call("repo.add", repo=str(repo))
        call.wait_complete(str(repo))
        right = {(text, mode): _cite(_ask(call, repo, text, mode=mode)) for text in _QUESTIONS for mode in _MODES}
        budget, lock = iter(range(requests)), threading.Lock()
        clients = [
            threading.Thread(target=_ask_all, args=(home, repo, budget, lock, right, seen, n)) for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        turn = 0
        while any(client.is_alive() for client in clients):
            _switch(home, daemon, repo, call, seen, turn)
            turn += 1
        for client in clients:
            client.join()


_QUESTIONS = [f"why does the {part} wait, {cause}?" for part in _PARTS for cause in _CAUSES][:QUESTIONS]
_MODES = ("auto", "lexical")


def _ask_all(
    home: Home, repo: Path, budget: Iterator[int], lock: threading.Lock, right: dict[Any, Any], seen: Seen, seed: int
) -> None:
    chance = random.Random(seed)
    with home.connected() as call:
        while True:
            with lock:
                if next(budget, None) is None:
                    return
            text = chance.choice(_QUESTIONS)
            sent = time.monotonic()
            try:
                reply = _ask(call, repo, text, no_cache=chance.random() < 0.25)
            except (AilError, OSError) as err:
                with lock:
                    seen.asked += 1
                    seen.lost[type(err).__name__] += 1
                continue
            with lock:
                seen.asked += 1
                seen.modes[reply["mode"]] += 1
                seen.rows.append((sent, time.monotonic(), reply["mode"]))
                seen.wrong += _cite(reply) != right[text, "auto" if reply["mode"] == "semantic" else "lexical"]


def _switch(home: Home, daemon: subprocess.Popen[bytes], repo: Path, call: Calling, seen: Seen, turn: int) -> None:
    """Switch meaning off or on by turns, each by `flags` and by `reload`; in between other settings by SIGHUP."""
    is_on = bool(turn % 2)
    sent = time.monotonic()
    if turn % 4 < 2:
        call("flags", set={_FLAG: is_on})
    else:
        _write_settings(home, turn, is_on)
        call("reload")
    seen.switches.append((sent, time.monotonic(), is_on))
    reply = _ask(call, repo, random.choice(_QUESTIONS))
    seen.disobeyed += reply["mode"] != ("semantic" if is_on else "lexical")
    if turn % 4 == 3:
        _write_settings(home, turn + 1, is_on)
        daemon.send_signal(signal.SIGHUP)
        while _get_flag(call, "AIL_CACHE_SIZE") != (turn + 1) % 50:  # nothing replies to a signal
            time.sleep(0.005)


def _get_flag(call: Calling, name: str) -> object:
    return next(flag["value"] for flag in call("flags")["flags"] if flag["name"] == name)


def _write_settings(home: Home, turn: int, is_on: bool) -> None:
    file = home.directory / "config" / "ail" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    sizes = f"ail_max_workers = {2 + turn % 3}\nail_cache_size = {turn % 50}\nfaiss_cache_size = {turn % 20}\n"
    beside.write_text(f"{_FLAG} = {str(is_on).lower()}\n{sizes}")
    os.replace(beside, file)


def _ask(call: Calling, repo: Path, text: str, **params: Any) -> dict[str, Any]:
    reply: dict[str, Any] = call("ask", repo=str(repo), question=text, timeout=30.0, **params)
    return reply


def _cite(reply: dict[str, Any]) -> tuple[Any, ...]:
    return (reply["outcome"], *(citation["sha"] for citation in reply["citations"]))


def make_repository(path: Path, commits: int = 300) -> None:
    """Make a repository whose messages give the reasons that are asked for."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    lines = []
    for n in range(commits):
        part, cause = _PARTS[n % len(_PARTS)], _CAUSES[n // len(_PARTS) % len(_CAUSES)]
        message = (
            f"Let the {part} wait {n} seconds\n\nIt failed because {cause}, which nobody had expected of release {n}.\n"
        )
        lines.append(
            f"commit refs/heads/main\ncommitter Ann <ann@example.org> {1_700_000_000 + 60 * n} +0000\n"
            f"data {len(message)}\n{message}M 644 inline {part}/{n % 7}.py\ndata {len(str(n)) + 1}\n{n}\n\n"
        )
    subprocess.run(["git", "-C", str(path), "fast-import", "--quiet"], input="".join(lines).encode(), check=True)


if __name__ == "__main__":
    main()
