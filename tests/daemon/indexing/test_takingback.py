"""What refs reach no longer leaves the index while a large update runs, and nothing of it stays unknown to the next one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.daemon.history.conftest import ENVIRONMENT
from tests.daemon.index.making import HashEncoder

from ail_daemon.index.repoindex import STAMP, RepoIndex
from ail_daemon.index.words import MESSAGE_FIELDS
from ail_daemon.indexing import skipping, updating
from ail_daemon.indexing.reading import LocalReader
from ail_daemon.indexing.takingback import LargeUpdate
from ail_daemon.indexing.updating import take_back_beside, update_large, update_small
from ail_daemon.model import REF_KINDS, Commit, Embeddings
from ail_daemon.repos.repo import Repo
from ail_rpc.discovery import find_repository
from ail_rpc.errors import RepoUnreadableError


class Project:
    """A repository with its index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()
        self.git("init", "-q", "-b", "main")
        for number in range(6):
            self.commit(f"Step {number}")
        self.repo = Repo(path.with_suffix(".index"), find_repository(str(path)))
        self.index = RepoIndex(self.repo.directory, HashEncoder())

    def git(self, *arguments: str) -> str:
        env = {**ENVIRONMENT, "HOME": str(self.path)}
        done = subprocess.run(["git", *arguments], cwd=self.path, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str, *options: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message, *options)
        return self.git("rev-parse", "HEAD")

    def read(self) -> LocalReader:
        return LocalReader(self.repo.place, REF_KINDS)

    def update(self) -> None:
        assert update_small(self.read(), HashEncoder().encode, self.repo, self.index, lambda: None)

    @property
    def indexed(self) -> set[str]:
        return set(self.index.store.iter_shas())

    @property
    def reachable(self) -> set[str]:
        return set(self.git("rev-list", "--all", "HEAD").split())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project")
    yield made
    made.index.close()


class Interrupted(LocalReader):
    """Calls *act* once, when the first batch of two commits has been added."""

    def __init__(self, project: Project, act: Callable[[], None]) -> None:
        super().__init__(project.repo.place, REF_KINDS)
        self._acts = [act]

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str], most: int | None = None
    ) -> tuple[int, Iterator[list[Commit]]]:
        count, batches = super().read_commits(include, exclude, known, most)
        return count, self._interrupt([commit for batch in batches for commit in batch])

    def _interrupt(self, commits: list[Commit]) -> Iterator[list[Commit]]:
        yield commits[:2]
        while self._acts:
            self._acts.pop()()
        yield commits[2:]


def test_a_killed_update_leaves_nothing_behind_once_its_branch_is_gone(project: Project) -> None:
    project.update()
    project.git("checkout", "-q", "-b", "topic")
    for number in range(4):
        project.commit(f"Topic {number}")

    def die() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        update_large(Interrupted(project, die), HashEncoder().encode, project.repo, project.index, lambda: None, None)
    project.git("checkout", "-q", "main")
    project.git("branch", "-q", "-D", "topic")
    project.update()
    assert project.indexed == project.reachable


@pytest.mark.parametrize("moves", [("amend",), ("reset",), ("reset", "back"), ("branch", "amend"), ("reset", "drop")])
def test_what_is_left_behind_while_a_large_update_reads_is_never_found_after(
    project: Project, moves: tuple[str, ...]
) -> None:
    old = project.git("rev-parse", "HEAD")
    update = LargeUpdate()
    seen: list[set[str]] = []

    def move() -> None:
        for name in moves:
            if name == "amend":
                project.commit("Said better", "--amend")
            elif name == "reset":
                project.git("reset", "-q", "--soft", "HEAD~4")
            elif name == "back":
                project.git("reset", "-q", "--soft", old)
            elif name == "branch":
                project.git("branch", "kept", "HEAD~2")
            else:
                project.git("branch", "side", "HEAD~1")
                project.git("branch", "-q", "-D", "side")
            with update.lock:
                take_back_beside(project.read(), project.index, update)
            seen.append(project.indexed - project.reachable)

    update_large(
        Interrupted(project, move), HashEncoder().encode, project.repo, project.index, lambda: None, None, update
    )
    assert seen == [set()] * len(moves)
    assert project.indexed <= project.reachable
    project.update()
    assert project.indexed == project.reachable
    assert project.index.counts.embedded == len(project.reachable)


