"""The house: imports point down, each heavy library has one door, the client imports nothing it does not need."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.rooms import DAEMON, DUTIES, PICTURE, draw, find_floors, iter_imports, read_arrows

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {
    "ail_rpc": "client",
    "ail_client": "client",
    "ail_hooks": "hooks",
    "ail_daemon": "daemon",
    "ail_mcp": "assistants",
    "ail_lsp": "editors",
    "ail_cluster": "cluster",
}
MAY_IMPORT = {
    "ail_rpc": {"ail_rpc", "msgpack"},
    "ail_client": {"ail_client", "ail_rpc"},
    "ail_hooks": {"ail_hooks", "ail_client", "ail_rpc"},
    "ail_mcp": {"ail_mcp", "ail_client", "ail_rpc", "mcp", "typing_extensions"},
    "ail_lsp": {"ail_lsp", "ail_client", "ail_rpc", "pygls", "lsprotocol", "attrs"},
    "ail_cluster": {"ail_cluster", "ail_daemon", "ail_rpc", "numpy", "ray", "fsspec"},
}
_LSP = {
    "commands.py", "features.py", "indexing.py", "loading.py", "protocol.py", "server.py", "serving.py", "showing.py",
}  # fmt: skip
DOORS = {
    "faiss": {"index/vectors.py"},
    "tantivy": {"index/words.py"},
    "sqlite3": {"index/store/database.py"},
    "structlog": {"process/logs.py"},
    "cachetools": {"asking/caches.py", "search/linehistory.py"},
    "onnxruntime": {"encoding/serving.py"},
    "tokenizers": {"encoding/serving.py"},
    "onnx": {"encoding/graph.py"},
    "sentence_transformers": {"encoding/original.py", "encoding/preparing.py"},
    "torch": {"encoding/original.py"},
    "transformers": {"encoding/original.py", "encoding/preparing.py"},
    "msgpack": {"framing.py"},
    "watchdog": {"indexing/watching/inotify.py", "indexing/watching/observer.py"},
    "mcp": {"server.py"},
    "pygls": _LSP,
    "lsprotocol": _LSP,
    "attrs": {"loading.py"},
    "psutil": {"process/machine.py"},
    "fsspec": {"bundles/__main__.py", "output.py"},
    "aiohttp": {"bundles/__main__.py"},
    "ray": {"running.py"},
    "platformdirs": set(),
    "pygit2": set(),
}
PURE = {
    "model.py", "text/terms.py", "text/prose.py", "text/reasons.py", "text/mentions.py", "text/redaction.py", "text/passages.py",
    "text/paragraphs.py", "text/cosmetic.py", "text/comments.py", "text/languages.py", "text/natural.py",
    "search/ranking.py", "search/features.py", "search/answers.py", "index/pulls.py", "asking/plan.py", "asking/wording.py",
    "server/params.py", "server/limits.py", "history/limits.py", "metrics/exposition.py", "metrics/http.py",
    "relating/patches.py", "relating/overlap.py", "relating/cochange.py", "relating/reasons.py", "bundles/manifest.py",
}  # fmt: skip
NETWORK = ("urllib.request.", "http.client.", "ssl.", "socketserver.", "ftplib.", "smtplib.", "aiohttp.", "fsspec.")
ARROWS = {
    "model": set(),
    "process": set(),
    "text": set(),
    "history": {"model", "text"},
    "index": {"model", "process", "text"},
    "server": {"process"},
    "settings": {"model"},
    "encoding": {"model", "process", "settings"},
    "bundles": {"history", "process", "settings"},
    "flags": {"history", "settings"},
    "repos": {"index", "model", "process"},
    "search": {"history", "index", "model", "text"},
    "github": {"flags", "history", "index", "model", "process", "repos", "settings"},
    "indexing": {"bundles", "encoding", "flags", "history", "index", "model", "process", "repos", "settings", "text"},
    "asking": {"encoding", "flags", "history", "index", "indexing", "model", "text",
        "process", "repos", "search", "server", "settings"},
    "administration": {"asking", "bundles", "encoding", "flags", "history", "index", "indexing",
        "model", "process", "repos", "settings"},
    "metrics": {"asking", "model", "process"},
    "relating": {"asking", "encoding", "flags", "history", "index", "indexing", "model", "repos", "search", "text"},
    "daemon": {"metrics", "model", "process", "server"},
    "measuring": {"daemon", "metrics", "model", "process", "server"},
    "services": {"administration", "asking", "daemon", "encoding", "flags", "github", "indexing",
        "metrics", "process", "relating", "search", "server"},
    "app": {"daemon", "flags", "measuring", "metrics", "process", "server", "services", "settings"},
    "cli": {"administration", "app", "encoding", "flags", "process", "settings"},
}  # fmt: skip
"""What each of the daemon's rooms may import of the others, lowest first. An arrow that nothing needs any more is taken out."""

