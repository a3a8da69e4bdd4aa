"""The watcher against real git: it tells of every move, of nothing else, and says so where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.moving import KINDS, MOVES, has_reftable, make_scene, run_git
from tests.tools import one_fast

from ail_daemon.indexing.watching.inotify import InotifyWatches
from ail_daemon.indexing.watching.observer import ObserverWatches
from ail_daemon.indexing.watching.plan import BUDGET, plan
from ail_daemon.indexing.watching.watcher import Watcher
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.mounts import find_deaf_type

PATIENCE_S = 30.0
ROOT = Path(__file__).resolve().parents[4]


class Heard:
    """What a watcher told. A directory beside, watched as well, tells that all earlier events were told."""

    def __init__(self, beside: Path) -> None:
        self.overflows = 0
        self.watcher = Watcher(self.take, self.take_overflow)
        self.watcher.start()
        self._told: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._beside = beside / "signals"
        self._beside.mkdir(parents=True)
        assert self.watcher.watch_directory("signal", str(self._beside)) is None

    def take(self, key: str) -> None:
        with self._changed:
            self._told[key] += 1
            self._changed.notify_all()

    def take_overflow(self) -> None:
        with self._changed:
            self.overflows += 1
            self._changed.notify_all()

    def since(self, work: Callable[[], object]) -> set[str]:
        """The keys that were told of during *work*, and until all that it caused was told."""
        self.drain()
        with self._changed:
            before = Counter(self._told)
        work()
        self.drain()
        with self._changed:
            return {key for key in self._told if self._told[key] > before[key]} - {"signal"}

    def drain(self) -> None:
        """Wait until everything that happened so far was told: events come in order."""
        before = self._told["signal"]
        (self._beside / "now").write_text("")
        self.until(lambda: self._told["signal"] > before)

    def until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE_S)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path / "beside")
    yield made
    made.watcher.stop()


def make_repo(path: Path, *init: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    run_git(path.parent, "init", "-q", "-b", "main", *init, str(path))
    if "--bare" not in init:
        run_git(path, "commit", "-q", "--allow-empty", "-m", "Begin")
    return path


@pytest.fixture
def repo(tmp_path: Path, heard: Heard) -> Path:
    made = make_repo(tmp_path / "project")
    assert watch(heard, made) is None
    return made


def watch(heard: Heard, repo: Path) -> str | None:
    return heard.watcher.watch("repo", find_repository(str(repo)))


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
