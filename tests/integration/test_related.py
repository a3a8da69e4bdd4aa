"""`related` whole: real repositories, a real daemon, the program as people run it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.integration.lock_history import LOCKED, POOL, tell_of_the_lock
from tests.running import Home, sealed_home

RAISED = "TIMEOUT_S = 30\nRETRIES_OF_A_REQUEST = 3\nWAIT_BETWEEN_TWO_S = 5\n"


@pytest.fixture(scope="module")
def desk(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A running daemon that knows the history of the lock, and of a view and its template that change together."""
    with sealed_home(models) as home:
        repo = tell_of_the_lock(Repository(tmp_path_factory.mktemp("related") / "project"))
        for number in range(7):
            repo.commit(f"Widen the page, step {number}", view__py=f"W = {number}\n", view__html=f"<p>{number}</p>\n")
        repo.shas["base"] = repo.git("rev-parse", "HEAD")
        home.client("add", str(repo.path), "--wait")
        yield home, repo


@pytest.fixture
def repo(desk: tuple[Home, Repository]) -> Iterator[Repository]:
    """The repository, as it was, after whatever a test does to it."""
    yield desk[1]
    desk[1].git("checkout", "-q", "-f", "main")
    desk[1].git("reset", "-q", "--hard", desk[1].shas["base"])
    desk[1].git("clean", "-q", "-d", "-f", "-x")


@pytest.fixture
def home(desk: tuple[Home, Repository]) -> Home:
    return desk[0]


def stage(repo: Repository, **files: str) -> None:
    for name, text in files.items():
        (repo.path / name.replace("__", ".")).write_text(text)
    repo.git("add", "-A")


def wait_indexed(home: Home, repo: Repository) -> None:
    """Return once the daemon's index is what the repository's refs reach."""
    with home.connected() as call:
        call("repo.add", repo=str(repo.path))
        while call.wait_complete(str(repo.path))["head"] != repo.git("rev-parse", "HEAD"):
            call("repo.notify", repo=str(repo.path))


def related(home: Home, cwd: Path, *arguments: str, **options: Any) -> tuple[int, dict[str, Any]]:
    done = home.client("related", *arguments, "--json", cwd=cwd, **options)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_what_was_tried_and_undone_is_told_with_the_reason(home: Home, repo: Repository) -> None:
    stage(repo, pool__py=LOCKED)
    status, reply = related(home, repo.path, "--staged")
    (citation,) = reply["citations"]
    assert (status, reply["outcome"]) == (0, "answered")
    assert citation["relation"] == "tried_before"
    assert citation["sha"] == repo.shas["lock"]
    assert citation["reverted_by"] == repo.shas["undo"]
    assert "which broke the health check" in citation["sentence"]
    assert (citation["path"], citation["line"]) == ("pool.py", 2)


def test_what_takes_a_commit_back_names_it(home: Home, repo: Repository) -> None:
    repo.commit("Retry requests", db__py=RAISED)
    wait_indexed(home, repo)
    stage(repo, db__py="")
    _, reply = related(home, repo.path, "--staged")
    assert [one["relation"] for one in reply["citations"]] == ["reverts"]
    assert reply["citations"][0]["subject"] == "Retry requests"


def test_a_file_that_usually_changes_too_is_missed(home: Home, repo: Repository) -> None:
    stage(repo, view__py="W = 99\n")
    status, reply = related(home, repo.path, "--staged")
    (companion,) = reply["companions"]
    assert status == 0
    assert (companion["path"], companion["share"], companion["of"]) == ("view.html", 1.0, 7)


def test_a_companion_that_changes_as_well_is_not_missed(home: Home, repo: Repository) -> None:
    stage(repo, view__py="W = 99\n", view__html="<p>99</p>\n")
    assert related(home, repo.path, "--staged")[1]["companions"] == []


