from __future__ import annotations

from collections.abc import Callable

import pytest

from ail_daemon.history.opening import History

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]


def test_a_commit_is_there_or_not(shell: Shell, open_at: OpenAt) -> None:
    one, tree = shell("git init -q r; cd r; touch f; commit -m one; git rev-parse HEAD HEAD^{tree}").split()
    history = open_at("r")
    assert history.has(one)
    assert not history.has(tree)
    assert not history.has("7" * 40)
    assert not history.has("HEAD")
    assert not history.has(f"{one}\n")
    assert not history.has("\udce9")


def test_an_abbreviation_finds_the_only_commit_it_fits(shell: Shell, open_at: OpenAt) -> None:
    one, tree = shell("git init -q r; cd r; touch f; commit -m one; git rev-parse HEAD HEAD^{tree}").split()
    shell(f"cd r; commit -m two; git branch {one[:7]}")  # a branch of that name does not win
    history = open_at("r")
    assert history.find_sha(one[:7]) == history.find_sha(one) == history.find_sha(one[:9].upper()) == one
    assert history.find_sha(tree[:10]) is None


@pytest.mark.parametrize("prefix", ["", "abc", "main", "HEAD", "xyzw", "--all", "0" * 65])
def test_what_is_no_abbreviation_finds_nothing(shell: Shell, open_at: OpenAt, prefix: str) -> None:
    shell("git init -q r; cd r; commit -m one")
    assert open_at("r").find_sha(prefix) is None


def test_an_ambiguous_abbreviation_finds_nothing(shell: Shell, open_at: OpenAt) -> None:
    shas = shell("""
        git init -q r; cd r; t=$(git mktree < /dev/null); for i in $(seq 700); do echo "commit refs/heads/b$i"
        echo "committer c <c> $i +0000"; echo "data 0"; done | git fast-import --quiet; git log --all --format=%H
    """).split()
    prefixes = [sha[:4] for sha in shas]
    twice = next(prefix for prefix in prefixes if prefixes.count(prefix) > 1)
    assert open_at("r").find_sha(twice) is None
