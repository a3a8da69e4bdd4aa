"""What another user tries; started by root with `python -I -S -c`, so it imports nothing of ours, and made that user first.

argv: his uid. stdin: a JSON list of [case, kind, path, hexadecimal bytes]. stdout: by case what was gained, the bytes that were
read or 1 for what was done.
"""

import contextlib
import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable


def _talk(path: str, data: bytes) -> int:
    """Return how many bytes come back."""
    received = 0
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(20)
        connected.connect(path)
        with contextlib.suppress(OSError):
            connected.sendall(data)
        while more := connected.recv(65536):
            received += len(more)
    return received


def _read(path: str, _data: bytes) -> int:
    with open(path, "rb") as file:
        return len(file.read()) or 1


def _write(path: str, data: bytes) -> int:
    with open(path, "ab") as file:
        file.write(data)
    return 1


def _lock(path: str, _data: bytes) -> int:
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return 1


def _done(way: Callable[[str], None]) -> Callable[[str, bytes], int]:
    """Return *way* as one that gains 1 where it does not fail."""

    def try_it(path: str, _data: bytes) -> int:
        way(path)
        return 1

    return try_it


WAYS: dict[str, Callable[[str, bytes], int]] = {
    "talk": _talk,
    "read": _read,
    "write": _write,
    "lock": _lock,
    "list": lambda path, _data: len(os.listdir(path)) or 1,
    "remove": _done(os.unlink),
    "rename": _done(lambda path: os.rename(path, path + "x")),
    "link": _done(lambda path: os.symlink("/etc/passwd", path + ".link")),
    "hard link": _done(lambda path: os.link(path, f"/tmp/ail-stranger-{os.getpid()}")),  # noqa: S108 - he may write there
    "widen": _done(lambda path: os.chmod(path, 0o777)),  # noqa: S103 - what must fail
    "signal": _done(lambda pid: os.kill(int(pid), 0)),
}


def main() -> None:
    """Try everything."""
    uid = int(sys.argv[1])
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    gained = {}
    for case, kind, path, data in json.load(sys.stdin):
        try:
            gained[case] = WAYS[kind](path, bytes.fromhex(data))
        except OSError:
            gained[case] = 0
    json.dump(gained, sys.stdout)


if __name__ == "__main__":
    main()
