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
from tests.integration.conftest import Repository
from tests.running import Home, sealed_home

from ail_daemon.index.store import break_seal
from ail_daemon.repos.places import get_key, load_json, save_json, save_place
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


def test_an_index_of_an_earlier_schema_is_brought_up_to_date_without_a_question(models: Path, tmp_path: Path) -> None:
    made = Repository(tmp_path / "project")
    text = "Two turns, because the meter was off."
    made.commit("Turn the knob\n\nBecause the meter was off.", knob__py=f"# {text}\nKNOB = 2\n")
    with sealed_home(models) as home:
        assert home.client("add", str(made.path), "--wait").returncode == 0
        home.stop()
        (store,) = home.state.glob("repos/*/store.sqlite")
        _make_older(store)
        with home.daemon(), home.connected() as call:
            call.wait_complete(str(made.path), timeout_s=60)
        assert not (store.parent / "damaged").exists()
        assert text in _read_texts(store)


def _make_older(store: Path) -> None:
    """Make an index one of the schema before, which kept passages with holes and did not note its schema."""
    connection = sqlite3.connect(store)
    with connection:
        connection.execute("UPDATE passage_texts SET text = 'cut', key = x'00'")
        connection.execute("PRAGMA user_version = 6")
    connection.close()
    break_seal(store)
    settled = store.with_name("settled.json")
    save_json(settled, {name: value for name, value in load_json(settled).items() if name != "schema"})


def _read_texts(store: Path) -> set[str]:
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return {text for (text,) in connection.execute("SELECT text FROM passage_texts")}
    finally:
        connection.close()


def _unpack(home: Home, state: Path) -> tuple[Path, Path]:
    """Put the state where it would be had the repository always lain here; return the repository and the store's file."""
    with tarfile.open(state) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian's Python 3.11.2 has none
        tar.extractall(home.directory / "kept")  # noqa: S202 - our own
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
