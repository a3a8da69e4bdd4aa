"""Pull requests: asked of GitHub after a reply, told in the next; nothing goes out without a token, and that to nobody else."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forge import TOKEN, Answer, Forge, forge, tell_request
from tests.integration.conftest import Repository
from tests.running import Calling, Home

pytestmark = pytest.mark.model

looks_into_processes = pytest.mark.skipif(
    not Path("/proc/self/environ").exists() or os.geteuid() != 0, reason="looks into /proc, as root"
)
RETRY, PAINT = "why do we retry an upload?", "why is the start page blue?"
REQUEST = {"number": 7, "title": "Retry once", "url": "https://github.com/octo/project/pull/7"}


@pytest.fixture
def hub() -> Iterator[Forge]:
    """A GitHub on the loopback that knows one pull request, for every commit."""
    with forge() as made:
        made.answer = lambda _: Answer(body=[tell_request(7, "Retry once")])
        yield made


@pytest.fixture
def project(repo: Repository) -> Repository:
    """A repository whose origin lies on GitHub."""
    repo.git("remote", "add", "origin", "git@github.com:octo/project.git")
    return repo


@contextlib.contextmanager
def serving(home: Home, project: Repository, hub: Forge, **env: str) -> Iterator[Calling]:
    settings = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": hub.api} | env
    with home.daemon(**{name: value for name, value in settings.items() if value}), home.connected() as call:
        call("repo.add", repo=str(project.path))
        call.wait_complete(str(project.path))
        yield call


def ask(call: Calling, project: Repository, question: str = RETRY, **params: Any) -> dict[str, Any]:
    return dict(call("ask", repo=str(project.path), question=question, limit=1, **params))


def tell_requests(reply: dict[str, Any]) -> list[Any]:
    return [citation["pull_request"] for citation in reply["citations"]]


def wait_until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def ask_until_known(call: Calling, project: Repository, question: str = RETRY) -> dict[str, Any]:
    wait_until(lambda: all(tell_requests(ask(call, project, question))))
    return ask(call, project, question)


def wait_for_problem(call: Calling, project: Repository) -> dict[str, Any]:
    ask(call, project)
    wait_until(lambda: call("status")["github"]["problem"])
    return dict(call("status")["github"])


@pytest.mark.slow
def test_the_second_asking_shows_it_also_from_the_cache_and_after_a_restart_without_asking_again(
    home: Home, project: Repository, hub: Forge
) -> None:
    with serving(home, project, hub) as call:
        first = ask(call, project)
        assert (first["cached"], tell_requests(first)) == (None, [None])
        told = ask_until_known(call, project)
        assert (told["cached"], tell_requests(told)) == ("exact", [REQUEST])
        related = call("related", repo=str(project.path), files=["upload.py"])
        assert REQUEST in tell_requests(related)
        told = call("status")["github"]
        assert (told["on"], told["problem"], told["todo"]) == (True, None, None)
    hub.answer = lambda _: Answer(500)
    with serving(home, project, hub) as call:
        assert tell_requests(ask(call, project)) == [REQUEST]
        assert not call.wait_complete(str(project.path))["notice"]
    assert hub.shas.count(project.shas["retry"]) == 1
    assert {one.path.rpartition("/commits/")[0] for one in hub.asked} == {"/repos/octo/project"}
    assert {one.token for one in hub.asked} == {TOKEN}


def test_people_read_one_line_of_it(home: Home, project: Repository, hub: Forge) -> None:
    hub.answer = lambda _: Answer(body=[tell_request(7, "Retry \x1b[31monce")])
    with serving(home, project, hub) as call:
        ask_until_known(call, project)
        shown = home.client("ask", "--repo", str(project.path), RETRY).stdout
        assert "github" in home.client("status").stdout
    (line,) = [line for line in shown.splitlines() if "pull request #7" in line]
    assert "\x1b" not in shown
    assert "Retry" in line


def test_without_a_token_nothing_is_sent_and_nothing_told(home: Home, project: Repository, hub: Forge) -> None:
    with serving(home, project, hub, GITHUB_TOKEN="", GITHUB_OWNER="octo", GITHUB_REPO="project") as call:
        assert tell_requests(ask(call, project)) == tell_requests(ask(call, project)) == [None]
        assert call("status")["github"]["on"] is False
        (check,) = [one for one in call("doctor")["checks"] if one["name"] == "github"]
        assert (check["state"], "nothing is sent" in check["said"]) == ("ok", True)
    assert hub.asked == []


@pytest.mark.slow
def test_a_repository_that_lies_elsewhere_is_not_asked_about(home: Home, repo: Repository, hub: Forge) -> None:
    repo.git("remote", "add", "origin", "https://gitlab.example/octo/project.git")
    with serving(home, repo, hub) as call:
        ask(call, repo)
        wait_until(lambda: not call("status")["github"]["waiting"])
        assert tell_requests(ask(call, repo)) == [None]
    assert hub.asked == []


def test_the_settings_say_which_project_and_switch_it_on_and_off_while_it_runs(
    home: Home, repo: Repository, hub: Forge
) -> None:
    with serving(home, repo, hub, GITHUB_TOKEN="") as call:
        ask(call, repo)
        call("flags", set={"github_token": TOKEN, "github_owner": "some", "github_repo": "where"})
        assert tell_requests(ask_until_known(call, repo)) == [REQUEST]
        call("flags", set={"github_owner": "octo"})
        call("reload")
        assert tell_requests(ask(call, repo)) == [None]
    assert hub.asked[0].path.startswith("/repos/some/where/commits/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, {"message": "Bad credentials"}), "refuses the token"),
        (Answer(403, {}), "forbids"),
        (Answer(404, {}), "no such repository"),
        (Answer(429, {}, (("Retry-After", "120"),)), "rate limit"),
        (Answer(500, {}), "errors"),
        (Answer(200, b"<html>a hotel's wireless</html>"), "makes no sense"),
        (Answer(200, b"[" * 100_000), "makes no sense"),
        (Answer(200, b"[" + b'"x",' * 400_000 + b"1]"), "makes no sense"),
    ],
)
def test_what_goes_wrong_is_told_and_not_tried_again_at_once(
    answer: Answer, said: str, home: Home, project: Repository, hub: Forge
) -> None:
    hub.answer = lambda _: answer
    with serving(home, project, hub) as call:
        told = wait_for_problem(call, project)
        assert said in told["problem"]
        assert told["todo"]
        assert tell_requests(ask(call, project, PAINT)) == [None]
        (check,) = [one for one in call("doctor")["checks"] if one["name"] == "github"]
        assert (check["state"], check["said"]) == ("warn", told["problem"])
        wait_until(lambda: not call("status")["github"]["waiting"])
    assert len(hub.asked) == 1


@pytest.mark.slow
def test_what_was_wrong_is_forgotten_with_other_settings(home: Home, project: Repository, hub: Forge) -> None:
    well, hub.answer = hub.answer, lambda _: Answer(401)
    with serving(home, project, hub) as call:
        wait_for_problem(call, project)
        hub.answer = well
        call("flags", set={"github_token": "ghp_abetterone"})
        assert tell_requests(ask_until_known(call, project)) == [REQUEST]
        assert call("status")["github"]["problem"] is None


@pytest.mark.slow
def test_a_server_that_is_not_there_keeps_nobody_waiting(home: Home, project: Repository, hub: Forge) -> None:
    with serving(home, project, hub, GITHUB_API_URL="http://127.0.0.1:9") as call:
        assert "cannot be reached" in wait_for_problem(call, project)["problem"]
        assert ask(call, project)["outcome"] == "answered"


@pytest.mark.slow
def test_a_commit_that_was_never_pushed_came_with_none(home: Home, project: Repository, hub: Forge) -> None:
    hub.answer = lambda _: Answer(422, {"message": "No commit found for SHA"})
    with serving(home, project, hub) as call:
        ask(call, project)
        wait_until(lambda: hub.asked)
        wait_until(lambda: not call("status")["github"]["waiting"])
        assert tell_requests(ask(call, project)) == [None]
        assert call("status")["github"]["problem"] is None


@pytest.mark.slow
def test_the_token_follows_a_renamed_repository_and_goes_to_no_other_host(
    home: Home, project: Repository, hub: Forge
) -> None:
    with forge() as elsewhere, serving(home, project, hub) as call:
        target = f"{elsewhere.api}/stolen"
        hub.answer = lambda _: Answer(302, {}, (("Location", target),))
        assert "another host" in wait_for_problem(call, project)["problem"]
        assert elsewhere.asked == []
        moved = (("Location", f"{hub.api}/repositories/1"),)
        body = [tell_request(7, "Retry once")]
        hub.answer = lambda path: Answer(body=body) if path == "/repositories/1" else Answer(301, {}, moved)
        call("flags", set={"github_owner": "octo"})
        assert tell_requests(ask_until_known(call, project)) == [REQUEST]


def read_processes(below: int) -> dict[int, bytes]:
    """Return pid -> command line and environment of every process below *below*."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == below:
                pid = int(status.parent.name)
                found[pid] = (status.parent / "cmdline").read_bytes() + (status.parent / "environ").read_bytes()
    return found


