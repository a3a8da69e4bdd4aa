from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.daemon.daemon_process import wait_until
from tests.daemon.history.conftest import shell
from tests.tools import make_slow_git

from ail_daemon.asking import prefetching
from ail_daemon.asking.prefetching import Prefetching
from ail_daemon.history.command import Stop
from ail_daemon.repos.repos import Repos
from ail_daemon.search.filehistory import read_file_history
from ail_daemon.search.linehistory import LineHistories
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import UsageError

__all__ = ["shell"]

Shell = Callable[[str], str]

HISTORY = """
    git init -q r; cd r; seq 1 60 > f; commit -m root; sed -i 's/^15$/fifteen/' f; commit -m words
    sed -i '3,4d' f; commit -m shorter; sed -i 's/^20$/# the 20th is twenty because it must be/' f; commit -m comment
"""


@pytest.fixture
def place(shell: Shell, tmp_path: Path) -> RepoPlace:
    shell(HISTORY)
    return find_repository(str(tmp_path / "r"))


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[Prefetching]:
    reading = Prefetching(Repos(tmp_path / "repos"))
    yield reading
    reading.stop()


def test_what_is_read_ahead_is_what_git_says_of_the_lines(place: RepoPlace) -> None:
    history = read_file_history(place, "f", Stop())
    assert history is not None
    standing = Path(place.root, "f").read_text().replace("30\n", "thirty\n31a\n").encode()
    for lines in ((1, 1), (13, 13), (16, 22), (50, 99)):
        for contents in (None, standing):
            asked = LineHistories().find(place, "f", lines, contents)
            assert LineHistories().find(place, "f", lines, contents, ahead=history) == asked
    with pytest.raises(UsageError, match="f has 58 lines"):
        LineHistories().find(place, "f", (59, 60), ahead=history)


def test_a_file_is_read_once_and_again_when_a_ref_has_moved(place: RepoPlace, ahead: Prefetching, shell: Shell) -> None:
    assert ahead.find(place, "f") is None, "nobody has opened it"
    wait_until(lambda: ahead.request(place, "f"))
    before = ahead.find(place, "f")
    assert before is not None
    newest = shell("cd r; sed -i 's/^1$/one/' f; commit -m newer; git log -1 --format=%H")
    assert ahead.find(place, "f") is None, "what was read is of another state"
    wait_until(lambda: ahead.find(place, "f") is not None)
    after = ahead.find(place, "f")
    assert after is not None
    assert (after.blamed[1], after.log.find(1, 1)[0]) == (newest, newest)
    ahead.forget()
    assert ahead.find(place, "f") is None


@pytest.mark.parametrize("file", ["absent", "empty", "binary"])
def test_of_a_file_without_lines_nothing_is_read(place: RepoPlace, ahead: Prefetching, shell: Shell, file: str) -> None:
    shell("cd r; : > empty; printf 'a\\0b\\n' > binary; commit -m odd")
    wait_until(lambda: ahead.request(place, file))
    assert ahead.find(place, file) is None


def test_few_files_wait_and_few_are_kept(
    place: RepoPlace, ahead: Prefetching, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetching, "KEPT", 2)
    monkeypatch.setattr(prefetching, "WAITING", 3)
    shell("cd r; for name in a b c d e g h; do seq 1 9 > $name; done; commit -m many")
    for name in "abcdegh":
        ahead.request(place, name)
    wait_until(lambda: ahead.find(place, "h") is not None or ahead.find(place, "g") is not None)
    wait_until(lambda: not any(one.name == "prefetch" for one in threading.enumerate()))
    assert sum(ahead.find(place, name) is not None for name in "abcdegh") <= 2


def test_a_stop_ends_what_is_being_read(place: RepoPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", make_slow_git(tmp_path / "programs", "log", 20))
    reading = Prefetching(Repos(tmp_path / "repos"))
    assert not reading.request(place, "f")
    began = time.monotonic()
    reading.stop()
    assert time.monotonic() - began < 10
    assert not any(one.name == "prefetch" for one in threading.enumerate())
