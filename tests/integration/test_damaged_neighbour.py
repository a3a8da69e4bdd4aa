"""A damaged repository breaks no other, and is made anew without being asked for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import Calling, Home

pytestmark = pytest.mark.model


def overwrite(home: Home) -> None:
    (store,) = home.state.glob("repos/*/store.sqlite")
    with store.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8)


def make_neighbour(repo: Repository, path: Path) -> Repository:
    """A repository of more commits than the daemon takes in itself, which shares none with *repo*."""
    made = Repository(path)
    for number in range(70):
        made.commit(f"Step {number}\n\nBecause of reason {number} of {repo.path.name}'s neighbour.")
    return made


def wait_until_whole(call: Calling, repo: Repository, commits: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        (told,) = call("status", repo=str(repo.path))["repos"]
        if told["complete"] and told["embedded"] == commits:
            return
        time.sleep(0.05)
    raise AssertionError(told)


def test_a_store_damaged_while_no_daemon_ran_is_made_anew_at_the_next_start(home: Home, repo: Repository) -> None:
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
    overwrite(home)
    with home.daemon(), home.connected() as call:
        wait_until_whole(call, repo, 3)
    assert list(home.state.glob("repos/*/damaged/store.sqlite"))


def test_a_store_damaged_while_the_daemon_runs_is_no_fault_of_its_neighbours(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    neighbour = make_neighbour(repo, tmp_path / "neighbour")
    with home.daemon(AIL_RECONCILE_S="3600"), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
    with home.daemon(AIL_RECONCILE_S="3600"), home.connected() as call:
        time.sleep(1)  # the look at start is over: what comes after it is found by the neighbour's update
        overwrite(home)
        call("repo.add", repo=str(neighbour.path))
        assert call.wait_complete(str(neighbour.path))["commits"] == 70
        wait_until_whole(call, repo, 3)