def test_nothing_is_said_of_a_change_that_nothing_bears_on(home: Home, repo: Repository) -> None:
    stage(repo, new__py="def something_entirely_new(argument):\n    return argument\n")
    done = home.client("related", "--staged", cwd=repo.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Nothing in the history bears on this.\n")


def test_a_range_is_read_from_where_it_parted_and_does_not_cite_itself(home: Home, repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "again")
    again = repo.commit("Lock once more", pool__py=LOCKED)
    wait_indexed(home, repo)
    _, reply = related(home, repo.path, "--range", "main..again")
    assert [one["sha"] for one in reply["citations"]] == [repo.shas["lock"]]
    assert again not in json.dumps(reply["citations"])


@pytest.mark.parametrize(
    ("text", "status"),
    [("main", 2), ("--output=x..y", 1), ("no-such..HEAD", 1), ("-..-", 1), ("main..HEAD\n", 2), ("..", 1)],
)
def test_a_range_that_is_none_is_refused_and_writes_nothing(
    home: Home, repo: Repository, text: str, status: int
) -> None:
    done = home.client("related", f"--range={text}", cwd=repo.path)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert not (repo.path / "x").exists()


def test_files_alone_bring_the_commits_that_say_why(home: Home, repo: Repository) -> None:
    status, reply = related(home, repo.path, "pool.py")
    assert status == 0
    assert {one["relation"] for one in reply["citations"]} == {"similar"}
    assert repo.shas["lock"] in [one["sha"] for one in reply["citations"]]


def test_naming_nothing_is_an_error_that_says_what_to_name(home: Home, repo: Repository) -> None:
    done = home.client("related", cwd=repo.path)
    assert done.returncode == 2
    assert "--staged" in done.stderr


def test_text_is_one_line_a_commit(home: Home, repo: Repository) -> None:
    stage(repo, pool__py=LOCKED)
    (line,) = home.client("related", "--staged", cwd=repo.path).stdout.splitlines()
    assert line.startswith(f"{repo.shas['lock'][:10]} was tried before (2023-11-14, Ann Author, pool.py:2): Hold")


def test_grep_lines_name_the_place_of_the_change(home: Home, repo: Repository) -> None:
    stage(repo, pool__py=LOCKED, view__py="W = 99\n")
    first, second = home.client("related", "--staged", "--format", "grep", cwd=repo.path).stdout.splitlines()
    assert first.startswith(f"pool.py:2:1: {repo.shas['lock'][:10]} Hold the big lock")
    assert second.startswith("view.html:1:1: ")


def test_only_what_is_staged_counts(home: Home, repo: Repository) -> None:
    (repo.path / "pool.py").write_text(LOCKED)
    assert related(home, repo.path, "--staged")[1]["citations"] == []


def test_a_linked_worktree_has_its_own_stage(home: Home, repo: Repository) -> None:
    beside = repo.path.parent / "beside"
    repo.git("worktree", "add", "-q", "--detach", str(beside))
    (beside / "pool.py").write_text(LOCKED)
    repo.git("-C", str(beside), "add", "-A")
    assert [one["relation"] for one in related(home, beside, "--staged")[1]["citations"]] == ["tried_before"]
    assert related(home, repo.path, "--staged")[1]["citations"] == []
    repo.git("worktree", "remove", "--force", str(beside))


def test_another_repository_s_stage_is_asked_for_with_repo(home: Home, repo: Repository, tmp_path: Path) -> None:
    stage(repo, pool__py=LOCKED)
    index = {"GIT_INDEX_FILE": str(tmp_path / "none"), "GIT_DIR": str(tmp_path)}
    _, reply = related(home, tmp_path, "--staged", "--repo", str(repo.path), env=index)
    assert [one["relation"] for one in reply["citations"]] == ["tried_before"]


@pytest.mark.parametrize("name", ["a b.py", 'quo"te.py', "new\nline.py", "-rf.py", "umläut.py", "\udcff\udcfe.py"])
def test_names_of_every_kind_are_met(home: Home, repo: Repository, name: str) -> None:
    path = os.path.join(os.fsencode(repo.path), os.fsencode(name))
    for number in range(2):
        with open(path, "w") as file:
            file.write("def a_function_with_a_name(argument):\n    keep_the_second_line_of_it(argument)\n" * number)
        repo.git("add", "-A")
        repo.git("commit", "-q", "--allow-empty", "-m", f"Take arguments by name, step {number}")
    wait_indexed(home, repo)
    with open(path, "w"):
        repo.git("add", "-A")
    _, reply = related(home, repo.path, "--staged")
    assert [one["relation"] for one in reply["citations"]] == ["reverts"]
    assert os.fsencode(reply["citations"][0]["path"]) == os.fsencode(name)


def test_deleted_renamed_binary_and_mode_changes_pass(home: Home, repo: Repository) -> None:
    (repo.path / "data.bin").write_bytes(bytes(range(256)) * 9)
    (repo.path / "pool.py").rename(repo.path / "pond.py")
    (repo.path / "view.py").unlink()
    (repo.path / "view.html").chmod(0o755)
    repo.git("add", "-A")
    status, reply = related(home, repo.path, "--staged")
    assert status in (0, 1)
    assert {"data.bin", "pond.py", "view.py", "view.html"} <= set(reply["files"])


def test_an_unborn_branch_has_a_stage_too(home: Home, repo: Repository) -> None:
    repo.git("checkout", "-q", "--orphan", "unborn")
    stage(repo, pool__py=LOCKED)
    status, reply = related(home, repo.path, "--staged")
    assert status == 0
    assert "tried_before" in [one["relation"] for one in reply["citations"]]


def test_a_huge_change_is_cut_at_a_file_and_says_so(home: Home, repo: Repository) -> None:
    stage(repo, pool__py=LOCKED, zzz__txt="a line of a file that is much too long\n" * 20_000)
    _, reply = related(home, repo.path, "--staged")
    assert "512 KiB" in reply["degraded"]
    assert reply["files"] == ["pool.py"]
    assert [one["relation"] for one in reply["citations"]] == ["tried_before"]


def test_twenty_thousand_files_are_no_trouble(home: Home, repo: Repository) -> None:
    (repo.path / "one.txt").write_text("the content of every file there is\n" * 3)
    blob = repo.git("hash-object", "-w", "one.txt")
    listed = "".join(f"100644 {blob}\tmany/{number}.txt\n" for number in range(20_000))
    subprocess.run(["git", "update-index", "--index-info"], cwd=repo.path, input=listed, text=True, check=True)
    status, reply = related(home, repo.path, "--staged", "--timeout", "20")
    assert status == 1
    assert "512 KiB" in reply["degraded"]


@pytest.mark.parametrize(
    "staged",
    [
        "", "\0", "diff --git ", "diff --git a/x b/x\n@@ -1,999999999 +1,999999999 @@\n-x", "@@ -1 +1 @@\n-a\n+b\n",
        'diff --git "a/\\777" "b/\\q"\n--- "a/\\', "diff --git a/../../etc/passwd b/../../etc/passwd\n--- /dev/null\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,0 @@\n--- a/x\n-\x1b]52;c;x\x07\n", "x" * 500_000,
        "diff --git a/x b/x\n@@ -1,1000 +0,0 @@\n" + "-the same line of words again\n" * 10_000,
    ],
)  # fmt: skip
def test_a_diff_that_git_never_wrote_does_no_harm(home: Home, repo: Repository, staged: str) -> None:
    with home.connected() as call:
        reply = call("related", repo=str(repo.path), staged=staged)
    assert reply["outcome"] == "no_evidence"


def test_a_diff_beyond_the_limit_is_refused_with_a_hint(home: Home, repo: Repository) -> None:
    from ail_rpc.errors import UsageError

    with home.connected() as call, pytest.raises(UsageError, match="524,288 bytes"):
        call("related", repo=str(repo.path), staged="+" * (513 << 10))


def test_the_pool_is_as_it_was(repo: Repository) -> None:
    assert (repo.path / "pool.py").read_text() == POOL


TEMPLATE = "Please make sure that every test passes, because a reviewer cannot merge what fails."
GUARD = "def open_inside(root, name):\n    if not inside(root, name): raise Refused(name)\n    return open(name)\n"


@pytest.fixture(scope="module")
def templated(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A project whose pull requests repeat a template; its file has typo fixes, a security fix and one change with a reason."""
    with sealed_home(models) as home:
        repo = Repository(tmp_path_factory.mktemp("templated") / "project")
        repo.commit("Open files", files__py=GUARD.replace("    if not inside(root, name): raise Refused(name)\n", ""))
        tests = "".join(
            f"def test_refused_{number}(tmp_path):\n    assert refused(tmp_path, {number})\n" for number in range(20)
        )
        hole = repo.commit("Refuse names that lead outside (CVE-2026-12345)", files__py=GUARD, test_files__py=tests)
        repo.shas["hole"] = hole
        for number in range(6):
            repo.commit(
                f"Fix typo number {number}\n\n{TEMPLATE} It was wrong.", files__py=f"{GUARD}# a word {number}\n"
            )
            repo.commit(f"Widen step {number}\n\n{TEMPLATE}", files__py=f"{GUARD}# a word {number}\nW = {number}\n")
        reason = f"Count what is open\n\n{TEMPLATE}\n\nThe pool ran dry, because nobody knew how many were open."
        repo.shas["count"] = repo.commit(reason, files__py=f"{GUARD}COUNT = 0\n")
        home.client("add", str(repo.path), "--wait")
        yield home, repo


def test_what_a_template_repeats_is_nobody_s_reason(templated: tuple[Home, Repository]) -> None:
    home, repo = templated
    _, reply = related(home, repo.path, "files.py")
    said = [one["sentence"] for one in reply["citations"]]
    assert not any("Please make sure" in sentence for sentence in said), said
    assert any("The pool ran dry" in sentence for sentence in said)
    with home.connected() as call:
        told = call("ask", repo=str(repo.path), question="why is what is open counted?", no_cache=True)
        assert "Please make sure" not in told["answer"]
        assert "The pool ran dry" in told["answer"]


def test_a_typo_s_mending_bears_on_nothing(templated: tuple[Home, Repository]) -> None:
    home, repo = templated
    _, reply = related(home, repo.path, "files.py")
    assert not any("typo" in one["subject"] for one in reply["citations"])


def test_taking_away_one_line_of_a_security_fix_is_told(templated: tuple[Home, Repository]) -> None:
    home, repo = templated
    stage(repo, files__py=GUARD.replace("    if not inside(root, name): raise Refused(name)\n", "") + "COUNT = 0\n")
    _, reply = related(home, repo.path, "--staged")
    assert repo.shas["hole"] in [one["sha"] for one in reply["citations"]]
    repo.git("reset", "-q", "--hard")


def test_a_file_that_history_does_not_know_is_an_error_and_no_finding(templated: tuple[Home, Repository]) -> None:
    home, repo = templated
    done = home.client("related", "nosuch.py", cwd=repo.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ever touched nosuch.py" in done.stderr
    assert "check the spelling" in done.stderr


LEVELLED = "def read(path):\n    if path.startswith('//'):\n        path = path.lstrip('/') or '/'\n    return open_file(path)\n"
PLAIN = "def read(path):\n    return open_file(path)\n"


def test_a_review_names_the_fix_whose_lines_go_however_many_tests_it_brought(home: Home, repo: Repository) -> None:
    tests = "".join(f"def test_the_path_number_{n}():\n    assert read('//{n}') == {n}\n" for n in range(40))
    repo.commit("Read a file", reader__py=PLAIN)
    fix = repo.commit("[3.9] Fix raw path (#12)", reader__py=LEVELLED, test_reader__py=tests)
    repo.git("checkout", "-q", "-b", "simpler")
    repo.commit("Simplify the reader", reader__py=PLAIN)
    wait_indexed(home, repo)
    _, reply = related(home, repo.path, "--range", f"{fix}..simpler")
    assert [(one["sha"], one["relation"], one["sentence"]) for one in reply["citations"]] == [
        (fix, "same_lines", "Fix raw path")
    ]
