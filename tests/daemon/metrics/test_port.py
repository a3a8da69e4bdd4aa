"""The loopback port for scrapers: what it answers, what it refuses, how it comes and goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from tests.prometheus import find_free_port

from ail_daemon.metrics.http import RefusedError, Reply, read_head
from ail_daemon.metrics.port import MetricsPort, PortLimits, Resource

GET = b"GET /page HTTP/1.1\r\nHost: localhost:%d\r\n\r\n"
QUICK = PortLimits(request_s=0.2, connections=2, retry_s=0.05)


async def tell() -> Reply:
    return Reply(200, "told\n")


def serve(
    use: Callable[[MetricsPort, int], Awaitable[None]], resource: Resource = tell, limits: PortLimits = QUICK
) -> None:
    """Run *use* beside a port that answers /page."""

    async def run() -> None:
        port, number = MetricsPort({"/page": resource}, limits), find_free_port()
        await port.move(number)
        assert port.notice is None
        try:
            await use(port, number)
        finally:
            await port.stop()

    asyncio.run(run())


async def send(number: int, data: bytes, address: str = "127.0.0.1") -> bytes:
    """Return all that is answered to *data*."""
    reader, writer = await asyncio.open_connection(address, number)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


def status_of(reply: bytes) -> int:
    return int(reply.split()[1])


def test_a_page_is_told_on_both_loopback_addresses() -> None:
    async def use(_: MetricsPort, number: int) -> None:
        for address in ("127.0.0.1", "::1"):
            try:
                reply = await send(number, GET % number, address)
            except OSError:
                assert address == "::1"  # a machine without IPv6
                continue
            assert status_of(reply) == 200
            assert reply.endswith(b"\r\n\r\ntold\n")

    serve(use)


def test_a_head_gets_no_text() -> None:
    async def use(_: MetricsPort, number: int) -> None:
        for path, status in ((b"/page", 200), (b"/other", 404)):
            reply = await send(number, b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
            assert status_of(reply) == status
            assert reply.endswith(b"\r\n\r\n")

    serve(use)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"GET /page HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /page HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 421),
        (b"GET /page HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n\r\n", 421),
        (b"GET /page HTTP/1.1\r\n\r\n", 400),
        (b"GET /page HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://evil.example/page HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /page HTTP/2.0\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /page\r\n\r\n", 400),
        (b"\x94\x00\x01\xa5hello\x80\r\n\r\n", 400),
        (b"GET /page HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n", 431),
        (b"GET /page HTTP/1.1\r\nHost: local", 408),
        (b"", 408),
    ],
)
def test_what_is_no_scrape_is_refused(request_bytes: bytes, status: int) -> None:
    async def use(_: MetricsPort, number: int) -> None:
        assert status_of(await send(number, request_bytes)) == status
        assert status_of(await send(number, GET % number)) == 200

    serve(use)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9750", "127.0.0.1", "127.0.0.1:1", "[::1]:9750"])
def test_this_machine_may_be_named_in_every_way_it_is(host: str) -> None:
    assert read_head(f"GET /page?x=1 HTTP/1.0\r\nhost:\t{host} \r\n\r\n".encode()) == "/page"


@pytest.mark.parametrize(
    "host", ["", "localhost.", "127.0.0.2", "127.1", "2130706433", "[::]", "0.0.0.1", "localhost:x"]
)
def test_no_other_name_is_this_machine_s(host: str) -> None:
    with pytest.raises(RefusedError):
        read_head(f"GET /page HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def test_more_connections_than_there_may_be_are_told_so() -> None:
    async def use(port: MetricsPort, number: int) -> None:
        del port
        held = [await asyncio.open_connection("127.0.0.1", number) for _ in range(QUICK.connections)]
        assert status_of(await send(number, b"")) == 503
        for _, writer in held:
            writer.close()
        while status_of(await send(number, GET % number)) != 200:
            await asyncio.sleep(0.01)

    serve(use)


def test_a_bug_behind_a_page_is_a_500_and_ends_that_request_alone() -> None:
    async def fail() -> Reply:
        raise KeyError("a question")

    async def use(_: MetricsPort, number: int) -> None:
        reply = await send(number, GET % number)
        assert status_of(reply) == 500
        assert b"question" not in reply
        assert status_of(await send(number, GET % number)) == 500

    serve(use, fail)


def test_the_port_moves_and_closes_while_it_is_used() -> None:
    async def use(port: MetricsPort, number: int) -> None:
        other = find_free_port()
        await port.move(other)
        assert status_of(await send(other, GET % other)) == 200
        with pytest.raises(ConnectionRefusedError):
            await send(number, b"")
        await port.move(None)
        with pytest.raises(ConnectionRefusedError):
            await send(other, b"")
        assert await port.get_status(None) == {"metrics": {"port": None, "notice": None}}

    serve(use)


def test_a_taken_port_is_told_and_had_once_it_is_free() -> None:
    async def use(port: MetricsPort, _: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = int(other.getsockname()[1])
            await port.move(taken)
            assert port.notice == f"the metrics port {taken} cannot be opened: Address already in use"
        while port.notice:
            await asyncio.sleep(0.01)
        assert status_of(await send(taken, GET % taken)) == 200

    serve(use)


def test_of_changes_that_follow_each_other_the_last_one_holds() -> None:
    async def use(port: MetricsPort, number: int) -> None:
        other = find_free_port()
        for wanted in (None, other, number, None, other):
            port.follow(wanted)
        while port.port != other or port.notice:
            await asyncio.sleep(0.01)
        assert status_of(await send(other, GET % other)) == 200

    serve(use)
