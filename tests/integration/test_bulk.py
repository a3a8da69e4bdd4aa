"""A repository goes on moving while its history is embedded: every question is answered, and cites nothing that is gone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench.bulk import make_history
from tests.running import Home

pytestmark = pytest.mark.model

MANY = 600


@pytest.mark.slow
def test_commits_amends_and_a_second_add_hold_no_question_up_while_a_history_is_embedded(
    home: Home, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    make_history(repo, MANY)
    git = ("git", "-C", str(repo), "-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo))
        while call("status")["repos"][0]["phase"] != "embedding":
            time.sleep(0.02)
        gone: set[str] = set()
        asked, phases = 0, []
        for arguments in (
            ("commit", "-q", "--allow-empty", "-m", "x"),
            ("commit", "-q", "--allow-empty", "--amend", "-m", "y"),
            ("reset", "-q", "--soft", "HEAD~40"),
            ("branch", "other", "HEAD~3"),
        ):
            before = set(home.run(*git, "rev-list", "HEAD").stdout.split())
            assert home.run(*git, *arguments).returncode == 0
            gone = (gone | before) - set(home.run(*git, "rev-list", "--all").stdout.split())
            for number in range(MANY - 40, MANY, 10):
                reply = call("ask", repo=str(repo), question=f"what is change {number}?", mode="lexical", timeout=5)
                assert not {one["sha"] for one in reply["citations"]} & gone
                asked += 1
            call("repo.add", repo=str(repo))
            phases.append(call("status")["repos"][0]["phase"])
        assert (asked, phases[0]) == (16, "embedding")
        told = call.wait_complete(str(repo))
        assert told["commits"] == told["embedded"] == MANY - 39
