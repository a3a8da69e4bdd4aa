"""While a history is read for the first time, the answer may be in what has not been read yet."""

from __future__ import annotations

import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.asking.answering import measure_share_read
from ail_daemon.index.repoindex import RepoIndex
from ail_daemon.repos.repo import Progress
from ail_daemon.search.candidates import Question
from ail_daemon.search.linehistory import NO_LINES
from ail_daemon.search.search import answer

SHA = make_commit(1, "").sha
OTHER = make_commit(9, "").sha


@pytest.fixture
def begun(index: RepoIndex) -> RepoIndex:
    index.change(commits=[make_commit(number, f"Retry uploads, as proxy {number} hangs up.") for number in (1, 2)])
    index.publish()
    return index


def test_what_has_been_read_is_told_by_the_progress(begun: RepoIndex) -> None:
    assert measure_share_read(Progress("reading", 2, 8), begun, NO_LINES) == 0.25
    assert measure_share_read(Progress("waiting"), begun, NO_LINES) == 0.5  # of how many is not known: half, say


def test_lines_whose_commits_are_there_need_no_more(begun: RepoIndex) -> None:
    known, unknown = (NO_LINES._replace(blamed={3: sha}) for sha in (SHA, OTHER))
    assert measure_share_read(Progress("reading", 2, 8), begun, known) == 1.0
    assert measure_share_read(Progress("reading", 2, 8), begun, unknown) == 0.25


@pytest.mark.parametrize("phase", ["idle", "changes", "embedding"])
def test_a_history_that_was_read_is_whole(begun: RepoIndex, phase: str) -> None:
    assert measure_share_read(Progress(phase, 1, 8), begun, NO_LINES) == 1.0  # type: ignore[arg-type]


def test_an_answer_from_a_part_is_less_sure(begun: RepoIndex) -> None:
    whole, part = (
        answer(begun, HashEncoder(), Question("why retry uploads?", share_read=share)) for share in (1.0, 0.25)
    )
    assert whole["confidence"] > 0
    assert part["confidence"] == pytest.approx(whole["confidence"] / 4, abs=1e-3)
