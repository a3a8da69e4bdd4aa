from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools import make_slow_git

from ail_daemon.history.opening import History
from ail_rpc.errors import NotFoundError, OutOfTimeError, UsageError

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

THREE = """
    git init -q r; cd r; printf 'one\\ntwo\\nthree\\n' > f; commit -m root; printf 'one\\n2\\nthree\\n' > f
    commit -m second
    printf 'one\\n2\\n      three\\n' > f; commit -m indented; git log --reverse --format=%H
"""


def test_each_line_names_the_commit_that_gave_it_its_words(shell: Shell, open_at: OpenAt) -> None:
    root, second, _ = shell(THREE).split()
    assert open_at("r").blame("f", 1, 3) == [(1, root), (2, second), (3, root)]
    assert open_at("r").blame("f", 2, 2) == [(2, second)]


def test_head_counts_not_the_work_tree(shell: Shell, open_at: OpenAt) -> None:
    root = shell(THREE + "rm f").split()[0]
    assert open_at("r").blame("f", 1, 1) == [(1, root)]


def test_a_moved_block_keeps_its_origin(shell: Shell, open_at: OpenAt) -> None:
    root = shell("""
        git init -q r; cd r; { echo 'def a_function_with_a_long_name(argument):'; seq -f 'statement number %g' 9; } > f
        seq 900 920 >> f; commit -m root; { tail -n +11 f; head -10 f; } > g; mv g f; commit -m moved
        git rev-parse HEAD~1
    """)
    assert {sha for _, sha in open_at("r").blame("f", 1, 31)} == {root}


def test_a_range_may_end_behind_the_file_but_not_begin_there(shell: Shell, open_at: OpenAt) -> None:
    shell(THREE)
    history = open_at("r")
    assert [line for line, _ in history.blame("f", 3, 99)] == [3]
    with pytest.raises(UsageError, match="f has 3 lines"):
        history.blame("f", 4, 9)


@pytest.mark.parametrize("lines", [(0, 1), (3, 2), (-1, 5)])
def test_a_range_that_is_none_is_refused(shell: Shell, open_at: OpenAt, lines: tuple[int, int]) -> None:
    shell(THREE)
    with pytest.raises(UsageError):
        open_at("r").blame("f", *lines)


@pytest.mark.parametrize("name", ["absent", "", "-L1", "d", "sub", "a\0b", "\udce9", "../f", ":(glob)*"])
def test_what_is_no_file_at_head_is_not_found(shell: Shell, open_at: OpenAt, name: str) -> None:
    shell("""
        git init -q s; (cd s; commit -m s); git init -q r; cd r; mkdir d; touch d/f; git submodule -q add ../s sub
        commit -m one
    """)
    with pytest.raises(NotFoundError):
        open_at("r").blame(name, 1, 1)


def test_nothing_is_found_before_the_first_commit(shell: Shell, open_at: OpenAt) -> None:
    shell("git init -q r; touch r/f")
    with pytest.raises(NotFoundError):
        open_at("r").blame("f", 1, 1)


def test_names_that_look_like_options_or_are_not_utf_8_are_blamed(shell: Shell, open_at: OpenAt) -> None:
    one = shell(r"git init -q r; cd r; echo x | tee -- ./-w > $'caf\xe9'; commit -m one; git rev-parse HEAD")
    history = open_at("r")
    assert history.blame("-w", 1, 1) == history.blame("caf\udce9", 1, 1) == [(1, one)]


def test_listed_reformattings_are_looked_through_and_nonsense_in_the_list_is_ignored(
    shell: Shell, open_at: OpenAt
) -> None:
    root = shell("""
        git init -q r; cd r; echo "call(a, b, 'c')" > f; commit -m root; echo 'call(a, b, "c")' > f; commit -m reformat
        { echo '# black'; git rev-parse HEAD; echo nonsense; printf '%040d\\n' 5; } > .git-blame-ignore-revs
        commit -m list
        git rev-parse HEAD~2
    """)
    assert open_at("r").blame("f", 1, 1) == [(1, root)]


def test_lines_older_than_a_shallow_boundary_have_no_origin(shell: Shell, open_at: OpenAt) -> None:
    shell(THREE)
    shell("git clone -q --depth 2 file://$PWD/r s; cd s; echo four >> f; commit -m four")
    assert [line for line, _ in open_at("s").blame("f", 1, 4)] == [4]


def test_time_is_limited(shell: Shell, open_at: OpenAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell(THREE)
    monkeypatch.setenv("PATH", make_slow_git(tmp_path / "programs", "blame", 5))
    with pytest.raises(OutOfTimeError):
        open_at("r").blame("f", 1, 3, timeout_s=0.1)


def test_reading_history_imports_no_heavy_library() -> None:
    program = (
        "import sys, ail_daemon.history.opening; print([m for m in ('pygit2', 'faiss', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
