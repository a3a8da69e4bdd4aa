"""Where a passage stands today, without a git for each question."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.moving import run_git

from ail_daemon.search.standing import StandingFiles
from ail_rpc.discovery import find_repository

WHY = "Retried, because proxies drop idle connections."


def commit(repo: Path, text: str) -> str:
    (repo / "upload.py").write_text(text)
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", "Change")
    return run_git(repo, "rev-parse", "HEAD").strip()


def test_a_passage_is_found_in_the_commit_that_is_asked_about_and_a_file_is_read_once(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main", "repo")
    repo = tmp_path / "repo"
    first = commit(repo, f"# {WHY}\nretry()\n")
    second = commit(repo, f"import retry\n\n# {WHY}\nretry()\n")
    third = commit(repo, "retry()\n")
    place, standing = find_repository(str(repo)), StandingFiles()

    def find() -> list[int | None]:
        return [standing.find_line(place, "upload.py", WHY, sha) for sha in (first, second, third)]

    assert find() == [1, 3, None]
    assert standing.find_line(place, "gone.py", WHY, first) is None
    shutil.rmtree(repo / ".git" / "objects")
    assert find() == [1, 3, None]
    standing.forget()
    assert find() == [None, None, None]
