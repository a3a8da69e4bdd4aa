from __future__ import annotations

from collections.abc import Callable

import pytest

from ail_daemon.history.command import Stop
from ail_daemon.history.opening import History

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

RENAMED = """
    git init -q r; cd r; seq 1 30 > f; commit -m root
    sed -i 's/^15$/fifteen/' f; commit -m words; sed -i 's/^2$/two/' f; commit -m elsewhere
    git mv f g; commit -m renamed; sed -i 's/^fifteen$/FIFTEEN/' g; commit -m capitals
"""


def test_every_commit_that_changed_the_lines_is_named_newest_first_also_under_an_older_name(
    shell: Shell, open_at: OpenAt
) -> None:
    root, words, _, _, capitals = shell(RENAMED + "git log --reverse --format=%H").split()
    assert open_at("r").log_lines("g", 15, 15, Stop()) == [capitals, words, root]


def test_what_the_project_lists_as_reformatting_is_left_out(shell: Shell, open_at: OpenAt) -> None:
    shas = shell(
        RENAMED + "git rev-parse HEAD > .git-blame-ignore-revs; commit -m list; git log --reverse --format=%H"
    ).split()
    assert open_at("r").log_lines("g", 15, 15, Stop()) == [shas[1], shas[0]]


def test_where_a_shallow_clone_is_cut_off_no_line_began(shell: Shell, open_at: OpenAt) -> None:
    *_, boundary, capitals = shell(
        RENAMED + "git clone -q --depth 2 file://$PWD ../s; git log --reverse --format=%H"
    ).split()
    history = open_at("s")
    log = history.read_file_log("g", "HEAD", Stop())
    assert log
    for line, expected in ((15, [capitals]), (2, [])):
        traced, is_whole = history.trace_lines("g", line, line, Stop())
        assert history.log_lines("g", line, line, Stop()) == log.find(line, line) == expected
        assert ([one.sha for one in traced], is_whole) == (expected, True)
    assert boundary in shell("cat s/.git/shallow")


@pytest.mark.parametrize("file", ["absent", "a\0b", "-s", ":(glob)*", "\udce9", ""])
def test_what_is_no_file_at_head_has_no_history(shell: Shell, open_at: OpenAt, file: str) -> None:
    shell(RENAMED)
    assert open_at("r").log_lines(file, 1, 2, Stop()) == []


def test_it_ends_when_it_is_told_to(shell: Shell, open_at: OpenAt) -> None:
    shell(RENAMED)
    stop = Stop()
    stop.set()
    assert len(open_at("r").log_lines("g", 15, 15, stop)) <= 3


def test_no_configured_program_runs(shell: Shell, open_at: OpenAt) -> None:
    shell(
        RENAMED
        + """
        git config diff.t.textconv 'touch ../ran; cat'; git config diff.external 'touch ../ran'
        printf '* diff=t\\n' > .git/info/attributes; git config log.showSignature true; git config gpg.program 'touch ../ran'
    """
    )
    assert open_at("r").log_lines("g", 15, 15, Stop())
    assert shell("test ! -e ran && echo none") == "none"
