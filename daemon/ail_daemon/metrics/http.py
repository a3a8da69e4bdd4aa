"""As much of HTTP/1.1 as a scrape needs: a request's head in, a reply's bytes out. No I/O.

The Host must name this machine: otherwise a web page could have its own name resolved to 127.0.0.1 and read the reply in
a user's browser (DNS rebinding).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

METHODS = ("GET", "HEAD")

_REQUEST_LINE = re.compile(rb"([!-~]{1,20}) (/[!-~]*) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_OUR_HOST = re.compile(rb"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class Reply(NamedTuple):
    """A reply: its status, text and content type."""

    status: int
    text: str
    content_type: str = "text/plain; charset=utf-8"


class RefusedError(Exception):
    """A request that is refused, with the reply that says why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.reply = Reply(status, why + "\n")


def read_head(head: bytes) -> str:
    """Return the path, without its query, that a request's *head*, up to its empty line, asks for. Raises RefusedError."""
    first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(field) for field in rest]
    if line is None or not all(fields):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
    hosts = [field[2].strip() for field in fields if field and field[1].lower() == b"host"]
    if len(hosts) != 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a request names one Host")
    if not _OUR_HOST.fullmatch(hosts[0]):
        raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "the Host must be localhost, 127.0.0.1 or [::1]")
    if line[1].decode() not in METHODS:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"only {' and '.join(METHODS)} are answered")
    return line[2].decode().partition("?")[0]


def write_reply(reply: Reply, *, is_head: bool) -> bytes:
    """Return the bytes of *reply*, without its text for a HEAD; the connection ends after it."""
    body = reply.text.encode()
    status = HTTPStatus(reply.status)
    allow = f"Allow: {', '.join(METHODS)}\r\n" if status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{allow}Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return lines.encode() + (b"" if is_head else body)
