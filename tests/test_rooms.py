"""The house: imports point down, each heavy library has one door, the client imports nothing it does not need."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {
    "ail_rpc": "client",
    "ail_client": "client",
    "ail_hooks": "hooks",
    "ail_daemon": "daemon",
    "ail_mcp": "assistants",
}
MAY_IMPORT = {
    "ail_rpc": {"ail_rpc", "msgpack"},
    "ail_client": {"ail_client", "ail_rpc"},
    "ail_hooks": {"ail_hooks", "ail_client", "ail_rpc"},
    "ail_mcp": {"ail_mcp", "ail_client", "ail_rpc", "mcp", "typing_extensions"},
}
DOORS = {
    "faiss": {"vectors.py"},
    "tantivy": {"words.py"},
    "sqlite3": {"store/database.py"},
    "structlog": {"logs.py"},
    "cachetools": {"caches.py", "linehistory.py"},
    "onnxruntime": {"encoding/serving.py"},
    "tokenizers": {"encoding/serving.py"},
    "onnx": {"encoding/graph.py"},
    "sentence_transformers": {"encoding/original.py", "encoding/preparing.py"},
    "torch": {"encoding/original.py"},
    "transformers": {"encoding/original.py", "encoding/preparing.py"},
    "msgpack": {"framing.py"},
    "watchdog": {"watching/inotify.py", "watching/observer.py"},
    "mcp": {"server.py"},
    "pygit2": set(),
}
PURE = {
    "ranking.py", "features.py", "pulls.py", "terms.py", "redaction.py", "model.py", "answers.py", "params.py",
    "wording.py", "globs.py", "mentions.py", "prose.py", "rollout.py", "exposition.py", "httphead.py",
    "deciding.py", "likeness.py", "onesided.py",
    "relating/patches.py", "relating/overlap.py", "relating/cochange.py", "relating/reasons.py",
}  # fmt: skip
LAYERS = (
    {
        "model",
        "terms",
        "redaction",
        "heap",
        "params",
        "limits",
        "wording",
        "globs",
        "mentions",
        "prose",
        "reasons",
        "features",
        "pulls",
        "rollout",
        "sides",
        "exposition",
        "httphead",
        "underway",
        "replacing",
    },
    {
        "ranking",
        "vectors",
        "signature",
        "finding",
        "directories",
        "places",
        "history",
        "pipes",
        "logs",
        "peers",
        "ready",
        "settings",
        "locks",
        "activation",
        "idle",
        "doorway",
        "watching",
        "watcher",
        "caches",
        "recent",
    },
    {
        "flags",
        "deciding",
        "likeness",
        "onesided",
        "reading",
        "process",
        "listening",
        "dispatch",
        "methods",
        "derived",
        "figures",
        "metricsport",
    },
    {"pool", "gauges", "store", "words", "encoding", "answers", "workers", "worker", "units", "fetching", "github"},
    {"fallback", "shadow", "rewrites", "lookups", "projects"},
    {"relations", "folding"},
    {"measuring", "index", "admission", "connection", "linehistory"},
    {"filters"},
    {"repos", "candidates", "searcher", "server", "relating", "skipping"},
    {"embedding"},
    {"updating", "backup"},
    {"lanes", "siblings", "indexstate", "probing"},
    {"indexer"},
    {"encoders", "freshness"},
    {"answering"},
    {
        "asking",
        "checking",
        "consistency",
        "keeping",
        "related",
        "showing",
        "caching",
        "warming",
        "applying",
        "doctor",
        "pullrequests",
    },
    {"enrolment", "configuring"},
    {"services", "resetting"},
    {"building"},
    {"app"},
    {"cli"},
)
"""The daemon's rooms, lowest first: a room imports from lower layers, or from its own."""


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room] / room).rglob("*.py"))


def imported(file: Path, *, at_run_time_alone: bool = False) -> Iterator[str]:
    """Yield the full names that a file imports, relative ones resolved."""
    package = file.relative_to(next(p for p in file.parents if p.name in ROOMS).parent).with_suffix("").parts[:-1]
    tree = ast.parse(file.read_text())
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    for guard in guards if at_run_time_alone else []:
        guard.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from (f"{module}.{alias.name}" if not node.module else module for alias in node.names)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_client_s_rooms_import_the_standard_library_and_what_lies_below(room: str) -> None:
    for file in files_of(room):
        others = {name.split(".")[0] for name in imported(file)} - sys.stdlib_module_names
        assert others <= MAY_IMPORT[room], file


def test_the_daemon_does_not_import_the_client() -> None:
    for file in files_of("ail_daemon"):
        assert not {name.split(".")[0] for name in imported(file)} & {"ail_client", "ail_hooks", "ail_mcp"}, file


def test_every_heavy_library_has_one_door() -> None:
    for room in ROOMS:
        for file in files_of(room):
            for library in DOORS.keys() & {name.split(".")[0] for name in imported(file, at_run_time_alone=True)}:
                assert str(file.relative_to(ROOT / ROOMS[room] / room)) in DOORS[library], library


def test_one_room_alone_may_speak_to_another_machine_and_nobody_imports_it() -> None:
    for room in ROOMS:
        for file in files_of(room):
            names = set(imported(file))
            assert "ail_daemon.github" not in names, "the daemon's process would load ssl"
            if file.name != "github.py":
                assert not names & {"urllib.request", "http.client", "ssl", "socketserver", "ftplib", "smtplib"}, file


def test_the_daemon_s_rooms_import_downward() -> None:
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    for file in files_of("ail_daemon"):
        mine = file.relative_to(ROOT / "daemon" / "ail_daemon").parts[0].removesuffix(".py")
        if mine == "__init__":
            continue
        assert mine in level, f"{mine} stands in no layer: add it to LAYERS and to docs/architecture.md"
        for name in imported(file):
            parts = name.split(".")
            if parts[0] == "ail_daemon" and len(parts) > 1 and parts[1] != mine and parts[1] in level:
                assert level[parts[1]] <= level[mine], f"{mine} imports {parts[1]}, which lies above it"


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
