"""The loopback port for scrapers: opened, moved and closed as the settings say, while the daemon runs.

Any local user can reach it: its resources say nothing of repositories or questions, and cost little.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..process.logs import log
from .http import RefusedError, Reply, read_head, write_reply

Resource = Callable[[], Awaitable[Reply]]

_BUSY = Reply(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


@dataclass(frozen=True, slots=True)
class PortLimits:
    """Limits on scrapers: bytes of a request, seconds for request and reply each, connections at once.

    retry_s: a port that could not be opened is tried again after so long.
    """

    head_bytes: int = 8192
    request_s: float = 5.0
    connections: int = 16
    retry_s: float = 30.0


class MetricsPort:
    """Serves *resources*, by path, on a port of 127.0.0.1 and, where there is one, ::1.

    port: the one asked for, None: none. notice: why it does not answer, None if it does or is not asked for.
    """

    def __init__(self, resources: Mapping[str, Resource], limits: PortLimits = PortLimits()) -> None:
        self.port: int | None = None
        self.notice: str | None = None
        self._resources = resources
        self._limits = limits
        self._servers: list[asyncio.Server] = []
        self._connected: set[asyncio.Task[None]] = set()
        self._moves: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._moving = asyncio.Lock()

    def follow(self, port: int | None) -> None:
        """Start `move` in the background; raises nothing. Several are done in their order."""
        _keep(self.move(port), self._moves)

    async def move(self, port: int | None) -> None:
        """Answer at *port*, None: nowhere. If it cannot be opened, `notice` says why, and it is tried again every `retry_s`."""
        async with self._moving:
            if port == self.port and self._servers:
                return
            await self._close()
            self.port = port
            if port is not None:
                await self._open(port)
            else:
                self.notice = None

    async def get_status(self, repo: str | None) -> dict[str, Any]:
        """Return the port's part of `status`."""
        del repo
        return {"metrics": {"port": self.port, "notice": self.notice}}

    async def stop(self) -> None:
        """Close the port and what is connected to it."""
        await self.move(None)

    async def _open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            for sock in _listen(port):
                self._servers.append(await asyncio.start_server(self._accept, sock=sock, limit=self._limits.head_bytes))
        except OSError as err:
            notice = f"the metrics port {port} cannot be opened: {os.strerror(err.errno or 0)}"
            if notice != self.notice:  # not at every turn
                log("metrics_port_failed", level="warning", error=err)
            self.notice = notice
            self._retry = loop.call_later(self._limits.retry_s, lambda: _keep(self._open_again(), self._moves))
        else:
            self.notice = None

    async def _open_again(self) -> None:
        async with self._moving:
            if self.port is not None and not self._servers:
                await self._open(self.port)

    async def _close(self) -> None:
        if self._retry:
            self._retry.cancel()
        servers, self._servers, self._retry = self._servers, [], None
        for server in servers:
            server.close()
        for task in self._connected:
            task.cancel()

    # --- one connection: one request, one reply -----------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connected) >= self._limits.connections:
            writer.write(write_reply(_BUSY, is_head=False))
            writer.close()
            return
        _keep(self._serve(reader, writer), self._connected)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply, is_head = await self._answer(reader)
            async with asyncio.timeout(self._limits.request_s):
                writer.write(write_reply(reply, is_head=is_head))
                writer.write_eof()
                while await reader.read(self._limits.head_bytes):
                    pass  # closing on unread bytes would discard the reply (RST)
        except (OSError, TimeoutError, EOFError):
            pass  # the scraper has gone, or never read
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[Reply, bool]:
        """Return the reply to what *reader* brings, and whether only its head is wanted. Raises EOFError, OSError."""
        head = b""
        try:
            head = await self._read_head(reader)
            resource = self._resources.get(read_head(head))
            if resource is None:
                raise RefusedError(HTTPStatus.NOT_FOUND, f"there is {', '.join(self._resources)}")
            reply = await resource()
        except RefusedError as err:
            reply = err.reply
        except (OSError, EOFError):
            raise
        except Exception as err:  # noqa: BLE001 - a bug in one request ends that request alone
            log("scrape", level="error", outcome="failed", error=err)
            reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug; the daemon's log says where\n")
        return reply, head.startswith(b"HEAD ")

    async def _read_head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as err:
            limit = f"a request has at most {self._limits.head_bytes:,} bytes"
            raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, limit) from err
        except TimeoutError as err:
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the request did not come in time") from err


def _keep(work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    among.add(task)  # the loop itself holds a task weakly
    task.add_done_callback(among.discard)


def _listen(port: int) -> list[socket.socket]:
    """Return a listening socket for each loopback address that there is. Raises OSError where one is taken."""
    found: list[socket.socket] = []
    try:
        for family, address in _LOOPBACK:
            found.append(socket.create_server((address, port), family=family))
    except OSError as err:
        if found and err.errno in _NO_IPV6:
            return found
        for sock in found:
            sock.close()
        raise
    return found
