"""The GitHub action and the GitLab job, by a local runner: one comment, kept up to date; a summary where none may be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.integration.lock_history import LOCKED, tell_of_the_lock
from tests.reviews.runner import Forge, Runner
from tests.running import Home, sealed_home

HEAD = "**Tried before, and taken back then**"
LEFT = "<!-- ail-review -->\nThe history has nothing to say of this change any more."


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A history that tried a lock and took it back, a branch that tries it again, and one that does nothing of the kind."""
    repo = tell_of_the_lock(Repository(tmp_path_factory.mktemp("reviews") / "project"))
    repo.shas["base"] = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "quiet")
    repo.shas["quiet"] = repo.commit("Begin something else", new__py="def something_entirely_new():\n    return 1\n")
    repo.git("checkout", "-q", "-b", "again", "main")
    repo.shas["again"] = repo.commit("Lock once more", pool__py=LOCKED)
    return repo


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with sealed_home() as made:
        yield made


@pytest.fixture
def forge() -> Iterator[Forge]:
    served = Forge()
    yield served
    served.close()


@pytest.fixture
def runner(home: Home, repo: Repository, forge: Forge, tmp_path: Path) -> Runner:
    return Runner(home, repo.path, forge, tmp_path)


def test_one_comment_is_written_changed_and_emptied(runner: Runner, repo: Repository, forge: Forge) -> None:
    forge.add(f"<!-- ail-review -->\n{HEAD} forged", "somebody")
    job = runner.run_action(repo.shas["base"], repo.shas["again"])
    (ours,) = forge.get_ours()
    assert (job.status, job.summary.read_text()) == (0, "")
    assert ours == f"<!-- ail-review -->\n{job.report}"
    assert HEAD in ours
    assert "which broke the health check" in ours
    assert f"report={job.temp}/ail-review.md" in job.output.read_text()
    runner.run_action(repo.shas["base"], repo.shas["again"])
    assert [method for method, _ in forge.calls if method != "GET"] == ["POST"]  # the same words are not written again
    runner.run_action(repo.shas["base"], repo.shas["quiet"])
    assert [one.strip() for one in forge.get_ours()] == [LEFT]
    runner.run_action(repo.shas["base"], repo.shas["again"])
    assert forge.get_ours() == [ours]
    assert forge.comments[0]["body"].endswith("forged")
    assert forge.calls[0] == ("GET", "/repos/o/r/issues/7/comments")
    assert "t0ken" not in job.log


@pytest.mark.slow
def test_nothing_to_say_writes_nothing(runner: Runner, repo: Repository, forge: Forge) -> None:
    job = runner.run_action(repo.shas["base"], repo.shas["quiet"])
    assert (job.status, job.report, forge.comments) == (0, "", [])


@pytest.mark.slow
def test_a_fork_s_pull_request_reports_to_the_summary_and_passes(
    runner: Runner, repo: Repository, forge: Forge
) -> None:
    forge.status = 403
    job = runner.run_action(repo.shas["base"], repo.shas["again"])
    assert (job.status, forge.comments) == (0, [])
    assert HEAD in job.summary.read_text()
    assert "a pull request from a fork gets a token that only reads" in job.log


@pytest.mark.slow
def test_the_summary_alone_can_be_asked_for(runner: Runner, repo: Repository, forge: Forge) -> None:
    job = runner.run_action(repo.shas["base"], repo.shas["again"], comment="false")
    assert (forge.calls, HEAD in job.summary.read_text()) == ([], True)


@pytest.mark.parametrize(("base", "said"), [("f" * 40, "names no commit"), ("", "There is no base to compare with")])
def test_an_unknown_base_is_a_warning(runner: Runner, repo: Repository, forge: Forge, base: str, said: str) -> None:
    job = runner.run_action(base, repo.shas["again"])
    assert (job.status, job.report, forge.comments) == (0, "", [])
    assert "::warning title=AIL::" in job.log
    assert said in job.log


def test_a_shallow_checkout_is_a_warning_that_says_what_to_do(
    home: Home, repo: Repository, forge: Forge, tmp_path: Path
) -> None:
    repo.git("clone", "-q", "--depth=1", "--branch", "again", f"file://{repo.path}", str(tmp_path / "shallow"))
    job = Runner(home, tmp_path / "shallow", forge, tmp_path).run_action(repo.shas["base"], repo.shas["again"])
    assert (job.status, job.report) == (0, "")
    assert "names no commit of this shallow clone" in job.log
    assert "fetch-depth: 0" in job.log


def test_gitlab_keeps_one_note_up_to_date(runner: Runner, repo: Repository, forge: Forge) -> None:
    forge.me = "project_5_bot"
    job = runner.run_gitlab(repo.shas["base"], repo.shas["again"], "glpat")
    assert job.status == 0, job.log
    assert HEAD in forge.get_ours()[0]
    assert forge.calls[1] == ("GET", "/api/v4/projects/5/merge_requests/7/notes")
    assert forge.tokens == {"glpat"}
    runner.run_gitlab(repo.shas["base"], repo.shas["quiet"], "glpat")
    assert [one.strip() for one in forge.get_ours()] == [LEFT]
    assert forge.calls[-1] == ("PUT", "/api/v4/projects/5/merge_requests/7/notes/1")


@pytest.mark.slow
def test_without_a_token_gitlab_s_log_has_the_report(runner: Runner, repo: Repository, forge: Forge) -> None:
    job = runner.run_gitlab(repo.shas["base"], repo.shas["again"], None)
    assert (job.status, forge.calls) == (0, [])
    assert HEAD in job.log
