"""Commits of other branches: cited with the branch they are on, and behind the same change where HEAD reaches it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.conftest import PAINT, RETRY, Repository
from tests.running import Home


def test_a_citation_that_head_does_not_reach_says_on_which_branch_it_is(bare_home: Home, tmp_path: Path) -> None:
    repo = Repository(tmp_path / "project")
    repo.commit("Begin", start__txt="x\n")
    repo.git("checkout", "-q", "-b", "stable")
    stable = repo.commit(RETRY, upload__py="def upload():\n    retry(send)\n")
    aside = repo.commit(PAINT, page__html="blue\n")
    repo.git("checkout", "-q", "main")
    repo.commit("Prepare", other__txt="y\n")
    repo.git("cherry-pick", stable)
    main = repo.git("rev-parse", "HEAD")
    assert bare_home.client("add", str(repo.path), "--wait").returncode == 0

    def ask(question: str) -> list[tuple[str, str | None]]:
        reply = json.loads(bare_home.client("ask", "--json", "--mode", "lexical", question, cwd=repo.path).stdout)
        return [(one["sha"], one["branch"]) for one in reply["citations"]]

    assert ask("why is the start page blue?")[0] == (aside, "stable")
    assert "on stable, which HEAD does not reach" in bare_home.client("ask", "why blue?", cwd=repo.path).stdout
    found = ask("why do we retry uploads once?")
    assert found[0] == (main, None)
    assert stable not in dict(found)
    repo.git("checkout", "-q", "stable")
    assert ask("why do we retry uploads once?")[0] == (stable, None)
    assert ask("why is the start page blue?")[0] == (aside, None)
    bare_home.stop()
