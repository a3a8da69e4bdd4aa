from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ail_daemon.history.opening import History

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]


def test_a_repository_without_commits_has_no_head_and_no_refs(shell: Shell, open_at: OpenAt) -> None:
    shell("git init -q r")
    tips = open_at("r").read_tips()
    assert tips.head is None
    assert tips.refs == {}


def test_branches_remote_branches_and_tags_are_read_peeled_and_packed_or_not(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q origin; cd origin; commit -m one; git tag light; git tag -m note heavy
        git tag -m again nested heavy
        git branch topic; cd ..; git clone -q origin r; cd r; git pack-refs --all; commit -m two; git branch late
    """)
    one, two = shell("git -C origin rev-parse main; git -C r rev-parse main").split()
    tips = open_at("r").read_tips()
    assert tips.head == two
    assert tips.refs == {
        "refs/heads/main": two, "refs/heads/late": two, "refs/remotes/origin/main": one,
        "refs/remotes/origin/HEAD": one,
        "refs/remotes/origin/topic": one, "refs/tags/light": one, "refs/tags/heavy": one, "refs/tags/nested": one,
    }  # fmt: skip
    assert tips.shas == {one, two}


def test_tags_of_trees_and_blobs_the_stash_and_notes_are_no_tips(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; echo a > f; commit -m one; git tag tree HEAD^{tree}; git tag -m t blob HEAD:f
        git notes add -m n; echo b > f; git stash -q
    """)
    assert set(open_at("r").read_tips().refs) == {"refs/heads/main"}


def test_a_detached_head_is_read(shell: Shell, open_at: OpenAt) -> None:
    one = shell("git init -q r; cd r; commit -m one; commit -m two; git checkout -q HEAD~1; git rev-parse HEAD")
    tips = open_at("r").read_tips()
    assert tips.head == one
    assert tips.refs["refs/heads/main"] != one


def test_every_worktrees_head_counts_wherever_one_asks_from(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; commit -m one; git worktree add -q --detach ../a; git worktree add -q --detach ../b
        (cd ../a; commit -m in-a); (cd ../b; T=1700001000; commit -m in-b)
    """)
    main, a, b = shell("for d in r a b; do git -C $d rev-parse HEAD; done").split()
    in_main, in_a = open_at("r").read_tips(), open_at("a").read_tips()
    assert (in_main.head, in_a.head) == (main, a)
    assert in_main.shas == in_a.shas == {main, a, b}
    assert in_main.refs["worktrees/a/HEAD"] == a
    assert in_a.refs["main-worktree/HEAD"] == main


def test_odd_ref_names_survive(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; commit -m one; git branch 'ümläut/x'; git branch $'latin-\\xe9'
        git update-ref 'refs/heads/-dash' HEAD; git update-ref refs/heads/0123456789012345678901234567890123456789 HEAD
    """)
    names = set(open_at("r").read_tips().refs)
    assert {"refs/heads/ümläut/x", "refs/heads/latin-\udce9", "refs/heads/-dash"} <= names
    assert "refs/heads/" + "0123456789" * 4 in names


def test_a_ref_to_a_missing_or_damaged_commit_does_not_hide_the_others(shell: Shell, open_at: OpenAt) -> None:
    bad = shell("""
        git init -q r; cd r; commit -m one; git branch good; commit -m two; git branch a-bad; git checkout -q good
        printf '%040d\\n' 7 > .git/refs/heads/missing; git rev-parse a-bad
    """)
    shell(f"cd r/.git/objects/{bad[:2]}; chmod u+w {bad[2:]}; : > {bad[2:]}")
    assert set(open_at("r").read_tips().refs) == {"refs/heads/good"}


def test_two_thousand_packed_refs_are_read_within_a_second(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; commit -m one; H=$(git rev-parse HEAD)
        seq -f "$H refs/heads/b%g" 2000 > .git/packed-refs
    """)
    history = open_at("r")
    start = time.monotonic()
    assert len(history.read_tips().refs) == 2001
    assert time.monotonic() - start < 1  # 0.01 s measured


@pytest.mark.parametrize("how", ["--bare", "--mirror"])
def test_a_bare_repository_is_read(shell: Shell, open_at: OpenAt, how: str) -> None:
    one = shell(f"git init -q o; cd o; commit -m one; cd ..; git clone -q {how} o r; git -C r rev-parse HEAD")
    assert open_at("r").read_tips().refs == {"refs/heads/main": one}
