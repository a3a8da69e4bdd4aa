"""A repository that was found before is found again only while everything that decided it is as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.moving import run_git

from ail_daemon.repos.finding import Finder
from ail_rpc.errors import NotARepositoryError


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    run_git(tmp_path, "init", "-q", "-b", "main", "repo")
    run_git(tmp_path / "repo", "commit", "-q", "--allow-empty", "-m", "Begin")
    (tmp_path / "repo" / "deep" / "er").mkdir(parents=True)
    return tmp_path / "repo"


def test_the_same_place_is_found_again(repo: Path) -> None:
    finder = Finder()
    assert finder.find(str(repo / "deep")) is finder.find(str(repo / "deep"))
    assert finder.find(str(repo / "deep")).root == str(repo)


def test_a_repository_made_in_between_is_found(repo: Path) -> None:
    finder = Finder()
    finder.find(str(repo / "deep" / "er"))
    run_git(repo, "init", "-q", "deep")
    assert finder.find(str(repo / "deep" / "er")).root == str(repo / "deep")


def test_one_that_is_gone_is_not(repo: Path) -> None:
    finder = Finder()
    finder.find(str(repo))
    shutil.rmtree(repo / ".git")
    with pytest.raises(NotARepositoryError):
        finder.find(str(repo))


def test_a_worktree_whose_pointer_was_written_anew_is_looked_at_again(repo: Path) -> None:
    finder, tree = Finder(), repo.parent / "tree"
    run_git(repo, "worktree", "add", "-q", "--detach", str(tree))
    before = finder.find(str(tree)).git_dir
    (repo / ".git" / "worktrees" / "tree").rename(repo / ".git" / "worktrees" / "moved")
    (tree / ".git").write_text(f"gitdir: {repo}/.git/worktrees/moved\n")
    assert finder.find(str(tree)).git_dir != before


def test_a_link_that_leads_elsewhere_now_is_followed(repo: Path) -> None:
    finder, link = Finder(), repo.parent / "link"
    link.symlink_to(repo)
    finder.find(str(link))
    run_git(repo.parent, "init", "-q", "other")
    link.unlink()
    link.symlink_to(repo.parent / "other")
    assert finder.find(str(link)).root == str(repo.parent / "other")
