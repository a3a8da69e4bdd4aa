"""The child process that reads a bundle's files: `python -m ail_daemon.bundles`.

A process of its own, so that neither an HTTP library nor ssl stays in the daemon's memory, and so that it can be ended. It is
started only where the setting AIL_BUNDLES names a carrier, sends nothing but requests for the files, and is not trusted with
what they hold: its parent checks them.

stdin: a JSON map (see `fetching.Order`), then one for each file: {"name", "most": bytes}. stdout: a JSON line for each file,
{"problem": null} once it lies in the directory of the order, or a word of `fetching.PROBLEMS`.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from ail_rpc.discovery import RepoPlace

from ..history.command import GitCommand
from ..process import isolation

LIFE_S = 900
"""After so long this process ends, also if its parent has gone."""
_CONNECT_S, _SILENCE_S = 10.0, 20.0
_PIECE = 1 << 18
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_FULL = (errno.ENOSPC, errno.EDQUOT)
_STATUSES = {401: "forbidden", 403: "forbidden", 404: "missing", 410: "missing"}


class ProblemError(Exception):
    """A file cannot be had: one word why."""


class Carrier(Protocol):
    """Where a bundle's files lie."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content of the file *name* in pieces. Raises ProblemError."""


class RefCarrier:
    """A ref of a repository: git's own objects, read without the network."""

    def __init__(self, place: RepoPlace, ref: str) -> None:
        self._git = GitCommand(place, silence_s=_SILENCE_S)
        self._ref = ref

    def read(self, name: str) -> Iterator[bytes]:
        """See Carrier."""
        with self._git.stream(["cat-file", "blob", f"{self._ref}:{name}"], ()) as output:
            yield from output.iter_chunks()
            if not output.is_whole():
                raise ProblemError("missing")


class FileCarrier:
    """A directory or an address below which the files lie, read by fsspec."""

    def __init__(self, base: str) -> None:
        try:
            import fsspec

            options = _make_http_options(base) if urlsplit(base).scheme in ("http", "https") else {}
            self._files, self._base = fsspec.core.url_to_fs(base, **options)
        except ImportError as err:
            raise ProblemError("not_installed") from err

    def read(self, name: str) -> Iterator[bytes]:
        """See Carrier."""
        try:
            with self._files.open(f"{self._base}/{name}", "rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except Exception as err:  # aiohttp's errors share no base with the others
            raise ProblemError(_judge(err)) from err


def _judge(err: BaseException) -> str:
    """Return what an error means. fsspec says FileNotFoundError of any failure and keeps the real one as its cause."""
    cause = err.__cause__ or err.__context__
    if isinstance(err, FileNotFoundError) and cause is not None and cause is not err:
        return _judge(cause)
    if isinstance(err, ProblemError):
        return str(err)
    if isinstance(status := getattr(err, "status", None), int):
        return _STATUSES.get(status, "failing")
    kinds = {FileNotFoundError: "missing", PermissionError: "forbidden", TimeoutError: "late"}
    return next((word for kind, word in kinds.items() if isinstance(err, kind)), "unreachable")


def _make_http_options(base: str) -> dict[str, Any]:
    """Return how fsspec is to speak HTTP: whole files, bounded silence, and no redirection to another place."""
    import aiohttp

    async def check_redirect(_session: object, _context: object, params: aiohttp.TraceRequestRedirectParams) -> None:
        target = params.url.join(type(params.url)(params.response.headers.get("Location", "")))
        if target.origin() != params.url.origin():
            raise ProblemError("redirected")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(check_redirect)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
    uses_proxy = urlsplit(base).hostname not in _LOOPBACK
    client = {"trace_configs": [trace], "timeout": timeout, "trust_env": uses_proxy, "auto_decompress": False}
    return {"block_size": 0, "client_kwargs": client, "headers": {"Accept-Encoding": "identity"}}


def save(pieces: Iterator[bytes], path: Path, most: int) -> None:
    """Write *pieces* to *path*, if they have no more than *most* bytes in all. Raises ProblemError."""
    try:
        with open(path, "xb") as file:
            _copy(pieces, file, most)
    except OSError as err:
        raise ProblemError("disk_full" if err.errno in _FULL else "unwritable") from err


def _copy(pieces: Iterator[bytes], file: BinaryIO, most: int) -> None:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise ProblemError("too_large")
        file.write(piece)


def _open(order: dict[str, Any]) -> Carrier:
    if ref := order.get("ref"):
        return RefCarrier(RepoPlace(*order["place"]), ref)
    return FileCarrier(order["base"])


def main() -> None:
    """Do the orders on stdin."""
    isolation.isolate()
    os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the daemon's to handle
    signal.alarm(LIFE_S)
    order = json.loads(sys.stdin.readline())
    into, carrier = Path(order["into"]), None
    for line in sys.stdin:
        wanted = json.loads(line)
        try:
            carrier = carrier or _open(order)
            save(carrier.read(wanted["name"]), into / wanted["name"], wanted["most"])
        except ProblemError as err:
            _tell(str(err))
        else:
            _tell(None)


def _tell(problem: str | None) -> None:
    sys.stdout.write(json.dumps({"problem": problem}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