def test_what_is_left_behind_after_the_reading_is_taken_out_with_its_embedding(project: Project) -> None:
    update = LargeUpdate()
    update_large(project.read(), HashEncoder().encode, project.repo, project.index, lambda: None, None, update)
    project.git("reset", "-q", "--hard", "HEAD~3")
    with update.lock:
        take_back_beside(project.read(), project.index, update)
    assert project.indexed == project.reachable
    assert project.index.counts.embedded == 3
    assert project.index.tips.shas == {project.git("rev-parse", "HEAD")}
    project.git("reset", "-q", "--hard", "HEAD~1")
    project.update()
    assert project.indexed == project.reachable


class Counting(LocalReader):
    """Notes the subjects that are found by words when the commits are about to be counted."""

    def __init__(self, project: Project) -> None:
        super().__init__(project.repo.place, REF_KINDS)
        self._index = project.index
        self.found: list[str] = []

    def read_commits(
        self, include: list[str], exclude: list[str], known: list[str], most: int | None = None
    ) -> tuple[int, Iterator[list[Commit]]]:
        words = self._index.words
        found = self._index.store.get_commits(list(words.find(words.analyze("step"), MESSAGE_FIELDS, 10)))
        self.found = sorted(commit.subject for commit in found.values())
        return super().read_commits(include, exclude, known, most)


def test_the_newest_commits_of_a_new_history_are_found_before_all_are_counted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "_NEWEST", 2)
    monkeypatch.setattr(updating, "_MANY", 3)  # the others are filled in
    reader = Counting(project)
    trusted: list[bool] = []

    def encode(texts: list[str]) -> Embeddings:
        """Open what a daemon would find that is started again now: is its word index the one that was written?"""
        state = json.loads((project.repo.directory / STAMP).read_text())
        trusted.append(state["documents"] == project.index.store.documents)
        return HashEncoder().encode(texts)

    update_large(reader, encode, project.repo, project.index, lambda: None, None)
    assert trusted
    assert all(trusted)
    assert reader.found == ["Step 4", "Step 5"]
    assert project.indexed == project.reachable
    assert len(project.index.words.find(project.index.words.analyze("step"), MESSAGE_FIELDS, 10)) == 6


def test_a_commit_due_to_be_read_again_in_the_middle_of_an_update_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher's update of a new commit once took out what an `add` asked to be read again meanwhile, and did not read it."""
    project.commit("Step 6")
    lost = project.git("rev-parse", "HEAD~2")
    (project.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    project.update()
    child = project.git("rev-parse", "HEAD~1")
    assert child in project.indexed  # without its paths

    class Slow(LocalReader):
        def iter_shas(self, include: list[str], exclude: list[str]) -> Iterator[str]:
            now = time.time() + 2 * skipping.RETRY_S
            monkeypatch.setattr("ail_daemon.indexing.skipping.time.time", lambda: now)
            yield from super().iter_shas(include, exclude)

    project.commit("Step 6 anew", "--amend")
    assert update_small(Slow(project.repo.place, REF_KINDS), HashEncoder().encode, project.repo, project.index, print)
    assert child in project.indexed


@pytest.mark.parametrize("is_large", [False, True])
def test_a_tip_that_breaks_just_after_the_refs_were_read_is_not_taken_for_indexed(
    project: Project, is_large: bool
) -> None:
    """git lists nothing of such a tip, and ends well: stored as read, nothing was read again once it was whole."""
    project.update()
    tip = project.commit("Step 6")
    file = project.path / ".git" / "objects" / tip[:2] / tip[2:]
    whole = file.read_bytes()
    reader, encode = project.read(), HashEncoder().encode
    file.chmod(0o600)
    file.write_bytes(whole[:8])
    update = update_large if is_large else update_small
    with pytest.raises(RepoUnreadableError, match="changed while it was read"):
        update(reader, encode, project.repo, project.index, lambda: None, *([None] if is_large else []))
    file.write_bytes(whole)
    project.update()
    assert project.indexed == project.reachable
