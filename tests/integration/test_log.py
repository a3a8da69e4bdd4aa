"""`git why --log`, functions as places, and `-i`: a real repository, a real daemon, the program as people run it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import Home, sealed_home

BEGIN = """import net


class Pool:
    def take(self):
        return net.open()

    def give(self, one):
        one.close()
"""
RETRIED = BEGIN.replace("return net.open()", "return net.open(retries=1, host='a')")
QUOTED = RETRIED.replace(
    "net.open(retries=1, host='a')", 'net.open(\n            retries=1,\n            host="a",\n        )'
)
SPELT = QUOTED.replace(
    "    def take(self):\n", "    def take(self):\n        # recieve one from the pool of connections\n"
)
MENDED = SPELT.replace("recieve", "receive")
WAITED = MENDED.replace("retries=1", "retries=3")
MESSAGES = {
    "begin": "Take connections from a pool\n\nOpening one for every request made the server run out of ports.",
    "retry": "Retry once\n\nProxies drop idle connections, so that the first request after a pause failed.",
    "quoted": "Run black",
    "spelt": "Say what it does",
    "mended": "Fix a typo",
    "waited": "Retry three times\n\nOnce was not enough because two proxies stand in a row.",
}
TEXTS = {"begin": BEGIN, "retry": RETRIED, "quoted": QUOTED, "spelt": SPELT, "mended": MENDED, "waited": WAITED}


@pytest.fixture(scope="module")
def desk(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A running daemon that knows the life of a method."""
    with sealed_home(models) as home:
        repo = Repository(tmp_path_factory.mktemp("log") / "project")
        for name, text in TEXTS.items():
            repo.shas[name] = repo.commit(MESSAGES[name], pool__py=text)
        repo.shas["other"] = repo.commit(
            "Close politely", pool__py=WAITED.replace("one.close()", "one.close(now=False)")
        )
        paint = "Paint pages blue\n\nRed was taken for an error by half of the testers."
        repo.shas["paint"] = repo.commit(paint, **{"web/page__css": "body { background: blue }\n"})
        home.client("add", str(repo.path), "--wait")
        yield home, repo


@pytest.fixture
def home(desk: tuple[Home, Repository]) -> Home:
    return desk[0]


@pytest.fixture
def repo(desk: tuple[Home, Repository]) -> Repository:
    return desk[1]


def log(home: Home, repo: Repository, *arguments: str) -> dict[str, Any]:
    done = home.client("ask", "--log", *arguments, "--json", cwd=repo.path)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def name_all(told: dict[str, Any], repo: Repository) -> list[tuple[str, str | None]]:
    names = {sha: name for name, sha in repo.shas.items()}
    return [(names[one["sha"]], one["cosmetic"]) for one in told["citations"]]


LIFE = [
    ("begin", None), ("retry", None), ("quoted", "reformatting"), ("spelt", None), ("mended", "spelling"), ("waited", None),
]  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        ("pool.py:5-10",), ("pool.py:take",), ("pool.py:Pool.take",), ("-L", "5,10:pool.py"), ("-L", "5,+6:pool.py"),
        ("-L", ":take:pool.py"), ("-L", ":ta[k]e(:pool.py"), ("HEAD~1:pool.py:take",),
    ],
)  # fmt: skip
def test_the_life_of_a_method_is_told_oldest_first_however_its_place_is_spelt(
    home: Home, repo: Repository, place: tuple[str, ...]
) -> None:
    told = log(home, repo, *place)
    assert name_all(told, repo) == LIFE
    assert told["lines"] == [5, 10]
    assert told["citations"][1]["sentence"].startswith("Proxies drop idle connections, so that")
    assert "+        return net.open(retries=1, host='a')" in told["citations"][1]["diff"]