INNER = {
    "index/store": {"model", "process", "text"},
    "indexing/watching": set(),
    "administration/backup": {"encoding", "index", "indexing", "process", "repos", "settings"},
    "administration/doctor": {
        "administration/units",
        "asking",
        "encoding",
        "flags",
        "history",
        "index",
        "indexing",
        "model",
        "process",
        "repos",
        "settings",
    },
    "administration/units": {"process", "settings"},
}
"""Packages within a room, which import less than it may and nothing of what lies beside them."""


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room] / room).rglob("*.py"))


def imported(file: Path, *, at_run_time_alone: bool = False) -> Iterator[str]:
    """Yield the full names that a file imports, relative ones resolved."""
    source = next(path for path in file.parents if path.name in ROOMS).parent
    yield from iter_imports(file, source, at_run_time_alone=at_run_time_alone)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_other_packages_import_the_standard_library_and_what_lies_below(room: str) -> None:
    for file in files_of(room):
        others = {name.split(".")[0] for name in imported(file)} - sys.stdlib_module_names
        assert others <= MAY_IMPORT[room], file


def test_the_daemon_does_not_import_the_client() -> None:
    for file in files_of("ail_daemon"):
        assert not {name.split(".")[0] for name in imported(file)} & {
            "ail_client",
            "ail_hooks",
            "ail_mcp",
            "ail_lsp",
            "ail_cluster",
        }, file


def test_every_heavy_library_has_one_door() -> None:
    for room in ROOMS:
        for file in files_of(room):
            for library in DOORS.keys() & {name.split(".")[0] for name in imported(file, at_run_time_alone=True)}:
                assert str(file.relative_to(ROOT / ROOMS[room] / room)) in DOORS[library], library


def test_two_programs_alone_may_speak_to_another_machine_and_nobody_imports_them() -> None:
    """Beside them `ail-cluster`, which writes to object stores."""
    speaking = [("github", "__main__.py"), ("bundles", "__main__.py")]
    writing = ("ail_cluster", "output.py")
    for room in ROOMS:
        for file in files_of(room):
            names = set(imported(file))
            for place, _ in speaking:
                assert not any(name.startswith(f"ail_daemon.{place}.__main__") for name in names), (
                    "the daemon would load ssl"
                )
            if file.parts[-2:] not in (*speaking, writing):
                assert not [name for name in names if f"{name}.".startswith(NETWORK)], file


def test_the_daemon_s_rooms_import_what_they_may_and_no_more() -> None:
    arrows = read_arrows()
    assert {room: set(below) for room, below in arrows.items()} == ARROWS, "ARROWS says what may import what"


def test_no_rooms_import_each_other_in_a_circle() -> None:
    floors = find_floors(read_arrows())
    assert max(floors.values()) < 10
    with pytest.raises(ValueError, match="a -> b -> a"):
        find_floors({"a": frozenset("b"), "b": frozenset("a")})


@pytest.mark.parametrize("room", INNER)
def test_a_package_within_a_room_imports_less_than_the_room_may(room: str) -> None:
    for file in sorted((DAEMON / room).rglob("*.py")):
        names = {tuple(name.split(".")[1:3]) for name in imported(file) if name.startswith("ail_daemon.")}
        mine = {tuple(room.split("/"))}
        others = {name[0] if name[0] != room.split("/")[0] else "/".join(name) for name in names - mine}
        assert others <= INNER[room], file


def test_the_picture_of_the_rooms_is_drawn_from_the_imports() -> None:
    assert PICTURE.read_text() == draw(read_arrows()), "`python -m tools` draws it anew"
    assert set(DUTIES) == set(read_arrows())


def test_pure_rooms_touch_no_file_socket_or_process() -> None:
    for name in PURE:
        names = {name.split(".")[0] for name in imported(ROOT / "daemon" / "ail_daemon" / name)}
        assert not names & {"os", "socket", "subprocess", "pathlib", "sqlite3", "asyncio", "threading"}, name


def test_no_room_uses_another_s_underscore_names() -> None:
    for room in ROOMS:
        for file in files_of(room):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom):
                    assert not [alias.name for alias in node.names if alias.name.startswith("_")], file
