from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools import make_slow_git

from ail_daemon.history.command import Stop
from ail_daemon.history.filelog import Hunk, follow_hunks
from ail_daemon.history.opening import History

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

RENAMED = """
    git init -q r; cd r; seq 1 30 > f; commit -m root
    sed -i 's/^15$/fifteen/' f; commit -m words; sed -i '3,4d' f; commit -m shorter
    git mv f g; sed -i 's/^fifteen$/FIFTEEN/' g; commit -m renamed; seq 40 44 >> g; commit -m longer
"""
MERGED = """
    git init -q r; cd r; seq 1 30 > f; commit -m root
    git checkout -q -b side; sed -i 's/^25$/side/' f; commit -m side
    git checkout -q main; sed -i 's/^5$/main/' f; commit -m main; merge side -m both
    git checkout -q -b again; sed -i 's/^5$//;s/^10$/again/' f; commit -m again
    git checkout -q main; sed -i 's/^10$/here/' f; commit -m here
    git merge -q again || true; seq 1 30 | sed 's/^10$/solved/;s/^25$/side/;s/^5$/main/' > f; commit -m solved
"""
GONE_AND_BACK = """
    git init -q r; cd r; seq 1 30 > f; commit -m root; sed -i 's/^7$/seven/' f; commit -m seven
    mkdir d; git mv f d/h; commit -m moved; seq 50 60 > f; commit -m other
    git rm -q f; git mv d/h f; commit -m back; sed -i 's/^20$/twenty/' f; commit -m twenty
"""


@pytest.mark.parametrize(("script", "file"), [(RENAMED, "g"), (MERGED, "f"), (GONE_AND_BACK, "f")])
def test_it_finds_for_any_lines_what_git_log_finds(shell: Shell, open_at: OpenAt, script: str, file: str) -> None:
    shell(script)
    history = open_at("r")
    log = history.read_file_log(file, "HEAD", Stop())
    assert log is not None
    for first, last in [*((line, line) for line in range(1, 29)), (1, 30), (3, 12), (14, 26)]:
        assert log.find(first, last) == history.log_lines(file, first, last, Stop()), (first, last)


def test_it_agrees_with_git_on_a_random_history(shell: Shell, open_at: OpenAt) -> None:
    dice = random.Random(3)
    lines = [str(number) for number in range(20)]
    script = "git init -q r; cd r\n"
    for number in range(40):
        at = dice.randrange(len(lines))
        if dice.random() < 0.4 and len(lines) > 8:
            del lines[at : at + dice.randint(1, 3)]
        else:
            lines[at : at + dice.randint(0, 2)] = [f"new {number} {n}" for n in range(dice.randint(1, 3))]
        text = "\n".join(lines)
        script += f"cat > f <<'EOF'\n{text}\nEOF\ncommit -m {number}\n"
    shell(script)
    history = open_at("r")
    log = history.read_file_log("f", "HEAD", Stop())
    assert log is not None
    for _ in range(25):
        first = dice.randint(1, len(lines))
        last = dice.randint(first, len(lines))
        assert log.find(first, last) == history.log_lines("f", first, last, Stop()), (first, last)


def test_lines_are_followed_as_git_follows_them() -> None:
    replaced, removed, added = Hunk(2, 5, 2, 3), Hunk(10, 12, 8, 8), Hunk(20, 20, 16, 18)
    assert follow_hunks(((2, 3),), [replaced]) == (True, ((2, 5),))
    assert follow_hunks(((3, 5),), [replaced]) == (False, ((5, 7),))
    assert follow_hunks(((7, 9),), [replaced, removed]) == (True, ((9, 13),))  # what was removed between two lines
    assert follow_hunks(((8, 9),), [replaced, removed]) == (False, ((12, 13),))
    assert follow_hunks(((16, 18),), [replaced, removed, added]) == (True, ())
    assert follow_hunks(((15, 19),), [Hunk(16, 16, 16, 18)]) == (True, ((15, 17),))


def test_what_the_project_lists_as_reformatting_is_left_out(shell: Shell, open_at: OpenAt) -> None:
    shell(RENAMED + "git log -1 --format=%H --grep=words > .git-blame-ignore-revs; commit -m list")
    log = open_at("r").read_file_log("g", "HEAD", Stop())
    assert log is not None
    assert log.find(13, 13) == open_at("r").log_lines("g", 13, 13, Stop())
    assert len(log.find(13, 13)) == 2


@pytest.mark.parametrize("file", ["absent", "a\0b", "-s", ":(glob)*", "\udce9", ""])
def test_what_is_no_file_has_no_lines_that_were_changed(shell: Shell, open_at: OpenAt, file: str) -> None:
    shell(RENAMED)
    log = open_at("r").read_file_log(file, "HEAD", Stop())
    assert log is None or log.find(1, 2) == []
    assert not open_at("r").blame_all(file, "HEAD", Stop())


def test_every_line_is_blamed(shell: Shell, open_at: OpenAt) -> None:
    shell(RENAMED)
    history = open_at("r")
    assert history.blame_all("g", "HEAD", Stop()) == dict(history.blame("g", 1, 99))


def test_both_end_when_they_are_stopped(
    shell: Shell, open_at: OpenAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell(RENAMED)
    stop = Stop()
    stop.set()
    monkeypatch.setenv("PATH", make_slow_git(tmp_path / "programs", "log", 20))
    began = time.monotonic()
    assert open_at("r").read_file_log("g", "HEAD", stop) is None
    assert open_at("r").blame_all("g", "HEAD", stop) is None
    assert time.monotonic() - began < 10


def test_no_configured_program_runs(shell: Shell, open_at: OpenAt) -> None:
    shell(
        RENAMED
        + """
        git config diff.t.textconv 'touch ../ran; cat'; git config diff.external 'touch ../ran'; git config log.follow true
        printf '* diff=t\\n' > .git/info/attributes; git config log.showSignature true; git config gpg.program 'touch ../ran'
    """
    )
    assert open_at("r").read_file_log("g", "HEAD", Stop())
    assert open_at("r").blame_all("g", "HEAD", Stop())
    assert shell("test ! -e ran && echo none") == "none"
