"""Lines of files that are not as they were committed, and places that are spelled in every way, asked of a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import PAINT, RETRY, TIMEOUT, Repository
from tests.running import Home, sealed_home

UPLOAD = "def upload():\n    send()\n"
RETRIED = "def upload():\n    retry(send)\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    with sealed_home() as home:
        repo = Repository(tmp_path_factory.mktemp("standing") / "project")
        repo.shas["first"] = repo.commit("Upload files", **{"src/upload__py": UPLOAD, "page__html": "red\n"})
        repo.shas["retry"] = repo.commit(RETRY, **{"src/upload__py": RETRIED})
        repo.shas["paint"] = repo.commit(PAINT, page__html="blue\n")
        repo.shas["timeout"] = repo.commit(TIMEOUT, db__py="timeout = 30\n")
        done = home.client("add", str(repo.path), "--wait")
        assert done.returncode == 0, done.stderr
        yield home, repo
        home.stop()


@pytest.fixture
def upload(desk: tuple[Home, Repository]) -> Iterator[Path]:
    path = desk[1].path / "src/upload.py"
    yield path
    path.write_text(RETRIED)


def ask(desk: tuple[Home, Repository], *words: str, cwd: str = ".") -> dict[str, Any]:
    done = desk[0].client("ask", "--json", "--mode", "lexical", *words, cwd=desk[1].path / cwd)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


def first(reply: dict[str, Any]) -> tuple[str, int | None]:
    return reply["citations"][0]["sha"], reply["citations"][0]["line"]


def test_lines_added_on_top_do_not_shift_the_question(desk: tuple[Home, Repository], upload: Path) -> None:
    retry = desk[1].shas["retry"]
    assert first(ask(desk, "src/upload.py:2", "why this line?")) == (retry, 2)
    upload.write_text(f"# one\n# two\n# three\n{RETRIED}")
    moved = ask(desk, "src/upload.py:5", "why this line?")
    assert (first(moved), moved["lines"], moved["degraded"]) == ((retry, 5), [5, 5], None)
    partly = ask(desk, "src/upload.py:3-5", "why this line?")
    assert "line 3 of src/upload.py is not committed yet" in partly["degraded"]
    new = desk[0].client("ask", "src/upload.py:2", "why?", cwd=desk[1].path)
    assert (new.returncode, new.stdout) == (1, "")
    assert "line 2 of src/upload.py is not committed yet" in new.stderr
    upload.write_text(RETRIED)
    assert "has 2 lines" in desk[0].client("ask", "src/upload.py:5", "why?", cwd=desk[1].path).stderr


def test_lines_of_a_file_that_is_gone_ask_about_the_file(desk: tuple[Home, Repository], upload: Path) -> None:
    desk[1].git("mv", "page.html", "later.html")
    try:
        assert first(ask(desk, "page.html:1", "why blue?")) == (desk[1].shas["paint"], 1)  # HEAD has it still
        upload.unlink()
        assert first(ask(desk, "src/upload.py:2", "why this line?")) == (desk[1].shas["retry"], 2)
    finally:
        desk[1].git("mv", "later.html", "page.html")


def test_an_unsaved_text_is_asked_about_as_it_is_sent(desk: tuple[Home, Repository]) -> None:
    with desk[0].connected() as call:
        params: dict[str, Any] = {"repo": str(desk[1].path), "file": "src/upload.py", "question": "why this line?"}
        reply = call("ask", **params, mode="lexical", lines=[4, 4], contents=f"\n\n{RETRIED}")
        assert (first(reply), reply["lines"]) == ((desk[1].shas["retry"], 4), [4, 4])
        again = call("ask", **params, mode="lexical", lines=[4, 4], contents=f"\n\n{RETRIED}")
        assert again["cached"] == "exact"
        with pytest.raises(Exception, match="not committed yet"):
            call("ask", **params, lines=[4, 4], contents=f"{RETRIED}\nnew\nnewer\n")
        with pytest.raises(Exception, match="larger than 768 KiB"):
            call("ask", **params, lines=[4, 4], contents="x" * 800_000)


def test_dotfiles_lines_are_those_on_the_disk(desk: tuple[Home, Repository], tmp_path: Path) -> None:
    home, repo = desk
    tree = tmp_path / "tree"
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "dotfiles"))
    env = {"GIT_DIR": str(tmp_path / "dotfiles"), "GIT_WORK_TREE": str(tree)}
    (tree / "src").mkdir(parents=True)
    (tree / "src/upload.py").write_text(f"# new\n{RETRIED}")
    assert home.client("add", "--wait", env=env, cwd=tree).returncode == 0
    done = home.client("ask", "--json", "src/upload.py:3", "why this line?", env=env, cwd=tree)
    reply = json.loads(done.stdout)
    assert (first(reply), reply["repo"]) == ((repo.shas["retry"], 3), str(tree.resolve()))


def test_every_spelling_of_a_place_is_answered_or_told_what_is_close(desk: tuple[Home, Repository]) -> None:
    repo, retry = desk[1], desk[1].shas["retry"]
    for words in (
        ["src/upload.py:2:7"], ["src/upload.py:2:"], ["src/upload.py#L2-L2"], [f"{repo.path}/src/upload.py:2"],
        [f"{retry}:src/upload.py:2"], ["HEAD:src/upload.py:2"],
    ):  # fmt: skip
        assert first(ask(desk, *words, "why this line?")) == (retry, 2)
    assert first(ask(desk, "why this line?", "src/upload.py:2")) == (retry, 2)
    assert ask(desk, "src", "why the retry of uploads?")["citations"][0]["reasons"][-1:] == ["touches_file"]
    assert first(ask(desk, ".", "why blue?", cwd="src"))[0]  # a directory below the root
    for word, meant in (
        ("upload.py", "src/upload.py"),
        ("src/uplod.py", "src/upload.py"),
    ):
        done = desk[0].client("ask", word, "why?", cwd=repo.path)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"did you mean {meant}?" in done.stderr
    done = desk[0].client("ask", "src/upload.py:nosuch", "why?", cwd=repo.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "src/upload.py has no function nosuch" in done.stderr
    done = desk[0].client("ask", "src/uplod.py:send", cwd=repo.path)  # a place, not a question of one word
    assert (done.returncode, "src/uplod.py is not a file" in done.stderr) == (1, True)


def test_a_commit_is_a_scope_of_its_own(desk: tuple[Home, Repository]) -> None:
    shas = desk[1].shas
    alone = ask(desk, shas["paint"][:10], "why is the page blue?")
    assert [one["sha"] for one in alone["citations"]] == [shas["paint"]]
    before = ask(desk, f"{shas['first'][:10]}:src/upload.py:2", "why this line?")
    assert first(before) == (shas["first"], 2)
    assert "no commit '1234567890'" in desk[0].client("ask", "1234567890", "why?", cwd=desk[1].path).stderr


def test_a_file_that_is_not_committed_is_said_to_be_so(desk: tuple[Home, Repository]) -> None:
    (desk[1].path / "brand_new.txt").write_text("x\n")
    done = desk[0].client("ask", "brand_new.txt", "why?", cwd=desk[1].path)
    (desk[1].path / "brand_new.txt").unlink()
    assert "brand_new.txt is not committed yet" in done.stderr