def test_lines_are_those_on_the_disk(home: Home, repo: Repository) -> None:
    file = repo.path / "pool.py"
    committed = file.read_text()
    file.write_text("# one\n# two\n" + committed)
    try:
        assert log(home, repo, "pool.py:take")["lines"] == [7, 12]
        assert name_all(log(home, repo, "pool.py:7-12"), repo) == LIFE
    finally:
        file.write_text(committed)


def test_in_text_cosmetic_commits_are_folded(home: Home, repo: Repository) -> None:
    done = home.client("ask", "--log", "pool.py:take", cwd=repo.path)
    lines = done.stdout.splitlines()
    assert lines[0] == "pool.py:5-10"
    assert f"   1 reformatting: {repo.shas['quoted'][:10]}" in lines
    assert f"   1 correction of spelling: {repo.shas['mended'][:10]}" in lines
    assert "   │ Proxies drop idle connections, so that the first request after a pause failed." in lines
    assert [line for line in lines if line.startswith("   Re")] == ["   Retry once", "   Retry three times"]


def test_in_markdown_too(home: Home, repo: Repository) -> None:
    done = home.client("ask", "--log", "pool.py:5", "--format", "markdown", cwd=repo.path)
    assert done.stdout.startswith("**How `pool.py:5` came to be**\n\n- `")
    assert "\n  > Opening one for every request made the server run out of ports.\n" in done.stdout + "\n"


def test_the_newest_commits_can_be_asked_for(home: Home, repo: Repository) -> None:
    told = log(home, repo, "pool.py:take", "-n", "2")
    assert name_all(told, repo) == LIFE[-2:]
    assert (told["is_whole"], told["degraded"]) == (False, None)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("pool.py",), 2, "--log needs lines"),
        (("why?",), 2, "--log takes a place alone"),
        (("pool.py:1", "--author", "x"), 2, "--log does not take --author"),
        (("pool.py:nope",), 1, "pool.py has no function nope"),
        (
            (
                "-L",
                ":a\\(b:pool.py",
            ),
            2,
            "git cannot search for",
        ),
        (("-L", "x:pool.py"), 2, "neither lines nor a function of a file"),
        (("-L", "9,3:pool.py"), 2, "neither lines nor a function of a file"),
        (("absent.py:take",), 1, "absent.py is not a file"),
        (("pool.py:99",), 2, "pool.py has"),
    ],
)
def test_what_cannot_be_told_is_said(
    home: Home, repo: Repository, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = home.client("ask", "--log", *arguments, cwd=repo.path)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_a_question_about_a_function_is_one_about_its_lines(home: Home, repo: Repository) -> None:
    done = home.client("ask", "pool.py:take", "why the retries?", "--json", cwd=repo.path)
    told = json.loads(done.stdout)
    assert told["lines"] == [5, 10]
    assert told["citations"][0]["sha"] in (repo.shas["waited"], repo.shas["retry"])


def test_no_configured_program_runs(home: Home, repo: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    attributes = repo.path / ".git/info/attributes"
    attributes.write_text("* diff=evil\n")
    for key in ("diff.evil.textconv", "diff.evil.command", "diff.external", "core.fsmonitor", "filter.evil.smudge"):
        repo.git("config", key, f"touch {ran}; cat")
    try:
        home.client("ask", "--log", "pool.py:5-10", cwd=repo.path)
        home.client("ask", "--log", "pool.py:take", cwd=repo.path)
        assert not ran.exists()
    finally:
        attributes.unlink()
        repo.git("config", "--remove-section", "diff.evil")
        for key in ("diff.external", "core.fsmonitor", "filter.evil.smudge"):
            repo.git("config", "--unset", key)


def test_a_directory_is_a_scope(home: Home, repo: Repository) -> None:
    done = home.client("ask", "web", "why the blue?", "--json", cwd=repo.path)
    told = json.loads(done.stdout)
    assert (told["file"], told["citations"][0]["sha"]) == ("web", repo.shas["paint"])
    assert (told["citations"][0]["path"], "touches_file" in told["citations"][0]["reasons"]) == ("web", True)
