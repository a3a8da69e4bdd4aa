"""The watcher's bounds, and where it cannot hear: few watches each, limits of the system, lost events, deaf file systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.daemon.indexing.watching.conftest import PATIENCE_S, Heard, make_repo, watch
from tests.moving import run_git

from ail_daemon.indexing.watching.plan import BUDGET, plan
from ail_daemon.indexing.watching.watcher import Watcher
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.mounts import find_deaf_type

ROOT = Path(__file__).resolve().parents[4]


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_many_repositories_share_one_thread_and_have_ten_watches_at_most(tmp_path: Path, heard: Heard) -> None:
    template = make_repo(tmp_path / "template")
    for number in range(30):
        run_git(template, "update-ref", f"refs/heads/area{number}/topic", "HEAD")
    before = threading.active_count()
    for number in range(20):
        shutil.copytree(template, tmp_path / str(number))
        assert heard.watcher.watch(str(number), find_repository(str(tmp_path / str(number)))) is None
    assert heard.watcher.count() == 20 * BUDGET + 1
    assert threading.active_count() == before
    assert heard.since(lambda: run_git(tmp_path / "13", "branch", "new")) == {"13"}


def test_beyond_the_budget_the_branch_at_hand_is_among_the_watched(repo: Path, heard: Heard) -> None:
    for number in range(30):
        run_git(repo, "update-ref", f"refs/heads/area{number:02}/topic", "HEAD")
    for branch in ("area29/topic", "area28/topic"):
        run_git(repo, "switch", "-q", branch)
        assert heard.since(lambda: run_git(repo, "commit", "-q", "--allow-empty", "-m", "On")) == {"repo"}
    heard.drain()
    assert heard.watcher.count() == BUDGET + 1


def test_the_branch_at_hand_is_told_when_its_packed_directories_come_again_beyond_the_budget(
    repo: Path, heard: Heard
) -> None:
    for number in range(30):
        run_git(repo, "update-ref", f"refs/heads/area{number:02}/topic", "HEAD")
    run_git(repo, "switch", "-q", "-c", "team/bob/deep/er")
    for _ in range(3):
        assert heard.since(lambda: run_git(repo, "pack-refs", "--all", "--prune")) == {"repo"}
        for number in range(30):
            run_git(repo, "update-ref", f"refs/heads/area{number:02}/other", "HEAD")
        for _ in range(2):
            assert heard.since(lambda: run_git(repo, "commit", "-q", "--allow-empty", "-m", "On")) == {"repo"}


def test_remotes_tags_and_worktrees_come_before_other_nested_branches(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "project")
    run_git(repo, "worktree", "add", "-q", "--detach", "../tree")
    for ref in ("heads/a/b", "heads/c/d", "heads/e/f", "remotes/origin/main", "tags/v1"):
        run_git(repo, "update-ref", f"refs/{ref}", "HEAD")
    top = repo / ".git"
    told = [os.path.relpath(spot.path, top) for spot in plan(find_repository(str(repo)))]
    assert told == [
        ".", "refs", "refs/heads", "..", "worktrees", "refs/remotes", "refs/tags", "refs/remotes/origin",
        "worktrees/tree", "refs/heads/a",
    ]  # fmt: skip


def test_nothing_outside_the_git_directory_is_watched(tmp_path: Path, heard: Heard) -> None:
    repo = make_repo(tmp_path / "project")
    outside = tmp_path / "outside" / "a"
    outside.mkdir(parents=True)
    (repo / ".git/refs/heads/link").symlink_to(outside)
    (repo / ".git/HEAD").write_text("ref: refs/heads/../../../../outside/a/b\n")
    spots = plan(RepoPlace(str(repo), str(repo / ".git"), str(repo / ".git"), is_bare=False))
    told = [os.path.relpath(spot.path, repo / ".git") for spot in spots]
    assert told == [".", "refs", "refs/heads", "..", "refs/tags"]
    shutil.move(repo / ".git/refs", tmp_path / "refs")
    (repo / ".git/refs").symlink_to(tmp_path / "refs")
    assert "no directory of its own: polled" in str(watch(heard, repo))


# --- where events fail ------------------------------------------------------------------------------------------------


def test_lost_events_are_told_once_and_new_directories_are_watched_nevertheless(tmp_path: Path) -> None:
    reading, stopped = threading.Event(), threading.Event()
    keys: list[str] = []
    overflows = threading.Semaphore(0)

    def stop_at_first(key: str) -> None:
        reading.set()
        stopped.wait(PATIENCE_S)
        keys.append(key)

    repo = make_repo(tmp_path / "project")
    watcher = Watcher(stop_at_first, lambda: overflows.release())
    watcher.start()
    assert watcher.watch("repo", find_repository(str(repo))) is None
    assert watcher.watch_directory("other", str(tmp_path)) is None
    heads = repo / ".git/refs/heads"
    (heads / "first").write_text("")
    assert reading.wait(PATIENCE_S)
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(queue):  # two events each; read in batches, and equal ones in a row are made one
        (heads / f"n{number % 100}").write_text("")
    (heads / "unheard").mkdir()
    stopped.set()
    assert overflows.acquire(timeout=PATIENCE_S)
    before = len(keys)
    (heads / "unheard" / "ref").write_text("")
    while len(keys) == before:
        assert watcher.watch("repo", find_repository(str(repo))) is None
    watcher.stop()
    assert not overflows.acquire(blocking=False)


LIMITED = """
import sys
from ail_daemon.indexing.watching.watcher import Watcher
from ail_rpc.discovery import find_repository
watcher = Watcher(print, print)
watcher.start()
for path in sys.argv[1:]:
    print(watcher.count(), watcher.watch(path, find_repository(path)), watcher.count(), flush=True)
