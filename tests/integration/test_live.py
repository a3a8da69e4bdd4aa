"""Every commit is searchable moments after it is made, whatever moved the refs; nothing that is gone is ever cited."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import Calling, Home

from ail_rpc.errors import NotFoundError
from ail_rpc.hints import append, encode

pytestmark = pytest.mark.model

COLOUR = "Turn the page green\n\nBlue was hard to read for one tester in twelve.\n"


def wait_for(call: Calling, repo: Path, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The repository's status once *holds*; nothing is asked meanwhile that would make the daemon look."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        (told,) = call("status", repo=str(repo))["repos"]
        if holds(told):
            return dict(told)
        time.sleep(0.01)
    raise AssertionError(told)


def cited(call: Calling, repo: Path, question: str) -> list[str]:
    return [one["sha"] for one in call("ask", repo=str(repo), question=question, no_cache=True)["citations"]]


def enrol(call: Calling, repo: Repository) -> None:
    call("repo.add", repo=str(repo.path))
    call.wait_complete(str(repo.path))


def test_a_commit_is_indexed_by_its_event_alone(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_RECONCILE_S="3600"), home.connected() as call:
        enrol(call, repo)
        assert call("status")["repos"][0]["updated_by"] == "add"  # there is no hook
        sha = repo.commit(COLOUR, page__css="body { background: green }\n")
        told = wait_for(call, repo.path, lambda now: now["head"] == sha and now["complete"])
        assert (told["updated_by"], told["pending"], told["commits"]) == ("event", 0, 4)
        assert sha in cited(call, repo.path, "why is the page green?")


def test_without_events_the_timer_and_every_question_find_what_moved(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_WATCH="false", AIL_RECONCILE_S="1"), home.connected() as call:
        enrol(call, repo)
        sha = repo.commit(COLOUR, page__css="body { background: green }\n")
        assert cited(call, repo.path, "why is the page green?")[0] == sha
        later = repo.commit("Bring the blue back")
        told = wait_for(call, repo.path, lambda now: now["head"] == later and now["complete"])
        assert told["watched"] == "events are switched off: polled"
        assert told["updated_by"] in ("timer", "question")


@pytest.mark.slow
def test_an_amended_commit_is_never_cited_again_and_leads_to_its_successor(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_WATCH="false", AIL_RECONCILE_S="3600"), home.connected() as call:
        enrol(call, repo)
        for number in range(5):
            old = repo.git("rev-parse", "HEAD")
            repo.git(
                "commit", "-q", "--amend", "-m", f"Raise the database timeout, attempt {number}\n\nReports lock it."
            )
            new = repo.git("rev-parse", "HEAD")
            found = cited(call, repo.path, "why was the database timeout raised?")
            assert old not in found
            assert found[0] == new
            shown = call("show", repo=str(repo.path), sha=old[:12])
            assert (shown["sha"], shown["successor_of"]) == (new, old)
        first = repo.shas["timeout"]
        assert call("show", repo=str(repo.path), sha=first)["sha"] == new


def test_an_amend_encodes_one_message_and_a_rebase_of_unchanged_ones_none(home: Home, repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "topic", "HEAD~1")
    for number in range(70):  # more than the daemon takes in itself
        repo.commit(f"Step {number}\n\nBecause of reason {number}.", **{f"steps__{number}": str(number)})
    with home.daemon(), home.connected() as call:
        enrol(call, repo)
        (before,) = call("status")["repos"]
        old = repo.git("rev-parse", "HEAD~5")
        repo.git("rebase", "-q", "main")
        head = repo.git("rev-parse", "HEAD")
        told = wait_for(call, repo.path, lambda now: now["head"] == head and now["complete"])
        assert told["encoded"] == before["encoded"]
        assert call("show", repo=str(repo.path), sha=old)["sha"] == repo.git("rev-parse", "HEAD~5")
        repo.git("commit", "-q", "--amend", "-m", "The last step, said better")
        head = repo.git("rev-parse", "HEAD")
        told = wait_for(call, repo.path, lambda now: now["head"] == head and now["complete"])
        assert told["encoded"] == before["encoded"] + 1


@pytest.mark.slow
def test_a_fresh_clone_of_an_enrolled_project_encodes_nothing(home: Home, repo: Repository, tmp_path: Path) -> None:
    for number in range(70):
        repo.commit(f"Step {number}\n\nBecause of reason {number}.")
    with home.daemon(), home.connected() as call:
        enrol(call, repo)
        clone = tmp_path / "clone"
        repo.git("clone", "-q", str(repo.path), str(clone))
        call("repo.add", repo=str(clone))
        told = call.wait_complete(str(clone))
        assert (told["commits"], told["embedded"], told["encoded"]) == (73, 73, 0)
        call("repo.remove", repo=str(repo.path), purge=True)
        assert cited(call, clone, "why do we try an upload a second time?")[0] == repo.shas["retry"]


def test_a_hook_s_hint_is_taken_at_once_and_the_successors_it_tells_are_kept(home: Home, repo: Repository) -> None:
    hints = home.state / "hints" / "pending"
    with home.daemon(AIL_RECONCILE_S="3600"), home.connected() as call:
        enrol(call, repo)
        squashed = [repo.shas["paint"], repo.shas["timeout"]]
        repo.git("reset", "-q", "--soft", "HEAD~2")
        new = repo.commit("Paint the page and raise the timeout")
        append(str(hints), encode("post-rewrite", str(repo.path), [(old, new) for old in squashed]))
        wait_for(call, repo.path, lambda now: now["head"] == new and now["complete"] and now["updated_by"] == "hook")
        assert not hints.exists()
        for old in squashed:
            assert call("show", repo=str(repo.path), sha=old)["sha"] == new


@pytest.mark.slow
def test_hints_left_without_a_daemon_are_read_by_the_next(home: Home, repo: Repository, tmp_path: Path) -> None:
    with home.daemon(), home.connected() as call:
        enrol(call, repo)
    sha = repo.commit(COLOUR)
    hints = home.state / "hints" / "pending"
    for path in (str(repo.path), str(tmp_path / "gone"), str(tmp_path)):
        append(str(hints), encode("post-commit", path))
    with home.daemon(AIL_WATCH="false"), home.connected() as call:
        wait_for(call, repo.path, lambda now: now["head"] == sha and now["complete"])
        assert not hints.exists()


@pytest.mark.slow
def test_a_deleted_branch_s_commits_are_gone_and_told_so(home: Home, repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "dead-end")
    lost = repo.commit("Try whales as a message queue\n\nThey are large.")
    repo.git("checkout", "-q", "main")
    with home.daemon(AIL_WATCH="false"), home.connected() as call:
        enrol(call, repo)
        assert lost in cited(call, repo.path, "why whales as a queue?")
        repo.git("branch", "-q", "-D", "dead-end")
        assert lost not in cited(call, repo.path, "why whales as a queue?")
        with pytest.raises(NotFoundError, match="is gone"):
            call("show", repo=str(repo.path), sha=lost)


def test_a_shallow_clone_that_is_deepened_is_read_anew(home: Home, repo: Repository, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(shallow))
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(shallow))
        assert call.wait_complete(str(shallow))["commits"] == 1
        repo.git("-C", str(shallow), "fetch", "-q", "--unshallow")
        told = wait_for(call, shallow, lambda now: now["commits"] == 3 and now["complete"])
        assert told["updated_by"] == "event"
        shown = call("show", repo=str(shallow), sha=repo.shas["timeout"])
        assert shown["parents"] == [repo.shas["paint"]]
        assert shown["paths"] == ["db.py"]  # a boundary commit has none


def test_each_worktree_is_told_its_own_head_and_outlives_the_one_it_was_added_from(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(linked), "HEAD~1")
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(linked))
        call.wait_complete(str(repo.path))
        heads = [call("ask", repo=str(path), question="why blue?")["index"]["head"] for path in (repo.path, linked)]
        assert heads == [repo.shas["timeout"], repo.shas["paint"]]
        repo.git("worktree", "remove", str(linked))
        sha = repo.commit(COLOUR)
        assert sha in cited(call, repo.path, "why is the page green?")


def test_refs_with_odd_names_and_a_head_that_points_nowhere_are_taken_as_they_are(home: Home, repo: Repository) -> None:
    odd = [b"--format=x", b"a b".replace(b" ", b"\xc2\xa0"), b"\xff\xfe", b"/".join([b"d" * 20] * 9)]
    shas: list[str] = []
    for name in odd:
        repo.git("checkout", "-q", "--detach", "main")
        shas.append(repo.commit(f"On an odd branch {len(shas)}"))
        target = os.path.join(os.fsencode(repo.path), b".git/refs/heads", name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(os.fsdecode(target)).write_text(shas[-1] + "\n")
    repo.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        told = call.wait_complete(str(repo.path))
        assert (told["head"], told["commits"]) == (None, 7)
        assert set(cited(call, repo.path, "which odd branch?")) >= set(shas)


def test_a_repository_that_vanishes_is_noticed_and_one_in_its_place_taken_up(home: Home, repo: Repository) -> None:
    with home.daemon(AIL_RECONCILE_S="1"), home.connected() as call:
        enrol(call, repo)
        moved = repo.path.with_name("moved")
        repo.path.rename(moved)
        told = wait_for(call, repo.path, lambda now: bool(now["notice"]))
        assert "moved" in told["notice"]
        other = Repository(repo.path)
        sha = other.commit("Begin again")
        told = wait_for(call, repo.path, lambda now: now["head"] == sha and now["complete"])
        assert (told["commits"], told["notice"]) == (1, None)


def test_only_the_kinds_of_refs_that_are_set_count(home: Home, repo: Repository) -> None:
    repo.git("tag", "kept", "HEAD")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    with home.daemon(AIL_REFS="branches"), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        assert call.wait_complete(str(repo.path))["commits"] == 2
    with home.daemon(), home.connected() as call:
        wait_for(call, repo.path, lambda now: now["commits"] == 3 and now["complete"])


@pytest.mark.slow
def test_check_index_finds_and_repairs_what_was_lost_behind_the_daemon_s_back(home: Home, repo: Repository) -> None:
    with home.daemon(), home.connected() as call:
        enrol(call, repo)
        assert call("check.index", repo=str(repo.path))["ok"]
    (store,) = home.state.glob("repos/*/store.sqlite")
    store.with_suffix(".seal").unlink()  # with it, the file would be made anew before anybody looked
    damage = "DELETE FROM commits WHERE id = 1; DELETE FROM embeddings WHERE text_hash IN (SELECT text_hash FROM commits LIMIT 1)"
    subprocess.run(
        ["python3", "-c", f"import sqlite3; sqlite3.connect({str(store)!r}).executescript({damage!r})"], check=True
    )
    done = home.client("check", "index", "--repo", str(repo.path))
    assert (done.returncode, "repaired" in done.stdout) == (0, True), done.stdout + done.stderr
    assert json.loads(home.client("check", "index", "--json").stdout)["ok"]
    assert home.client("ask", "--repo", str(repo.path), "why do we try an upload a second time?").returncode == 0


def test_a_damaged_store_is_set_aside_and_made_anew(home: Home, repo: Repository) -> None:
    with home.daemon(), home.connected() as call:
        enrol(call, repo)
    (store,) = home.state.glob("repos/*/store.sqlite")
    store.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    with home.daemon(), home.connected() as call:
        assert call("check.index", repo=str(repo.path))["ok"]
        assert store.with_name("damaged").is_dir()
        assert cited(call, repo.path, "why do we try an upload a second time?")[0] == repo.shas["retry"]


def test_a_truncated_pack_is_told_and_healed_by_its_repair(home: Home, repo: Repository, tmp_path: Path) -> None:
    with home.daemon(AIL_RECONCILE_S="1"), home.connected() as call:
        enrol(call, repo)
        repo.commit(COLOUR)
        repo.git("gc", "-q")
        (pack,) = repo.path.glob(".git/objects/pack/*.pack")
        whole = tmp_path / "whole.pack"
        shutil.copy(pack, whole)
        pack.chmod(0o600)
        with pack.open("r+b") as file:
            file.truncate(40)
        sha = subprocess.run(
            ["git", "-C", str(repo.path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        call("repo.notify", repo=str(repo.path))
        shutil.copy(whole, pack)
        call("repo.notify", repo=str(repo.path))
        told = wait_for(call, repo.path, lambda now: now["head"] == sha and now["complete"] and now["commits"] == 4)
        assert told["notice"] is None


@pytest.mark.slow
def test_where_clocks_jumped_a_deleted_branch_takes_nothing_with_it_that_others_reach(
    home: Home, repo: Repository
) -> None:
    repo._time = 2_000_000_000
    shared = repo.commit("Written tomorrow\n\nBecause the clock of that machine was ahead.")
    repo._time = 1_900_000_000
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("On the branch")
    repo.git("checkout", "-q", "main")
    repo._time = 1_000_000_000
    for number in range(20):
        repo.commit(f"Later, and by its date long ago, {number}")
    assert shared in repo.git("rev-list", "topic", "^main")  # git itself is mistaken
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        assert call.wait_complete(str(repo.path))["commits"] == 25
        repo.git("branch", "-q", "-D", "topic")
        wait_for(call, repo.path, lambda now: now["commits"] == 24 and now["complete"])
        assert call("show", repo=str(repo.path), sha=shared)["sha"] == shared
