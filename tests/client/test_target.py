from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ail_client.target import find_place, parse_target, resolve_file
from ail_rpc.errors import NotARepositoryError, UsageError

if TYPE_CHECKING:
    from tests.client.conftest import Runner


@pytest.mark.parametrize(
    ("text", "file", "lines"),
    [
        ("src/a.py", "src/a.py", None),
        ("src/a.py:7", "src/a.py", [7, 7]),
        ("src/a.py:7-9", "src/a.py", [7, 9]),
        ("C:file:x.py", "C:file:x.py", None),
        ("C:file:x.py:3", "C:file:x.py", [3, 3]),
        ("a:7:9", "a:7", [9, 9]),
        ("a:7-", "a:7-", None),
        ("a:-7", "a:-7", None),
        ("a:", "a:", None),
        ("a:\u0667", "a:\u0667", None),
    ],
)
def test_only_a_trailing_number_or_range_is_a_line(text: str, file: str, lines: list[int] | None) -> None:
    assert parse_target(text) == (file, lines)


@pytest.mark.parametrize("text", ["", ":7", "a:0", "a:9-7", "a:0-3", "a:99999999999999999999"])
def test_lines_that_cannot_be_are_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize(
    ("cwd", "name", "resolved"),
    [
        (".", "src/http.py", "src/http.py"),
        ("src", "http.py", "src/http.py"),
        ("src", "../top.py", "top.py"),
        ("src", "src/http.py", "src/http.py"),  # not there from here, there from the root
        ("src", "sub/http.py", "sub/http.py"),
        ("src", "gone.py", "src/gone.py"),  # deleted: taken to have been here
        (".", "old/gone.py", "old/gone.py"),
        ("..", "src/http.py", "src/http.py"),  # from outside: the root of --repo
        ("..", "gone.py", "gone.py"),
        ("..", "project/src/http.py", "src/http.py"),
        (".", "./src//http.py", "src/http.py"),
        (".", "src/", "src"),
        (".", "link.py", "link.py"),  # git knows the link, not what it points at
        (".", "linked/http.py", "src/http.py"),  # and no path through one
    ],
)
def test_a_file_counts_from_here_if_it_is_here_else_from_the_root(
    repo: Path, monkeypatch: pytest.MonkeyPatch, cwd: str, name: str, resolved: str
) -> None:
    (repo / "link.py").symlink_to("/etc/passwd")
    (repo / "linked").symlink_to("src")
    monkeypatch.chdir(repo / cwd)
    assert resolve_file(name, find_place(str(repo))) == resolved
    assert resolve_file(str(repo / "src/http.py"), find_place(str(repo))) == "src/http.py"


@pytest.mark.parametrize("name", ["../elsewhere.py", "/etc/passwd", ".", ""])
def test_a_file_outside_the_repository_is_a_usage_error(repo: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(repo)
    with pytest.raises(UsageError):
        resolve_file(name, find_place(None))


def test_in_a_bare_repository_a_file_counts_from_the_top_of_the_tree(client: Runner, repo: Path) -> None:
    client.git("clone", "-q", "--bare", ".", "../bare.git", cwd=repo)
    place = find_place(str(repo.parent / "bare.git"))
    assert place.is_bare
    assert resolve_file("src/./http.py", place) == "src/http.py"
    for name in ("../x", "/abs", "."):
        with pytest.raises(UsageError):
            resolve_file(name, place)


def test_a_current_directory_that_was_removed_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(NotARepositoryError, match="removed"):
        find_place(None)
