"""One call of each git fails, of the disk or for want of descriptors: told, or seen through, but never a smaller history."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools import one_fast, require

from ail_daemon.history.opening import History
from ail_rpc.errors import RepoUnreadableError

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]
FailAt = Callable[[str, str, int], None]


@pytest.fixture
def fail_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailAt:
    """Has the K-th call of a name fail in every git that is started from then on."""
    require("strace")
    programs, git = tmp_path / "bin", shutil.which("git")
    programs.mkdir()

    def fail(call: str, error: str, at: int) -> None:
        inject = f"-e trace={call} -e inject={call}:error={error}:when={at}"
        (programs / "git").write_text(f'#!/bin/sh\nexec strace -f -o /dev/null {inject} {git} "$@"\n')
        (programs / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=":")

    return fail


@pytest.mark.parametrize("error", one_fast(["ENOSPC", "EIO", "EMFILE"], "EIO"))
def test_no_ref_is_lost_where_a_file_cannot_be_opened(
    shell: Shell, open_at: OpenAt, fail_at: FailAt, error: str
) -> None:
    shell("git init -q r; cd r; commit -m one; git branch a/b; commit -m two; git tag -m note v1")
    whole = open_at("r").read_tips()
    told = 0
    for at in range(1, 30):
        fail_at("openat", error, at)
        try:
            tips = open_at("r").read_tips()
        except RepoUnreadableError:
            told += 1
        else:
            assert tips == whole, f"the open {at} failed"
    assert told, "no open that mattered failed"


def test_no_commit_is_lost_where_git_dies_in_the_midst_of_a_walk(
    shell: Shell, open_at: OpenAt, fail_at: FailAt
) -> None:
    shell("git init -q r; cd r; for i in 1 2 3 4 5 6 7 8 9; do commit -m $i; done")
    tip = open_at("r").read_tips().head
    whole = list(open_at("r").iter_shas([str(tip)]))
    for at in range(1, 12):
        fail_at("write", "EIO", at)
        history = open_at("r")
        assert sorted(history.iter_shas([str(tip)])) == sorted(whole), f"the write {at} failed"
        assert history.skipped == []


def test_a_ref_that_git_refuses_by_its_name_or_content_is_no_overlooked_one(shell: Shell, open_at: OpenAt) -> None:
    one = shell("""
        git init -q r; cd r; commit -m one; H=$(git rev-parse HEAD); cd .git/refs/heads
        for name in 'a..b' 'a b' .hidden x.lock 'q?' 'w@{1}' dot. '^'; do echo $H > "$name"; done
        : > empty; echo nonsense > words; echo 'ref: refs/heads/none' > dangling; printf '%040d\\n' 0 > zero; echo $H
    """)
    assert open_at("r").read_tips().refs == {"refs/heads/main": one}