@pytest.mark.slow
@looks_into_processes
def test_the_token_stands_in_no_child_s_command_line_or_environment_nor_in_any_file(
    home: Home, project: Repository, hub: Forge
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer(path: str) -> Answer:
        del path
        arrived.set()
        go_on.wait(30)
        return Answer(body=[tell_request(7, "Retry once")])

    hub.answer = answer
    with serving(home, project, hub, AIL_LOG_LEVEL="DEBUG") as call:
        ask(call, project)
        assert arrived.wait(30)
        children = read_processes(call("hello")["pid"])
        assert any(b"ail_daemon.github" in told for told in children.values())
        assert not [told for told in children.values() if TOKEN.encode() in told]
        go_on.set()
        ask_until_known(call, project)
        assert TOKEN not in str([call("status"), call("flags"), call("doctor")])
    written = [path for path in home.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []


@pytest.mark.slow
@looks_into_processes
def test_a_daemon_that_stops_leaves_no_child_behind(home: Home, project: Repository, hub: Forge) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer(path: str) -> Answer:
        del path
        arrived.set()
        go_on.wait(30)
        return Answer()

    hub.answer = answer
    with serving(home, project, hub) as call:
        ask(call, project)
        assert arrived.wait(30)
        asking = [pid for pid, told in read_processes(call("hello")["pid"]).items() if b"ail_daemon.github" in told]
        assert len(asking) == 1
    assert not Path(f"/proc/{asking[0]}").exists()
    go_on.set()


@pytest.mark.slow
def test_a_purge_takes_titles_along(home: Home, project: Repository, hub: Forge) -> None:
    hub.answer = lambda _: Answer(body=[tell_request(7, "zebratitle")])
    with serving(home, project, hub) as call:
        ask_until_known(call, project)
        assert find_files(home.state, b"zebratitle")
        call("repo.remove", repo=str(project.path), purge=True)
        assert find_files(home.state, b"zebratitle") == []


def find_files(directory: Path, text: bytes) -> list[Path]:
    files = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if text in path.read_bytes()]
