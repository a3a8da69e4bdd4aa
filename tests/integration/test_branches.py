"""Commits of other branches: cited with the branch they are on, and behind the same change where HEAD reaches it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.conftest import PAINT, RETRY, Repository
from tests.integration.lock_history import LOCK, LOCKED, POOL, UNDO
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
    repo.git("tag", "a-tag", aside)
    repo.git("branch", "later", aside)
    # a branch comes before a tag, then it goes by name
    assert ask("why is the blue start page so?")[0] == (aside, "later")
    assert "on later, which HEAD does not reach" in bare_home.client("ask", "why blue?", cwd=repo.path).stdout
    found = ask("why do we retry uploads once?")
    assert found[0] == (main, None)
    assert stable not in dict(found)
    repo.git("checkout", "-q", "stable")
    assert ask("why do we retry uploads once?")[0] == (stable, None)
    assert ask("why is the start page blue?")[0] == (aside, None)
    bare_home.stop()


def test_what_bears_on_a_change_says_on_which_branch_it_is_too(bare_home: Home, tmp_path: Path) -> None:
    repo = Repository(tmp_path / "project")
    repo.commit("Add the pool", pool__py=POOL)
    repo.git("checkout", "-q", "-b", "attempt")
    lock = repo.commit(LOCK, pool__py=LOCKED)
    repo.commit(UNDO.format(lock), pool__py=POOL)
    repo.git("checkout", "-q", "main")
    assert bare_home.client("add", str(repo.path), "--wait").returncode == 0
    (repo.path / "pool.py").write_text(LOCKED)
    repo.git("add", "-A")
    (found,) = json.loads(bare_home.client("related", "--json", "--staged", cwd=repo.path).stdout)["citations"]
    assert (found["sha"], found["branch"]) == (lock, "attempt")
    assert "pool.py:2, on attempt):" in bare_home.client("related", "--staged", cwd=repo.path).stdout
    bare_home.stop()
