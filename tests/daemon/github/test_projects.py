"""Which project a remote's URL names."""

from __future__ import annotations

import pytest

from ail_daemon.github.projects import get_hosts, parse_url

PUBLIC = get_hosts("https://api.github.com")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r", "https://github.com/o/r.git", "https://github.com/o/r/", "git@github.com:o/r.git",
        "ssh://git@github.com:22/o/r.git", "ssh://git@ssh.github.com:443/o/r", "git://github.com/o/r",
        "https://ann:t0ken@GitHub.com/o/r.git", "https://www.github.com/o/r",
    ],
)  # fmt: skip
def test_every_spelling_of_a_project_on_github_is_known(url: str) -> None:
    assert parse_url(url, PUBLIC) == ("o", "r")


@pytest.mark.parametrize(
    "url",
    [
        "", "/srv/r.git", "../r", "file:///srv/r.git", "https://gitlab.com/o/r", "https://github.com", "https://github.com/o",
        "https://github.com/o/r/x", "https://github.com/o/..", "https://github.com/./r", "https://github.com.evil.example/o/r",
        "https://evil.example/github.com/o/r", "https://github.com/o/r?x=1", "https://github.com/o/r%2f..", "ext::sh -c id",
        "https://github.com@evil.example/o/r", "https://github.com/o/r\nx", "https://" + "a@" * 5000 + "github.com/o/r",
        "git@notgithub.com:o/r", "https://api.github.com/o/r",
    ],
)  # fmt: skip
def test_anything_else_is_no_project(url: str) -> None:
    assert parse_url(url, PUBLIC) is None


def test_an_api_knows_its_own_host_s_repositories_alone() -> None:
    enterprise = get_hosts("https://github.example.org/api/v3")
    assert parse_url("git@github.example.org:o/r", enterprise) == ("o", "r")
    assert parse_url("git@github.com:o/r", enterprise) is None
    assert parse_url("https://octo.ghe.com/o/r", get_hosts("https://api.octo.ghe.com")) == ("o", "r")
    assert parse_url("https://github.com/o/r", get_hosts("http://127.0.0.1:8080")) == ("o", "r")
