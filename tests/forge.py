"""A GitHub for tests: a real HTTP server on the loopback that answers as it is told and notes what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

TOKEN = "ghp_averyprivatetoken"  # noqa: S105 - nobody's


class Asked(NamedTuple):
    """A request: its path, and the token it brought, None without one."""

    path: str
    token: str | None


class Answer(NamedTuple):
    """What is answered: a status, a body (sent as JSON unless it is bytes) and headers."""

    status: int = 200
    body: Any = ()
    headers: tuple[tuple[str, str], ...] = ()


class Forge:
    """Answers each path with what `answer` returns for it; set another at any time."""

    def __init__(self, port: int) -> None:
        self.api = f"http://127.0.0.1:{port}"
        self.asked: list[Asked] = []
        self.answer: Callable[[str], Answer] = lambda _: Answer()

    @property
    def shas(self) -> list[str]:
        """The commits it was asked about, in that order."""
        return [one.path.split("/")[5] for one in self.asked if one.path.endswith("/pulls")]


def tell_request(number: int, title: str, **others: Any) -> dict[str, Any]:
    """Return a pull request as GitHub describes one, as much of it as is read."""
    url = f"https://github.com/octo/project/pull/{number}"
    return {"number": number, "title": title, "html_url": url, "state": "closed", "merged_at": "2026-01-01", **others}


@contextlib.contextmanager
def forge() -> Iterator[Forge]:
    """Serve on a port of the loopback for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(Asked(self.path, self.headers.get("Authorization", "").removeprefix("Bearer ") or None))
            told = made.answer(self.path)
            body = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            with contextlib.suppress(OSError):  # who asked may be gone
                self.send_response(told.status)
                for name, value in (*told.headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Forge(server.server_address[1])
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield made
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
