"""The child process that reads a bundle's files, against directories, a ref, and servers that do what they should not."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ail_daemon.bundles import fetching
from ail_daemon.bundles.fetching import Fetching, MissingError, Order, make_order
from ail_daemon.bundles.manifest import BundleError
from ail_daemon.bundles.shelves import RefShelf
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import StorageError

MODEL = "0123456789abcdef"


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by the last part of the path."""

    elsewhere = ""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name == "away":
            self._answer(302, b"", Location=f"{self.elsewhere}/good")
        elif name == "here":
            self._answer(302, b"", Location="/m/good")
        elif name.isdigit():
            self._answer(int(name), b"")
        elif name == "slow":
            self._answer(200, b"x" * 100, pause_s=20)
        else:
            self._answer(200, b"content")

    def _answer(self, status: int, content: bytes, pause_s: float = 0, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET" and content:
            self.wfile.write(content[:10])
            self.wfile.flush()
            if pause_s:
                self.server.released.wait(pause_s)  # type: ignore[attr-defined]
            self.wfile.write(content[10:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    first, second = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) for _ in range(2))
    Server.elsewhere = f"http://127.0.0.1:{second.server_port}/m"
    released = threading.Event()
    for one in (first, second):
        one.released = released  # type: ignore[attr-defined]
        one.daemon_threads = True
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{first.server_port}/m"
    released.set()
    for one in (first, second):
        one.shutdown()
        one.server_close()


def test_files_come_by_http_and_what_a_server_does_wrong_has_its_word(server: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    with Fetching(Order(tmp_path, base=server)) as files:
        assert files.read("good", 7).read_bytes() == b"content"
        assert files.read("here", 7).read_bytes() == b"content"
        for name, said in (
            ("away", "leads to another place"), ("404", "is not there"), ("403", "forbids it"), ("500", "answers with errors"),
        ):  # fmt: skip
            with pytest.raises(BundleError, match=said):
                files.read(name, 100)
        with pytest.raises(BundleError, match="larger than it may be"):
            files.read("big", 6)
    with (
        Fetching(Order(tmp_path, base="http://127.0.0.1:9/m")) as files,
        pytest.raises(BundleError, match="be reached"),
    ):
        files.read("unreachable", 100)


def test_a_server_that_takes_too_long_is_left(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(fetching, "_FILE_S", 2.0)
    with Fetching(Order(tmp_path, base=server)) as files, pytest.raises(BundleError, match="too slowly"):
        files.read("slow", 100)


def test_what_is_cancelled_waits_no_longer(server: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    began = time.monotonic()
    with Fetching(Order(tmp_path, base=server), lambda: True) as files, pytest.raises(BundleError):
        files.read("slow", 100)
    assert time.monotonic() - began < 15


def test_a_directory_is_read_and_what_it_lacks_is_missing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(b"content")
    into = tmp_path / "into"
    into.mkdir()
    with Fetching(Order(into, base=str(tmp_path / "out"))) as files:
        assert files.read("file", 7).read_bytes() == b"content"
        with pytest.raises(MissingError):
            files.read("nothing", 7)


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with Fetching(Order(tmp_path, base=str(tmp_path))) as files, pytest.raises(BundleError, match="no room"):
        files.read("file", 1 << 60)


def test_a_ref_is_read_written_and_moves_only_from_where_it_was_read(
    make_repo: Callable[[], Path], tmp_path: Path
) -> None:
    place = find_repository(str(make_repo()))
    first, second = RefShelf(place, f"refs/ail/{MODEL}"), RefShelf(place, f"refs/ail/{MODEL}")
    first.add("a", b"first")
    first.finish({"manifest.json": b"1"}, ["a"])
    second.add("b", b"second")
    with pytest.raises(StorageError, match="another publisher was quicker"):
        second.finish({"manifest.json": b"2"}, ["b"])
    third = RefShelf(place, f"refs/ail/{MODEL}")
    third.add("c", b"third")
    third.finish({"manifest.json": b"3"}, ["a", "c"])
    with Fetching(make_order("ref:", MODEL, place, tmp_path)) as files:
        assert [files.read(name, 9).read_bytes() for name in ("manifest.json", "a", "c")] == [b"3", b"first", b"third"]
        with pytest.raises(MissingError):
            files.read("b", 9)
        (tmp_path / "c").unlink()
        with pytest.raises(BundleError, match="larger than it may be"):
            files.read("c", 2)


def test_a_source_with_a_name_in_it_is_the_repository_s_own(tmp_path: Path) -> None:
    place = RepoPlace("/src/project.git", "/src/project.git", "/src/project.git", True)
    assert make_order("https://ci/{name}/ail/", MODEL, place, tmp_path).base == f"https://ci/project/ail/{MODEL}"


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        path = tmp_path / "repo"
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "init", "-q", str(path)], check=True, env=environment)
        return path

    return make
