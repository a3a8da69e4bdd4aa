from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ail_client.spelling import looks_like_place, parse_lines, parse_place, parse_range
from ail_client.target import find_place, resolve_file
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
        ("a:7:9", "a", [7, 7]),  # a compiler's column
        ("a:7-9:2", "a", [7, 9]),
        ("a:7:", "a", [7, 7]),  # grep -n
        ("a#L7", "a", [7, 7]),
        ("a#L7-L9", "a", [7, 9]),
        ("a#L7-9", "a", [7, 9]),
        ("a#L7C3-L9C1", "a", [7, 9]),
        ("a#7", "a#7", None),
        ("a:7-", "a:7-", None),
        ("a:-7", "a:-7", None),
        ("a:", "a:", None),
        ("a:\u0667", "a:\u0667", None),
    ],
)
def test_only_trailing_lines_are_lines_however_they_are_spelled(text: str, file: str, lines: list[int] | None) -> None:
    assert parse_lines(text) == (file, lines)


@pytest.mark.parametrize("text", ["", ":7", "a:0", "a:9-7", "a:0-3", "a:99999999999999999999"])
def test_lines_that_cannot_be_are_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_lines(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4f1c2d9", (None, None, "4f1c2d9")),
        ("HEAD~3", (None, None, "HEAD~3")),
        ("4f1c2d9:src/a.py:30", ("src/a.py", [30, 30], "4f1c2d9")),
        ("HEAD^:src/a.py", ("src/a.py", None, "HEAD^")),
        ("4f1c2d9:30", ("4f1c2d9", [30, 30], None)),
        ("defaced:a.py", ("defaced:a.py", None, None)),  # a word
        ("4f1c2d9:", ("4f1c2d9:", None, None)),
    ],
)
def test_a_commit_may_stand_before_a_file_or_alone(
    text: str, said: tuple[str | None, list[int] | None, str | None]
) -> None:
    spelled = parse_place(text)
    assert (spelled.file, spelled.lines, spelled.at) == said


def test_places_are_told_from_questions() -> None:
    assert all(map(looks_like_place, ("src/x.py", "x.py:3", "x.py", "Makefile:7", "a#L3")))
    assert not any(
        map(looks_like_place, ("retry", "why?", "why src/x.py", "why the retry in x.py:3", "4f1c2d9", "e.", "/"))
    )


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("src/http.py:send", ("src/http.py", "send", None)),
        ("http.py:Adapter.send", ("http.py", "Adapter.send", None)),
        ("HEAD~3:src/http.py:send", ("src/http.py", "send", "HEAD~3")),
        ("src/a.py:_x", ("src/a.py", "_x", None)),
        ("src/a.py:a-b", ("src/a.py:a-b", None, None)),
        ("TypeError:why", ("TypeError:why", None, None)),
        ("C:file:x", ("C:file:x", None, None)),
    ],
)
def test_a_function_may_stand_behind_a_file(text: str, said: tuple[str, str | None, str | None]) -> None:
    spelled = parse_place(text)
    assert (spelled.file, spelled.function, spelled.at) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10,20:src/a.py", ("src/a.py", [10, 20], None)),
        ("10,+5:src/a.py", ("src/a.py", [10, 14], None)),
        ("10:a:b", ("a:b", [10, 10], None)),
        (":send:src/a.py", ("src/a.py", None, "send")),
        (r":std\:\:move:a.cc", ("a.cc", None, r"std\:\:move")),
    ],
)
def test_lines_and_functions_are_spelt_as_git_has_them_too(
    text: str, said: tuple[str, list[int] | None, str | None]
) -> None:
    spelled = parse_range(text)
    assert (spelled.file, spelled.lines, spelled.function) == said


@pytest.mark.parametrize(
    "text", ["", "a.py", ":a.py", "::a.py", "0,3:a", "5,2:a", "3,+0:a", "3,:a", "/re/,5:a", "9" * 40 + ":a"]
)
def test_what_is_no_range_of_git_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_range(text)
