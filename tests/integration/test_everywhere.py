"""One question over several repositories: one list, each citation with its repository, the same from every client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import Home

from ail_client import ask_all

pytestmark = pytest.mark.model

QUESTION = "why do we retry uploads of the harbour?"
REASONS = {
    "harbour-upload": "Retry uploads of the harbour once\n\nProxies drop idle connections, because they count seconds.\n",
    "harbour-chart": "Draw the chart of the harbour anew\n\nThe old one was out of date.\n",
    "meadow": "Mow the meadow in June\n\nLater the seeds would be lost.\n",
}


@pytest.fixture(scope="module")
def three(common_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Three repositories, enrolled while the test module runs."""
    paths = {}
    for name, message in REASONS.items():
        repo = Repository(tmp_path_factory.mktemp("three") / name)
        repo.commit(f"Begin the {name}")
        repo.commit(message, file__txt=name)
        paths[name] = repo.path.resolve()
        assert common_home.client("add", str(repo.path), "--wait").returncode == 0
    yield paths
    for path in paths.values():
        common_home.client("remove", str(path), "--purge")


def test_the_repository_that_knows_comes_first_and_is_named(common_home: Home, three: dict[str, Path]) -> None:
    done = common_home.client("ask", "--repos", "harbour-*", "--json", QUESTION)
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert (reply["outcome"], reply["repo"], reply["repos"]) == (
        "answered",
        None,
        {"asked": 2, "searched": 1, "failed": 0},
    )
    assert "Proxies drop idle connections" in reply["answer"]
    assert reply["citations"][0]["repo"] == str(three["harbour-upload"])
    assert {one["repo"] for one in reply["citations"]} <= {str(three["harbour-upload"]), str(three["harbour-chart"])}
    assert reply["index"]["commits"] == 4
    with common_home.connected() as call:
        alone = call("ask", repo=str(three["harbour-upload"]), question=QUESTION)
    assert reply["confidence"] == alone["confidence"]


def test_text_and_grep_name_the_repository(common_home: Home, three: dict[str, Path]) -> None:
    text = common_home.client("ask", "--all", QUESTION).stdout
    assert f"in {three['harbour-upload']}" in text
    grep = common_home.client("ask", "--repos", str(three["harbour-upload"]), "--format", "grep", QUESTION).stdout
    assert "Retry uploads of the harbour once" in grep


def test_python_asks_the_same(common_home: Home, three: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in common_home.env.items():
        monkeypatch.setenv(name, value)
    context = ask_all(QUESTION, "harbour-*")
    assert (context.outcome, context.citations[0].repo) == ("answered", str(three["harbour-upload"]))


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--repos", "no-such-*", QUESTION], 5, "no enrolled repository matches 'no-such-*'"),
        (["--all", "--repo", ".", QUESTION], 2, "--all and --repos ask several"),
        (["--all", "file.txt:1", QUESTION], 2, "a question alone is asked"),
        (["--all"], 2, "a question alone is asked"),
        (["--all", "--since", "gibberish", QUESTION], 2, "gibberish"),
    ],
)
@pytest.mark.usefixtures("three")
def test_what_cannot_be_asked_of_all_is_said(common_home: Home, arguments: list[str], status: int, said: str) -> None:
    done = common_home.client("ask", *arguments)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_a_repository_that_is_gone_is_noted_and_the_others_answer(common_home: Home, three: dict[str, Path]) -> None:
    gone = three["harbour-chart"]
    aside = gone.rename(gone.with_name("aside"))
    try:
        reply = json.loads(common_home.client("ask", "--repos", "harbour-*", "--json", QUESTION).stdout)
    finally:
        aside.rename(gone)
    assert (reply["outcome"], reply["repos"]["failed"]) == ("answered", 1)
    assert reply["degraded"]
