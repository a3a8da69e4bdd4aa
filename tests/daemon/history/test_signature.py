"""What must change a repository's signature, and what must not, also where directories were listed before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.moving import run_git

from ail_daemon.history import signature
from ail_daemon.history.signature import read_signature
from ail_rpc.discovery import RepoPlace, find_repository


@pytest.fixture
def place(tmp_path: Path) -> RepoPlace:
    run_git(tmp_path, "init", "-q", "-b", "main", ".")
    run_git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Begin")
    run_git(tmp_path, "update-ref", "refs/heads/team/ann/wip", "HEAD")
    run_git(tmp_path, "worktree", "add", "-q", "--detach", "tree")
    age(tmp_path / ".git")
    return find_repository(str(tmp_path))


def age(top: Path) -> None:
    """Make everything an hour old: what is younger than a tick of the clock has no signature that holds."""
    then = time.time() - 3600
    for directory, _, names in os.walk(top):
        for path in (directory, *(os.path.join(directory, name) for name in names)):
            os.utime(path, (then, then))


def test_it_holds_while_nothing_moves(place: RepoPlace) -> None:
    assert read_signature(place, ("heads",)) == read_signature(place, ("heads",))
    assert read_signature(place, ("heads",)) != read_signature(place, ("heads", "tags"))


@pytest.mark.parametrize(
    "move",
    [
        ("update-ref", "refs/heads/team/ann/more", "HEAD"),
        ("update-ref", "refs/heads/team/bob/deep/er", "HEAD"),
        ("update-ref", "-d", "refs/heads/team/ann/wip"),
        ("checkout", "-q", "-b", "other"),
        ("pack-refs", "--all"),
        ("worktree", "add", "-q", "--detach", "another"),
        ("-C", "tree", "commit", "-q", "--allow-empty", "-m", "Go on"),
    ],
    ids=" ".join,
)
def test_every_move_changes_it_although_the_directories_are_known(place: RepoPlace, move: tuple[str, ...]) -> None:
    before = read_signature(place, ("heads",))
    run_git(Path(place.root), *move)
    assert read_signature(place, ("heads",)) != before


def test_a_directory_that_changed_just_now_is_listed_again(place: RepoPlace) -> None:
    refs = Path(place.common_dir, "refs", "heads")
    for name in ("one", "two", "three"):  # within a tick all three may leave the same time
        (refs / name).mkdir()
        told = signature._list_stats(place, time.time_ns())
        assert f"{refs}/{name}" in [path for path, _ in told]


def test_what_is_known_of_directories_is_bounded(place: RepoPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "_LISTINGS_MAX", 3)
    signature._listings.clear()
    before = read_signature(place, ())
    assert len(signature._listings) <= 3
    assert read_signature(place, ()) == before
