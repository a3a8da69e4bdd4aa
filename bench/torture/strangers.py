"""Another user on the same machine: what uid 65534 can read, write, lock, link or ask of a daemon's things. Needs root to be him.

The daemon's directories are opened wide first, as a careless chmod would: what is in them must keep on its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.running import BIN, Home, sealed_home

from ail_rpc.messages import encode_notification, encode_request

from .outcome import Figure, Outcome, none
from .scene import Scene, served_scene

UID = 65534
_PROGRAM = Path(__file__).with_name("stranger.py")
_LISTENER = (
    "import os, socket, sys\n"
    "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777)\n"
    "os.setgroups([]); os.setgid(65534); os.setuid(65534); listener.listen(); print(flush=True); listener.settimeout(1)\n"
    "received = 0\n"
    "try:\n"
    "    while True:\n"
    "        connected, _ = listener.accept(); connected.settimeout(1); received += len(connected.recv(65536))\n"
    "except TimeoutError: print(received)"
)
Case = tuple[str, str, str, str]


def run(rounds: int, seed: int) -> Outcome:
    """Try everything *rounds* times."""
    del seed  # nothing is chosen
    gained: dict[str, int] = {}
    for _ in range(rounds):
        for case, count in {**_try_served(), **_try_planted(), **_try_serving()}.items():
            gained[case] = gained.get(case, 0) + count
    successes = [f"{case}: {count}" for case, count in gained.items() if count]
    return Outcome(
        (
            Figure("cases", float(len(gained)), at_least=20),
            none("cases in which another user gained anything", len(successes)),
            none("bytes served, or things done", sum(gained.values())),
        ),
        tuple(successes),
    )


def _try_served() -> dict[str, int]:
    """Try what a running daemon has and says."""
    with served_scene() as scene:
        scene.home.directory.chmod(0o711)
        cases = [*_list_closed(scene)]
        gained = _be_stranger(cases)
        for directory in [scene.home.state.parent, *(each for each in scene.home.state.rglob("*") if each.is_dir())]:
            directory.chmod(0o755)
        scene.home.state.chmod(0o755)
        scene.home.socket.chmod(0o666)
        gained |= _be_stranger([*_list_files(scene), *_list_talks(scene)])
        open_to_all = scene.home.directory / "open"
        open_to_all.write_text("open")
        assert _be_stranger([("control", "read", str(open_to_all), "")]) == {"control": 4}, "he can do nothing at all"
        with scene.home.connected() as call:
            gained["the daemon ended or harmed"] = int(call("hello")["pid"] != scene.pid)
    return gained


def _list_closed(scene: Scene) -> Iterator[Case]:
    """Yield what is tried while modes are as the daemon made them."""
    yield "connect as things are", "talk", str(scene.home.socket), encode_request(1, "hello", {}).hex()
    yield "list the state directory", "list", str(scene.home.state), ""
    yield "signal the daemon", "signal", str(scene.pid), ""
    for name in ("environ", "maps", "mem", "cwd/README.md"):
        yield f"read /proc/PID/{name}", "read", f"/proc/{scene.pid}/{name}", ""
    yield "list /proc/PID/fd", "list", f"/proc/{scene.pid}/fd", ""


def _list_files(scene: Scene) -> Iterator[Case]:
    """Yield every file of the daemon's, to be read, written, locked, removed, renamed, linked and opened wide."""
    places = [path for path in scene.home.state.rglob("*") if path.is_file()]
    places += [scene.home.socket.with_name("ail.sock.lock"), scene.home.socket]
    for path in places:
        name = path.name if path.parent.name != "words" else f"words/{path.suffix or path.name}"
        for kind in ("read", "write", "lock", "remove", "rename", "link", "hard link", "widen"):
            yield f"{kind} {name}", kind, str(path), "00"


def _list_talks(scene: Scene) -> Iterator[Case]:
    """Yield what is said to a socket that anybody may open."""
    path, repo = str(scene.home.socket), str(scene.repo)
    said = {
        "hello": encode_request(1, "hello", {}),
        "ask": encode_request(1, "ask", {"repo": repo, "question": "why?"}),
        "show": encode_request(1, "show", {"repo": repo, "sha": scene.shas[0]}),
        "status": encode_request(1, "status", {}),
        "add": encode_request(1, "repo.add", {"repo": repo}),
        "remove": encode_request(1, "repo.remove", {"repo": repo, "purge": True}),
        "stop": encode_request(1, "stop", {}),
        "notify to stop": encode_notification("stop", {}),
        "garbage": b"\xc1" * 100,
        "half a frame": b"\x94\x00\x01",
        "too large a frame": b"\xdb\x7f\xff\xff\xff" + b"x" * (2 << 20),
        "thirty-two at once": b"".join(encode_request(number, "hello", {}) for number in range(32)),
    }
    for name, data in said.items():
        yield f"say: {name}", "talk", path, data.hex()


def _be_stranger(cases: list[Case]) -> dict[str, int]:
    """Return what the other user gained, by case."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM.read_text(), str(UID)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _try_planted() -> dict[str, int]:
    """Start a daemon where another user was first: it must refuse, and touch nothing of what he points at."""
    gained = {}
    for name in ("his directory", "his link", "his link as lock", "his link as log", "his link as state", "his state"):
        with sealed_home() as home:
            victim = home.directory / "victim"
            victim.write_text("untouched")
            home.socket = home.directory / "run" / "ail.sock"
            _plant(home, name, victim)
            done = home.client("status")
            gained[f"planted: {name}"] = int(done.returncode == 0 or victim.read_text() != "untouched")
    return gained


def _plant(home: Home, name: str, victim: Path) -> None:
    """Put what *name* says in the daemon's way."""
    run_dir = home.socket.parent
    if name in ("his directory", "his link"):
        his = run_dir if name == "his directory" else home.directory / "his"
        his.mkdir(mode=0o700)
        os.chown(his, UID, UID)
        if name == "his link":
            run_dir.symlink_to(his)
        return
    run_dir.mkdir(mode=0o700)
    if name == "his link as lock":
        home.socket.with_name("ail.sock.lock").symlink_to(victim)
    elif name == "his link as log":
        (home.state / "daemon.log").symlink_to(victim)
    elif name == "his state":
        os.chown(home.state, UID, UID)
    else:
        home.state.rmdir()
        (home.directory / "his").mkdir(mode=0o700)
        home.state.symlink_to(home.directory / "his")


def _try_serving() -> dict[str, int]:
    """Have him listen where the daemon should: not a byte is said to him."""
    gained = {}
    for name, command in {
        "client": [str(BIN / "ail-client"), "status", "--no-start"],
        "git why": [str(BIN / "git-why"), "why?", "--no-start", "--repo", "/"],
        "daemon's look": [str(BIN / "ail-daemon"), "--version"],
    }.items():
        with sealed_home() as home:
            listening = [sys.executable, "-c", _LISTENER, str(home.socket)]
            with subprocess.Popen(listening, stdout=subprocess.PIPE, text=True) as stranger:
                assert stranger.stdout
                stranger.stdout.readline()
                if name == "daemon's look":
                    gained[f"serve the {name}"] = _look_as_daemon(home)
                else:
                    home.run(*command)
                gained[f"serve the {name}"] = gained.get(f"serve the {name}", 0) + int(stranger.stdout.readline() or 0)
    return gained


def _look_as_daemon(home: Home) -> int:
    """Start a daemon at the socket he took: it takes the place, and the client is answered by it."""
    with home.daemon(), socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(home.socket))
        return int(home.client("status", "--no-start").returncode != 0)
