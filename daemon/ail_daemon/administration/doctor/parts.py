"""Checks of the parts that a question uses, each tried with input whose result is known."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ail_daemon.encoding.encoders import ServingEncoder
from ail_daemon.encoding.prepared import DEFAULT_MODEL, PREPARE_HINT, find_prepared, verify
from ail_daemon.index.store import SQLITE_VERSION, STORE_FILE, DamagedError, open_reader
from ail_daemon.index.vectors import Vectors
from ail_daemon.model import Encoder
from ail_daemon.repos.repo import Repo
from ail_daemon.settings import Settings, get_child_environment
from ail_rpc import VERSION

from .finding import Finding

LIBRARIES = (
    "numpy",
    "onnxruntime",
    "tokenizers",
    "faiss-cpu",
    "tantivy",
    "msgpack",
    "structlog",
    "watchdog",
    "cachetools",
    "psutil",
)
SENTENCES = (
    "Retry uploads once on idle connections",
    "Try an upload again when the connection was idle",
    "Paint the start page blue",
)
KNOWN_SIMILARITY, TOLERANCE = 0.75, 0.04
"""Of the first two sentences, by the default model: its original has .749, as int8 it has .754."""
_LEAST_LEAD = 0.2  # of the first two's over the first's and the third's, by any model worth its memory
_REPAIRED_SINCE = (3, 51, 3)
_GIT_LIMIT_S = 5.0


def look_at_libraries() -> Finding:
    """Say which versions are installed."""
    found = {name: _find_version(name) for name in LIBRARIES}
    python = ".".join(map(str, sys.version_info[:3]))
    libraries = ", ".join(f"{name} {number or 'missing'}" for name, number in found.items())
    said = f"ail-daemon {VERSION}, Python {python}, {libraries}"
    if all(found.values()):
        return Finding("libraries", "ok", said)
    return Finding("libraries", "fail", said, "pip install 'archaeological-intelligence[daemon]'")


def look_at_model(settings: Settings, encoder: ServingEncoder, models_dir: Path) -> Finding:
    """Load the model, compare its files' hashes, and two sentences."""
    serving = encoder.get()
    if serving is None:
        is_absent = encoder.reason == "model missing" or encoder.preparing_s is not None
        said = f"{settings.model}: {encoder.reason}; words alone answer"
        return Finding("model", "warn" if is_absent else "fail", said, encoder.remedy)
    prepared = find_prepared(models_dir, settings.model) if settings.encoder == "prepared" else None
    if prepared is not None:
        verify(prepared)
    return _judge_model(settings.model, serving)


def look_at_faiss() -> Finding:
    """Search three vectors for the one that is nearest."""
    vectors = Vectors(4)
    vectors.add(np.array([11, 22, 33]), np.eye(3, 4, dtype=np.float32))
    found = vectors.find(np.array([[0.6, 0.8, 0, 0]], np.float32), 2)
    is_right = list(found) == [22, 11] and abs(found[22] - 0.8) < 0.01
    said = "a known search finds what it must" if is_right else f"a known search finds {found}"
    todo = "" if is_right else "pip install --force-reinstall faiss-cpu"
    return Finding("faiss", "ok" if is_right else "fail", said, todo)


def look_at_sqlite(repos: list[Repo]) -> Finding:
    """Say which SQLite it is, and check the file of the index that changed last."""
    note = ""
    if tuple(int(part) for part in SQLITE_VERSION.split(".")) < _REPAIRED_SINCE:
        note = " (before 3.51.3 two writers could damage its log: AIL has one)"
    stores = [
        (repo.directory / STORE_FILE, repo.place.root) for repo in repos if (repo.directory / STORE_FILE).exists()
    ]
    if not stores:
        return Finding("sqlite", "ok", f"{SQLITE_VERSION}{note}; no index yet")
    store, root = max(stores, key=lambda one: one[0].stat().st_mtime)
    try:
        with open_reader(store) as reading:
            said = str(reading.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except DamagedError as err:
        said = err.message
    if said == "ok":
        return Finding("sqlite", "ok", f"{SQLITE_VERSION}{note}; the index of {root} is sound")
    return Finding(
        "sqlite", "fail", f"{SQLITE_VERSION}; the index of {root} is damaged: {said}", "ail-client check index"
    )


def look_at_git() -> Finding:
    """Say which git is found on PATH."""
    program = shutil.which("git")
    if program is None:
        return Finding(
            "git", "fail", "there is no git on the daemon's PATH", "install git; a service has a PATH of its own"
        )
    done = subprocess.run(
        [program, "--version"],
        capture_output=True, text=True, timeout=_GIT_LIMIT_S, check=False, env=get_child_environment(),
    )  # fmt: skip
    if done.returncode:
        return Finding("git", "fail", f"{program} does not run: {done.stderr.strip()}", "install git anew")
    return Finding("git", "ok", f"{done.stdout.removeprefix('git version').strip()}, {program}")


def look_at_github(settings: Settings, status: Mapping[str, Any]) -> Finding:
    """Say whether GitHub is asked about pull requests, and the last problem; sends nothing itself."""
    if settings.github_token is None:
        return Finding("github", "ok", "off: no GITHUB_TOKEN is set, and nothing is sent anywhere")
    if problem := status.get("problem"):
        return Finding("github", "warn", str(problem), str(status.get("todo") or ""))
    return Finding(
        "github", "ok", f"on: {settings.github_api_url} is asked which pull requests cited commits came with"
    )


def _judge_model(name: str, encoder: Encoder) -> Finding:
    first, second, third = encoder.encode(list(SENTENCES))
    near, far = float(first @ second), float(first @ third)
    is_right = near - far >= _LEAST_LEAD and (name != DEFAULT_MODEL or abs(near - KNOWN_SIMILARITY) <= TOLERANCE)
    said = (
        f"{name} ({encoder.model_id[:10]}), {encoder.dimension} dimensions; two sentences that say the same: {near:.2f}"
    )
    if is_right:
        return Finding("model", "ok", f"{said}, another: {far:.2f}")
    return Finding("model", "fail", f"{said}, and another: {far:.2f}, which is wrong", PREPARE_HINT)


def _find_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
