"""Addresses of commits: made from what is known to be safe, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ail_client.remotes import find_commit_url, make_commit_url


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/commit/"),
        ("https://github.com/o/r/", "https://github.com/o/r/commit/"),
        ("git@github.com:o/r.git", "https://github.com/o/r/commit/"),
        ("ssh://git@github.com:22/o/r.git", "https://github.com/o/r/commit/"),
        ("git://github.com/o/r", "https://github.com/o/r/commit/"),
        ("https://ann:t0ken@github.com/o/r.git", "https://github.com/o/r/commit/"),
        ("https://ann:p@ss@github.com/o/r.git", "https://github.com/o/r/commit/"),
        ("https://t0ken@gitlab.com/group/sub/r.git", "https://gitlab.com/group/sub/r/-/commit/"),
        ("git@gitlab.example.org:g/r.git", "https://gitlab.example.org/g/r/-/commit/"),
        ("https://gitlab.example.org:8443/g/r.git", "https://gitlab.example.org:8443/g/r/-/commit/"),
        ("http://gitea.example.org:3000/o/r", "http://gitea.example.org:3000/o/r/commit/"),
        ("https://codeberg.org/o/r", "https://codeberg.org/o/r/commit/"),
        ("git@bitbucket.org:o/r.git", "https://bitbucket.org/o/r/commits/"),
        ("https://git.sr.ht/~o/r", "https://git.sr.ht/~o/r/commit/"),
    ],
)
def test_a_commit_is_found_where_its_host_has_it(remote: str, expected: str) -> None:
    assert make_commit_url(remote) == expected


@pytest.mark.parametrize(
    "remote",
    [
        "", "/srv/git/r.git", "../r", "file:///srv/r.git", "https://example.org/o/r", "https://notgithub.com/o/r",
        "https://github.com", "https://github.com/o", "C:\\repos\\r",
        "https://github.com/o/r\x1b]8;;evil", "https://github.com/o/../../evil", "https://github.com/o/r;x", "ext::sh -c id",
        "https://github.com/o/r\u202e", "javascript://github.com/o/r", "https://github.com/o r/x", "git@github.com:/o/r",
        "https://gïthub.com/o/r", "https://github.com\\@evil.example/o/r", "https://" + "a@" * 5000 + "github.com/o/r",
    ],
)  # fmt: skip
def test_what_is_unknown_or_unusual_has_no_address(remote: str) -> None:
    assert make_commit_url(remote) == ""


def write(directory: Path, text: str) -> str:
    (directory / "config").write_text(text)
    return find_commit_url(str(directory))


def test_origin_comes_before_other_remotes_and_sections_are_kept_apart(tmp_path: Path) -> None:
    two = '[remote "fork"]\nurl = git@github.com:f/r\n[remote "origin"]\n\tURL=git@github.com:o/r\n'
    assert write(tmp_path, f'{two}[url "git@gitlab.com:x/y"]\nurl = x\n') == "https://github.com/o/r/commit/"
    other = '[remote "fork"] ; mine\n[remote "b"]\npushurl = git@github.com:p/r\nurl = "git@github.com:f/r"\n'
    assert write(tmp_path, other) == "https://github.com/f/r/commit/"


def test_a_repository_without_a_remote_or_a_readable_configuration_has_no_addresses(tmp_path: Path) -> None:
    assert find_commit_url(str(tmp_path)) == ""
    assert write(tmp_path, "[core]\n\tbare = false\n") == ""
    (tmp_path / "config").write_bytes(b'[remote "origin"]\n\turl = \xff\xfe\n' + b"[" * 100_000)
    assert find_commit_url(str(tmp_path)) == ""
