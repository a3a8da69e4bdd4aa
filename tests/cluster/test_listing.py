"""Which repositories are built: a list with repetitions, missing and private ones, and addresses; a directory of mirrors."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ail_cluster.listing import Repository, list_repositories
from ail_cluster.output import check_address
from ail_rpc.errors import NotARepositoryError, NotFoundError, UsageError


def make(path: Path, *options: str) -> Path:
    subprocess.run(["git", "init", "-q", *options, str(path)], check=True)
    return path


def test_each_repository_of_a_list_is_built_once_whatever_it_is_called(tmp_path: Path) -> None:
    bare, tree = make(tmp_path / "bare.git", "--bare"), make(tmp_path / "tree")
    (tree / "src").mkdir()
    (tmp_path / "link").symlink_to(bare)
    listed = tmp_path / "repos.txt"
    listed.write_text(f"# ours\n{bare}\n\n  tree/src  \n{bare}/\nlink\n{tree}\n")
    found = list_repositories(listed, "/srv/ail/{name}")
    assert found.repositories == [Repository(str(bare), "/srv/ail/bare"), Repository(str(tree), "/srv/ail/tree")]
    assert found.notes == ["3 of the names are of repositories that were named before: each is read once"]
    assert not found.problems


def test_what_cannot_be_built_is_said_and_does_not_stop_the_others(tmp_path: Path) -> None:
    make(tmp_path)  # a repository around them all is none of them
    bare = make(tmp_path / "bare.git", "--bare")
    listed = tmp_path / "repos.txt"
    listed.write_text(f"gone.git\nhttps://example.org/x.git\ngit@example.org:x.git\n{bare}\n")
    found = list_repositories(listed, "/srv/ail")
    assert [one.root for one in found.repositories] == [str(bare)]
    said = [problem.message for _, problem in found.problems]
    assert [str(tmp_path / "gone.git") in said[0], "is an address" in said[1], "is an address" in said[2]] == [True] * 3
    assert all(isinstance(problem, NotARepositoryError) and problem.hint for _, problem in found.problems)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_private_repository_is_said_to_be_unreadable(tmp_path: Path) -> None:
    private = make(tmp_path / "private.git", "--bare")
    private.chmod(0)
    listed = tmp_path / "repos.txt"
    listed.write_text(str(private))
    try:
        ((path, problem),) = list_repositories(listed, "/srv/ail").problems
    finally:
        private.chmod(0o700)
    assert path == str(private)
    assert "Permission denied" in problem.message


def test_a_directory_is_searched_for_repositories_and_they_are_not_searched(tmp_path: Path) -> None:
    for name in ("group/one.git", "group/sub/two.git", ".trash/old.git"):
        make(tmp_path / name, "--bare")
    make(make(tmp_path / "three") / "nested")
    (tmp_path / "again").symlink_to(tmp_path / "group")
    found = list_repositories(tmp_path, "/o/{name}")
    assert [Path(one.root).name for one in found.repositories] == ["one.git", "two.git", "three"]
    assert list_repositories(tmp_path / "three", "/o").repositories == [Repository(str(tmp_path / "three"), "/o")]


def test_repositories_of_one_name_share_a_bundle_and_that_is_said(tmp_path: Path) -> None:
    for name in ("a/lib.git", "b/lib"):
        make(tmp_path / name, "--bare")
    assert list_repositories(tmp_path, "/o/{name}").notes == [
        "2 repositories have the same name, and so one bundle: /o/lib"
    ]


@pytest.mark.parametrize("content", [None, "", "# nothing\n"])
def test_a_list_that_names_nothing_is_an_error(tmp_path: Path, content: str | None) -> None:
    listed = tmp_path / "repos.txt"
    if content is not None:
        listed.write_text(content)
    with pytest.raises(NotFoundError):
        list_repositories(listed, "/srv/ail")


def test_an_output_that_cannot_be_written_to_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for out in ("https://example.org/ail", "ref:", "ssh://x/y"):
        with pytest.raises(UsageError, match="cannot be written to"):
            check_address(out)
    monkeypatch.setenv("HOME", "/home/ann")
    assert check_address("~/ail/{name}") == "/home/ann/ail/{name}"
    assert check_address("file:///srv/ail/") == "/srv/ail"
    assert check_address("s3://bucket/ail/") == "s3://bucket/ail"
