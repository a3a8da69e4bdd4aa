"""The main job with real parts: enrol, index, ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.indexed import wait
from tests.integration.conftest import Repository
from tests.running import Home

pytestmark = pytest.mark.model


def ask(home: Home, repo: Path, *arguments: str, expect: int = 0) -> dict[str, Any]:
    done = home.client("ask", "--json", "--repo", str(repo), *arguments)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    reply: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
    return reply


def add(home: Home, repo: Path) -> None:
    done = home.client("add", str(repo), "--wait")
    assert done.returncode == 0, done.stderr


def test_a_why_question_is_answered_with_the_commit_that_says_why(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    reply = ask(common_home, repo.path, "why do we try an upload a second time?")
    assert reply["outcome"] == "answered"
    assert reply["citations"][0]["sha"] == repo.shas["retry"]
    assert "because the second attempt opens a fresh connection." in reply["answer"]
    assert repo.shas["retry"][:10] in reply["answer"]
    assert 0 < reply["confidence"] <= 1
    assert (reply["mode"], reply["degraded"], reply["cached"]) == ("semantic", None, None)


def test_the_reply_has_the_contract_s_keys(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    reply = ask(common_home, repo.path, "why is the page blue?")
    assert set(reply) == {
        "schema_version", "repo", "question", "file", "lines", "outcome", "answer", "confidence", "citations",
        "evidence", "mode", "cached", "degraded", "index", "query_time_ms",
    }  # fmt: skip
    assert set(reply["citations"][0]) == {
        "sha", "subject", "author", "author_time", "score", "excerpt", "sentence", "path", "line", "reasons", "reverted_by",
        "replaced_by", "pull_request", "branch",
    }  # fmt: skip
    assert reply["citations"][0]["branch"] is None, "HEAD reaches it"
    described = {"head": repo.shas["timeout"], "commits": 3, "pending": 0, "complete": True, "is_shallow": False}
    assert reply["index"] == described
    assert reply["repo"] == str(repo.path.resolve())


def test_a_question_the_history_says_nothing_about_gets_no_evidence_and_exit_1(
    common_home: Home, repo: Repository
) -> None:
    add(common_home, repo.path)
    reply = ask(common_home, repo.path, "which penguin sings opera in Antarctica", expect=1)
    assert (reply["outcome"], reply["answer"], reply["citations"]) == ("no_evidence", "", [])
    assert ask(common_home, repo.path, "why is it so?", expect=1)["outcome"] == "no_evidence"


def test_lines_lead_to_the_commit_that_wrote_them(common_home: Home, repo: Repository) -> None:
    fix = repo.commit(
        "Close the upload\n\nA leak: the socket stayed open.", upload__py="def upload():\n    retry(1)\n    close()\n"
    )
    add(common_home, repo.path)
    reply = ask(common_home, repo.path, "upload.py:3", "why this line?")
    first = reply["citations"][0]
    assert (first["sha"], first["path"], first["line"]) == (fix, "upload.py", 3)
    assert {"touches_file", "touches_lines"} <= set(first["reasons"])
    older = ask(common_home, repo.path, "upload.py:1-2", "why this upload retry?")
    assert older["citations"][0]["sha"] == repo.shas["retry"]
    assert older["lines"] == [1, 2]


def test_a_file_is_known_under_its_old_names_and_after_its_end(common_home: Home, repo: Repository) -> None:
    repo.git("mv", "page.css", "theme.css")
    repo.commit("Rename the page")
    repo.git("rm", "-q", "db.py")
    repo.commit("Drop the database")
    add(common_home, repo.path)
    renamed = ask(common_home, repo.path, "theme.css", "why blue?")
    assert {c["sha"]: c["reasons"] for c in renamed["citations"]}[repo.shas["paint"]].count("touches_file")
    gone = ask(common_home, repo.path, "db.py", "why thirty seconds of timeout?")
    assert gone["citations"][0]["sha"] == repo.shas["timeout"]


def test_the_same_question_again_comes_from_the_cache_until_the_index_changes(
    common_home: Home, repo: Repository
) -> None:
    add(common_home, repo.path)
    first = ask(common_home, repo.path, "why is the page blue?")
    again = ask(common_home, repo.path, "why is  the page blue?")
    assert (first["cached"], again["cached"]) == (None, "exact")
    assert again["citations"] == first["citations"]
    repo.commit("Paint the page green\n\nBlue was hard to read.", page__css="body { background: green }\n")
    add(common_home, repo.path)
    assert ask(common_home, repo.path, "why is the page blue?")["cached"] is None


def test_an_amended_commit_is_cited_under_its_new_sha_alone(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    repo.git("commit", "-q", "--amend", "-m", TIMEOUT_AMENDED)
    add(common_home, repo.path)
    shas = {c["sha"] for c in ask(common_home, repo.path, "why the database timeout?")["citations"]}
    assert repo.git("rev-parse", "HEAD") in shas
    assert repo.shas["timeout"] not in shas


TIMEOUT_AMENDED = """Raise the database timeout to forty seconds

