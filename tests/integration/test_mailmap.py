"""What a project says of its own history: `.mailmap` counts for --author; replace refs and grafts are named, and not read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.conftest import PAINT, RETRY, Repository
from tests.running import Home


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "project")
    made.shas["retry"] = made.commit(RETRY, upload__py="retry()\n")
    made.shas["map"] = made.commit(
        "Map", __mailmap="Dr. Anna Married <anna@new.example> Ann Author <ann@example.org>\n"
    )
    return made


def test_author_honours_the_mailmap_at_head(bare_home: Home, repo: Repository) -> None:
    assert bare_home.client("add", str(repo.path), "--wait").returncode == 0
    for author, is_found in (("married", True), ("anna@new", True), ("ann author", True), ("bob", False)):
        reply = json.loads(
            bare_home.client("ask", "--json", "--author", author, "why retry uploads?", cwd=repo.path).stdout
        )
        assert (repo.shas["retry"] in [one["sha"] for one in reply["citations"]]) == is_found, author
    bare_home.stop()


@pytest.mark.parametrize("is_packed", [False, True])
def test_what_rewrites_history_for_git_is_named_in_status(bare_home: Home, repo: Repository, is_packed: bool) -> None:
    def find_unread() -> str | None:
        found: str | None = json.loads(bare_home.client("status", "--json").stdout)["repos"][0]["unread"]
        return found

    bare_home.client("add", str(repo.path), "--wait")
    assert find_unread() is None
    other = repo.commit(PAINT)
    repo.git("replace", repo.shas["map"], other)
    if is_packed:
        repo.git("pack-refs", "--all")
    (repo.path / ".git/info/grafts").write_text(f"{other}\n")
    assert find_unread() == "replace refs and grafts are not read: history is as it was committed"
    bare_home.stop()
