"""The watcher against real git: it tells of every move and of nothing else, also where a repository goes and comes."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.daemon.indexing.watching.conftest import PATIENCE_S, Heard, make_repo, watch
from tests.moving import KINDS, MOVES, has_reftable, make_scene, run_git
from tests.tools import one_fast

from ail_daemon.indexing.watching.inotify import InotifyWatches
from ail_daemon.indexing.watching.observer import ObserverWatches
from ail_daemon.indexing.watching.plan import BUDGET
from ail_rpc.discovery import find_repository

# --- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", one_fast([kind for kind in KINDS if kind != "partial"], "normal")
)  # as a partial one's
def test_every_operation_that_moves_refs_is_told(kind: str, tmp_path: Path, heard: Heard) -> None:
    if kind == "reftable" and not has_reftable():
        pytest.skip("this git makes no reftable")
    scene = make_scene(kind, tmp_path / "scene")
    assert watch(heard, scene.path) is None
    silent = []
    for number, move in enumerate(MOVES):
        scene.before(move, number)
        if "repo" not in heard.since(partial(scene.make, move, number)):
            silent.append(move.name)
        assert heard.watcher.count() <= BUDGET + 1
    assert silent == []


def test_work_that_moves_no_ref_is_not_told(repo: Path, heard: Heard) -> None:
    (repo / "a.txt").write_text("a")
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", "Add a")
    (repo / "a.txt").write_text("b")
    for quiet in (
        lambda: run_git(repo, "status"),
        lambda: run_git(repo, "diff"),
        lambda: run_git(repo, "add", "-A"),
        lambda: run_git(repo, "log", "-p"),
        lambda: run_git(repo, "config", "user.name", "Ann"),
        lambda: run_git(repo, "hash-object", "-w", "a.txt"),
        lambda: run_git(repo, "commit", "--dry-run"),
        lambda: run_git(repo, "fetch", "-q", str(repo)),
        lambda: run_git(repo, "restore", "--staged", "--worktree", "."),
        lambda: (repo / "new.txt").write_text("new"),
        lambda: (repo / "deep" / "er").mkdir(parents=True),
    ):
        assert heard.since(quiet) == set()


def test_an_unshallowed_clone_is_told(tmp_path: Path, heard: Heard) -> None:
    scene = make_scene("shallow", tmp_path / "scene")
    watch(heard, scene.path)
    assert heard.since(lambda: run_git(scene.path, "fetch", "-q", "--unshallow")) == {"repo"}


def test_a_branch_in_directories_of_its_own_is_told_again_and_again(repo: Path, heard: Heard) -> None:
    for name in ("one/two/three", "one/two/four"):
        assert heard.since(partial(run_git, repo, "branch", name)) == {"repo"}
    run_git(repo, "commit", "-q", "--allow-empty", "-m", "More")
    assert heard.since(lambda: run_git(repo, "branch", "-f", "one/two/three")) == {"repo"}
    run_git(repo, "branch", "-D", "one/two/three", "one/two/four")  # git removes the directories
    assert heard.since(lambda: run_git(repo, "branch", "one/two/three")) == {"repo"}
    assert heard.since(lambda: run_git(repo, "branch", "-f", "one/two/three", "HEAD~1")) == {"repo"}


def test_watches_of_directories_that_went_are_given_back(repo: Path, heard: Heard) -> None:
    before = heard.watcher.count()
    run_git(repo, "branch", "one/two/three")
    heard.drain()
    assert heard.watcher.count() == before + 2
    run_git(repo, "pack-refs", "--all")
    heard.drain()
    assert heard.watcher.count() == before


def test_a_commit_on_a_worktree_s_detached_head_is_told(repo: Path, heard: Heard) -> None:
    tree = repo.parent / "tree"
    assert heard.since(lambda: run_git(repo, "worktree", "add", "-q", "--detach", str(tree))) == {"repo"}
    commit = ("commit", "-q", "--allow-empty", "-m", "Aside")
    assert heard.since(lambda: run_git(tree, *commit)) == {"repo"}
    assert heard.since(lambda: run_git(repo, "worktree", "remove", "--force", str(tree))) == {"repo"}


@pytest.mark.parametrize("ending", ["--continue", "--abort"])
@pytest.mark.parametrize("is_linked", [False, True])
def test_a_rebase_is_told_at_its_end_and_not_at_each_pick(
    repo: Path, heard: Heard, *, is_linked: bool, ending: str
) -> None:
    tree = repo
    if is_linked:
        tree = repo.parent / "tree"
        run_git(repo, "worktree", "add", "-q", "-b", "topic", str(tree))
    for number in range(3):
        run_git(tree, "commit", "-q", "--allow-empty", "-m", f"Change {number}")
    stopping = ("-c", "sequence.editor=sed -i 2abreak", "rebase", "-q", "-i", "--force-rebase", "HEAD~3")
    assert heard.since(lambda: run_git(tree, *stopping)) == set()
    assert heard.since(lambda: run_git(repo, "branch", "-f", "other", "HEAD")) == {"repo"}
    assert heard.since(lambda: run_git(tree, "rebase", ending)) == {"repo"}


def test_a_ref_that_another_program_writes_without_a_lock_is_told(repo: Path, heard: Heard) -> None:
    sha = run_git(repo, "rev-parse", "HEAD")
    assert heard.since(lambda: (repo / ".git/refs/heads/plain").write_text(sha)) == {"repo"}


def test_a_file_written_or_renamed_into_a_plain_directory_is_told(tmp_path: Path, heard: Heard) -> None:
    hints = tmp_path / "hints"
    hints.mkdir()
    assert heard.watcher.watch_directory("hints", str(hints)) is None
    assert heard.since(lambda: (hints / "one").write_text("look")) == {"hints"}
    (tmp_path / "two").write_text("look")
    assert heard.since(lambda: (tmp_path / "two").rename(hints / "two")) == {"hints"}
    assert heard.since((hints / "one").unlink) == set()


# --- repositories that go and come ------------------------------------------------------------------------------------


def remove(repo: Path) -> None:
    shutil.rmtree(repo)


def rename(repo: Path) -> None:
    repo.rename(repo.with_name("elsewhere"))


@pytest.mark.parametrize("go", [remove, rename])
@pytest.mark.parametrize("kind", ["normal", "bare"])
def test_a_repository_that_goes_is_told_and_the_next_in_its_place_is_watched_when_asked_for(
    go: Callable[[Path], None], kind: str, tmp_path: Path, heard: Heard
) -> None:
    path = make_repo(tmp_path / "project", *(["--bare"] if kind == "bare" else []))
    place = find_repository(str(path))
    assert heard.watcher.watch("repo", place) is None
    assert heard.since(lambda: go(path)) == {"repo"}
    assert heard.watcher.count() == 1
    assert "is gone" in str(heard.watcher.watch("repo", place))
    make_repo(path, *(["--bare"] if kind == "bare" else []))
    assert heard.watcher.watch("repo", place) is None
    top = path if kind == "bare" else path / ".git"
    assert heard.since(lambda: (top / "refs/heads/new").write_text("0" * 40)) == {"repo"}


def test_a_repository_whose_git_directory_was_replaced_unseen_is_watched_at_the_next_call(
    tmp_path: Path, heard: Heard
) -> None:
    repo = make_repo(tmp_path / "outer" / "project")
    place = find_repository(str(repo))
    heard.watcher.watch("repo", place)
    (tmp_path / "outer").rename(tmp_path / "moved")  # the parent's renaming is told to nobody
    make_repo(repo)
    assert heard.watcher.watch("repo", place) is None
    assert heard.since(lambda: run_git(repo, "branch", "new")) == {"repo"}


def test_what_is_not_watched_any_more_is_not_told_and_costs_nothing(repo: Path, heard: Heard) -> None:
    heard.watcher.unwatch("repo")
    heard.watcher.unwatch("never watched")
    assert heard.since(lambda: run_git(repo, "branch", "new")) == set()
    assert heard.watcher.count() == 1


def test_stopping_ends_the_thread_and_tells_nothing_more(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "beside")
    repo = make_repo(tmp_path / "project")
    watch(heard, repo)
    heard.watcher.stop()
    assert "watcher" not in [thread.name for thread in threading.enumerate()]
    told = Counter(heard._told)
    run_git(repo, "branch", "new")
    assert (heard._told, heard.watcher.count()) == (told, 0)
    assert "not watched" in str(watch(heard, repo))


# --- the other system's way -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Callback with id")  # Linux's Observer races with itself when directories are made
def test_the_stream_of_a_whole_git_directory_tells_the_same_operations(tmp_path: Path) -> None:
    """What macOS gets, here over Linux's own Observer: the same classes of watchdog, other events below."""
    told, changed = Counter[str](), threading.Condition()

    def take(key: str) -> None:
        with changed:
            told[key] += 1
            changed.notify_all()

    scene, signals = make_scene("normal", tmp_path / "scene"), tmp_path / "signals"
    signals.mkdir()
    watches: InotifyWatches | ObserverWatches = ObserverWatches(take, lambda: None)
    watches.start()
    place = find_repository(str(scene.path))
    watches.watch("repo", place.common_dir, place)
    watches.watch("signal", str(signals), None)
    for number, move in enumerate(MOVES):
        scene.before(move, number)
        with changed:
            told.clear()
        scene.make(move, number)
        with changed:
            assert changed.wait_for(lambda: told["repo"] > 0, PATIENCE_S), move.name
    (signals / "now").write_text("")
    with changed:
        assert changed.wait_for(lambda: told["signal"] > 0, PATIENCE_S)
    watches.unwatch("repo")
    assert watches.count() == 1
    watches.stop()