Nightly reports lock the ledger table for thirty seconds.
"""


@pytest.mark.parametrize("kind", ["bare", "worktree", "shallow", "partial", "empty", "subdirectory", "sha256"])
def test_repositories_of_every_kind_can_be_asked(
    common_home: Home, repo: Repository, tmp_path: Path, kind: str
) -> None:
    where = tmp_path / kind
    match kind:
        case "bare":
            repo.git("clone", "-q", "--bare", ".", str(where))
        case "worktree":
            repo.git("worktree", "add", "-q", str(where))
        case "shallow":
            repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(where))
        case "partial":
            repo.git("config", "uploadpack.allowFilter", "true")
            repo.git("clone", "-q", "--bare", "--filter=blob:none", f"file://{repo.path}", str(where))
        case "empty":
            Repository(where)
        case "subdirectory":
            repo.commit("Add a part", part__txt="x")
            where = repo.path / "deep" / "er"
            where.mkdir(parents=True)
        case "sha256":
            made = Repository(where, "--object-format=sha256")
            made.commit(PAGE, page__css="x")
    add(common_home, where)
    expect = 1 if kind == "empty" else 0
    reply = ask(common_home, where, "why is the start page blue?", expect=expect)
    assert reply["outcome"] == ("no_evidence" if kind == "empty" else "answered")


def test_a_partial_clone_is_told_to_be_one(common_home: Home, repo: Repository, tmp_path: Path) -> None:
    where = tmp_path / "partial"
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.path}", str(where))
    done = common_home.client("add", str(where), "--wait")
    assert (
        "this clone is partial: what commits changed, comments too, is read as far as git has fetched it" in done.stderr
    )


def test_a_whole_clone_with_the_packs_of_a_partial_one_is_not_told_to_be_partial(
    common_home: Home, repo: Repository, tmp_path: Path
) -> None:
    where = tmp_path / "whole"
    repo.git("gc", "-q")
    (pack,) = repo.path.glob(".git/objects/pack/*.pack")
    pack.with_suffix(".promisor").touch()
    repo.git("clone", "-q", str(repo.path), str(where))
    assert list(where.glob(".git/objects/pack/*.promisor"))
    assert "partial" not in common_home.client("add", str(where), "--wait").stderr


def test_a_shallow_clone_is_told_to_be_one_wherever_older_history_could_answer(
    common_home: Home, repo: Repository, tmp_path: Path
) -> None:
    where, told = tmp_path / "shallow", "this clone is shallow, older history is not here: `git fetch --unshallow`"
    (repo.path / "new.py").write_text("port = 8443\n")
    repo.git("add", "new.py")
    repo.git("commit", "-q", "-m", "Listen on 8443\n\nBecause the proxy takes 443 on every host.")
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(where))
    done = common_home.client("add", str(where), "--wait")
    assert told in done.stderr
    (state,) = [
        one for one in json.loads(common_home.client("status", "--json").stdout)["repos"] if one["path"] == str(where)
    ]
    assert told in state["unread"]
    assert state["notice"] is None
    assert state["is_shallow"]

    def ask_there(*words: str) -> tuple[int, str]:
        asked = common_home.client("ask", "--repo", str(where), *words)
        return asked.returncode, asked.stderr

    assert ask_there("new.py:1") == (0, "")
    assert told in ask_there("why is the sky of another colour?")[1]
    exit_status, said = ask_there("upload.py:2")
    assert exit_status == 1
    assert "these lines are older than the history that this shallow clone has" in said


PAGE = "Paint the start page blue\n\nRed was taken for an error, because testers panicked."


def test_a_worktree_shares_the_index_of_its_repository(home: Home, repo: Repository, tmp_path: Path) -> None:
    add(home, repo.path)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    reply = ask(home, tmp_path / "linked", "why is the start page blue?")
    assert reply["repo"] == str((tmp_path / "linked").resolve())
    assert len(json.loads(home.client("repos", "--json").stdout)["repos"]) == 1


def test_grep_form_can_be_jumped_through(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    done = common_home.client(
        "ask", "--repo", str(repo.path), "--format", "grep", "upload.py:2", "why retry?", cwd=repo.path
    )
    assert done.stdout.startswith(f"upload.py:2:1: {repo.shas['retry'][:7]}")


def test_git_why_is_a_subcommand_of_git(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    done = common_home.run("git", "why", "upload.py:2", "why retry?", cwd=repo.path)
    assert done.returncode == 0, done.stderr
    assert "fresh connection" in done.stdout


@pytest.mark.slow
def test_show_tells_a_commit_by_an_abbreviated_sha(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    done = common_home.client("show", "--repo", str(repo.path), "--json", repo.shas["paint"][:8])
    shown = json.loads(done.stdout)
    assert (shown["sha"], shown["paths"]) == (repo.shas["paint"], ["page.css"])
    assert common_home.client("show", "--repo", str(repo.path), "0000000").returncode == 1
    assert common_home.client("show", "--repo", str(repo.path), "zzz").returncode == 2


def test_show_takes_every_name_of_a_commit_that_git_takes(home: Home, repo: Repository) -> None:
    repo.git("tag", "-a", "-m", "First", "v1.2", "HEAD~1")
    home.client("add", "--wait", str(repo.path))
    head, before = (repo.git("rev-parse", name).strip() for name in ("HEAD", "HEAD~1"))
    for name, sha in (("HEAD", head), ("main", head), ("v1.2", before), ("HEAD~1", before)):
        done = home.client("show", "--repo", str(repo.path), "--json", name)
        assert json.loads(done.stdout)["sha"] == sha, (name, done.stderr)
    refused = home.client("show", "--repo", str(repo.path), "--", "--upload-pack=touch x")
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.slow
def test_the_daemon_serves_without_torch_and_logs_nothing_that_was_said(home: Home, repo: Repository) -> None:
    add(home, repo.path)
    ask(home, repo.path, "why is the start page blue?")
    status = json.loads(home.client("status", "--json").stdout)
    assert "torch" not in Path(f"/proc/{status['pid']}/maps").read_text()
    home.stop()
    log = (home.state / "daemon.log").read_text()
    assert '"started"' in log
    assert not any(word in log for word in ("blue", "Paint", "testers", str(repo.path)))


@pytest.mark.slow
def test_indexing_and_asking_leave_the_repository_as_it_was(common_home: Home, repo: Repository) -> None:
    def picture() -> dict[str, tuple[bytes, int]]:
        files = [path for path in repo.path.rglob("*") if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = picture()
    add(common_home, repo.path)
    ask(common_home, repo.path, "upload.py:2", "why retry?")
    assert picture() == before


def test_a_purged_repository_leaves_no_byte_behind(home: Home, repo: Repository) -> None:
    add(home, repo.path)
    assert home.client("remove", str(repo.path), "--purge").returncode == 0
    assert list((home.state / "repos").iterdir()) == []
    assert ask(home, repo.path, "why?", expect=5)["error"]


def test_a_removed_repository_is_searchable_at_once_when_added_again(common_home: Home, repo: Repository) -> None:
    add(common_home, repo.path)
    assert common_home.client("remove", str(repo.path)).returncode == 0
    assert common_home.client("ask", "--repo", str(repo.path), "why blue?").returncode == 5
    add(common_home, repo.path)
    assert ask(common_home, repo.path, "why is the start page blue?")["outcome"] == "answered"


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_stopping_leaves_no_process_behind(home: Home, repo: Repository) -> None:
    add(home, repo.path)
    daemon = psutil.Process(json.loads(home.client("status", "--json").stdout)["pid"])
    processes = [daemon, *daemon.children(recursive=True)]
    assert home.client("stop").returncode == 0
    assert wait(lambda: not any(map(is_alive, processes)), 10) is not None
    assert not home.socket.exists()