"""


def run_limited(limit: str, *repos: Path) -> list[str]:
    """Run a watcher as another namespace's user, whose limits are its own."""
    script = f'echo {limit.split("=")[1]} > /proc/sys/user/{limit.split("=")[0]} && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", sys.executable, "-c", LIMITED]
    path = os.pathsep.join(str(ROOT / room) for room in ("client", "daemon"))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    done = subprocess.run([*command, *map(str, repos)], env=env, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "/proc/sys/user" in done.stderr:
        pytest.skip(f"no user namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_limit_of_watches_is_a_reason_with_the_command_that_raises_it(tmp_path: Path) -> None:
    one, two = make_repo(tmp_path / "one"), make_repo(tmp_path / "two")
    first, second = run_limited("max_inotify_watches=7", one, two)
    assert first == "0 None 5"
    assert second.startswith("5 the limit of file watches is reached: polled; to raise it: sudo sysctl fs.inotify.max_")
    assert second.endswith(" 5"), "what did not suffice is given back"


def test_a_limit_of_instances_is_a_reason_with_the_command_that_raises_it(tmp_path: Path) -> None:
    (told,) = run_limited("max_inotify_instances=0", make_repo(tmp_path / "one"))
    assert "the limit of inotify instances is reached: polled" in told
    assert "sudo sysctl fs.inotify.max_user_instances=" in told


def test_a_process_without_free_descriptors_is_told_from_a_limit_of_instances(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "one")
    imports = "import ail_daemon.indexing.watching.watcher, ail_daemon.indexing.watching.inotify, resource"
    script = f"{imports}\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n{LIMITED}"
    path = os.pathsep.join(str(ROOT / room) for room in ("client", "daemon"))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script, repo], env=env, capture_output=True, text=True, check=False)
    assert "Too many open files" in done.stdout, done.stderr
    assert "sysctl" not in done.stdout


@pytest.mark.parametrize(
    ("path", "deaf"),
    [
        ("/home/ann/project/.git", None),
        ("/home/ann/far/project/.git", "nfs4"),
        ("/home/ann/far", "nfs4"),
        ("/home/ann/farther/.git", None),
        ("/mnt/with blank/x/.git", "fuse.sshfs"),
        ("/mnt/usb/x/.git", None),
        ("/home/ann/far/local/.git", None),
        ("/over/x/.git", "cifs"),
    ],
)
def test_the_file_systems_that_do_not_tell_are_known_by_the_mount_above(
    path: str, deaf: str | None, tmp_path: Path
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "23 22 0:40 / /home/ann/far rw - nfs4 server:/export rw\n"
        "24 22 0:41 / /mnt/with\\040blank rw shared:2 master:1 - fuse.sshfs ann@host: rw\n"
        "25 22 8:1 / /mnt/usb rw - fuseblk /dev/sdb1 rw\n"
        "26 23 0:42 / /home/ann/far/local rw - tmpfs tmpfs rw\n"
        "27 22 0:43 / /over rw - tmpfs tmpfs rw\n"
        "28 27 0:44 / /over rw - cifs //server/share rw\n"
    )
    assert find_deaf_type(path, str(table)) == deaf
    assert find_deaf_type(path, str(tmp_path / "none")) is None
