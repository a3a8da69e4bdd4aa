"""State that a released version wrote is taken over by this one: every commit and embedding stays, nothing is read again.

`states/VERSION.tar.gz` holds one repository's data directory as that version left it, and the repository as a bundle. It was made
with `add --wait`, a question and `stop`, in a history of 12 commits.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.running import Home, sealed_home

from ail_daemon.repos.places import get_key, save_place
from ail_rpc.discovery import find_repository

STATES = sorted((Path(__file__).parent / "states").glob("*.tar.gz"))
COMMITS = 12


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_commit_is_kept_and_none_is_read_again(state: Path, models: Path) -> None:
    with sealed_home(models) as home:
        root, kept = _unpack(home, state)
        before = _read(kept)
        assert len(before["commits"]) == COMMITS
        assert before["embeddings"]
        with home.daemon(), home.connected() as call:
            told = call.wait_complete(str(root))
            assert (told["commits"], told["notice"], told["skipped"]) == (COMMITS, None, 0)
            reply = call("ask", repo=str(root), question="why was the lock wrong?", no_cache=True)
            assert "did not fit" in reply["answer"]
        assert not (kept.parent / "damaged").exists()
        after = _read(kept)
        assert after["commits"] == before["commits"]
        assert before["embeddings"] <= after["embeddings"]


def _unpack(home: Home, state: Path) -> tuple[Path, Path]:
    """Put the state where it would be had the repository always lain here; return the repository and the store's file."""
    with tarfile.open(state) as tar:
        tar.extractall(home.directory / "kept", filter="data")
    root = home.directory / "project"
    subprocess.run(
        ["git", "clone", "-q", "-b", "main", str(home.directory / "kept" / "project.bundle"), str(root)],
        check=True,
        env=home.env,
    )
    subprocess.run(["git", "-C", str(root), "remote", "remove", "origin"], check=True, env=home.env)
    place = find_repository(str(root))
    directory = home.state / "repos" / get_key(place)
    (home.state / "repos").mkdir(mode=0o700)
    shutil.move(home.directory / "kept" / "state", directory)
    save_place(directory / "repo.json", place)
    return root, directory / "store.sqlite"


def _read(store: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return what is true in a store whatever its version: which commits, by their ids, and which embeddings."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return {
            "commits": set(connection.execute("SELECT id, sha FROM commits")),
            "embeddings": set(connection.execute("SELECT text_hash, vector FROM embeddings")),
        }
    finally:
        connection.close()
