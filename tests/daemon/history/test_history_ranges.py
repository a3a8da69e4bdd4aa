from __future__ import annotations

from collections.abc import Callable

import pytest

from ail_daemon.history.opening import History
from ail_rpc.errors import NotFoundError

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

PARTED = """
    git init -q r; cd r; echo 1 > f; commit -m root; git checkout -q -b side; echo 2 > g; commit -m side
    git checkout -q main; echo 3 > h; commit -m main; cd ..
"""
SHALLOW = PARTED + 'git clone -q --depth=1 --no-single-branch "file://$PWD/r" shallow\n'


def test_a_range_is_what_one_side_changed_since_both_parted(shell: Shell, open_at: OpenAt) -> None:
    shell(PARTED)
    read = open_at("r").read_range("main..side", 1 << 20)
    assert "+++ b/g" in read.patch
    assert "h" not in read.patch.split()
    assert len(read.shas) == 1


def test_a_shallow_clone_without_the_place_where_they_parted_says_what_to_do(shell: Shell, open_at: OpenAt) -> None:
    shell(SHALLOW)
    with pytest.raises(
        NotFoundError, match=r"shallow: it lacks the commit where origin/main\.\.\.origin/side parted"
    ) as told:
        open_at("shallow").read_range("origin/main...origin/side", 1 << 20)
    assert "fetch-depth: 0" in told.value.hint


def test_a_base_that_is_not_there_is_named(shell: Shell, open_at: OpenAt) -> None:
    shell(SHALLOW)
    with pytest.raises(NotFoundError, match="'nowhere' names no commit of this shallow clone"):
        open_at("shallow").read_range("nowhere..HEAD", 1 << 20)
    with pytest.raises(NotFoundError, match=r"'nowhere' names no commit$") as told:
        open_at("r").read_range("nowhere..HEAD", 1 << 20)
    assert "git fetch" in told.value.hint
