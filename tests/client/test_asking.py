"""What `ask` makes of a command line: how a place, a question and options are spelled, what is sent, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_rpc.errors import NotFoundError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")


def test_a_range_before_a_question_is_the_ref_unless_a_file_is_called_so(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    daemon.script["ask"] = daemon.make_reply()
    client.run("ask", "v1.0..v1.1", "why?")
    asked = daemon.get_params("ask")
    assert (asked["ref"], asked["question"], "file" in asked) == ("v1.0..v1.1", "why?", False)
    (repo / "v1.0..v1.1").touch()
    client.run("ask", "v1.0..v1.1", "why?")
    asked = daemon.get_params("ask")
    assert ("ref" in asked, asked["file"]) == (False, "v1.0..v1.1")


def test_the_request_carries_every_option_by_its_name_and_nothing_that_was_not_given(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    daemon.script["ask"] = daemon.make_reply()
    client.run("ask", "src/http.py:3-5", "why?", "--limit", "2", "--mode", "lexical", "--no-cache", "--author", "J",
               "--since", "2020", "--until", "2021", "--path", "*.py", "--ref", "main", "--timeout", "3")  # fmt: skip
    params = daemon.get_params("ask")
    assert 2.5 < params.pop("timeout") <= 3
    assert params == {
        "repo": str(repo), "question": "why?", "file": "src/http.py", "lines": [3, 5], "limit": 2, "mode": "lexical",
        "no_cache": True, "author": "J", "since": "2020", "until": "2021", "path": "*.py", "ref": "main",
    }  # fmt: skip
    client.run("ask", "why?")
    assert set(daemon.get_params("ask")) == {"repo", "question"}  # the time limit is the daemon's own


def test_options_may_stand_before_the_command_and_between_its_words(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    daemon.script["ask"] = daemon.make_reply()
    done = client.run("--repo", str(repo), "--json", "ask", "top.py:1", "--limit", "2", "why?")
    assert json.loads(done.stdout)["confidence"] == 0.83
    assert daemon.get_params("ask")["lines"] == [1, 1]


def test_a_method_the_daemon_does_not_know_is_an_error_and_nothing_is_faked(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    done = client.run("related", "--staged")
    assert (done.returncode, done.stdout) == (2, "")
    assert daemon.get_params("related")["staged"] == ""


@pytest.mark.parametrize(
    "args",
    [(), ("",), ("--",), (" \t\n",), ("src/http.py:0", "why?"),
     ("src/http.py:5-3", "why?"), (":3", "why?"),
     ("x:9999999999999999999999", "why?"), ("../outside", "why?"), ("why?", "--limit", "0"),
     ("why?", "--timeout", "nan"),
     ("why?", "--mode", "magic"), ("why?", "--nonsense"),],
)  # fmt: skip
def test_a_wrong_command_line_exits_2_and_asks_nobody(
    client: Runner, daemon: ScriptedDaemon, args: tuple[str, ...]
) -> None:
    done = client.run("ask", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ail-client: ")
    assert "Traceback" not in done.stderr
    assert daemon.calls == []


def test_a_question_may_hold_control_characters_and_begin_with_a_dash(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    assert client.run("ask", "--", "-why\x1b\n?").returncode == 0
    assert daemon.get_params("ask")["question"] == "-why\x1b\n?"


def test_bytes_that_are_no_utf8_arrive_as_they_were_typed(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    for locale in ("C.UTF-8", "C"):
        client.env["LC_ALL"] = locale
        assert client.run("ask", b"caf\xe9/\xc3\xa9.py:7", b"why \xff?").returncode == 0
        params = daemon.get_params("ask")
        assert os.fsencode(params["file"]) == b"caf\xe9/\xc3\xa9.py"
        assert os.fsencode(params["question"]) == b"why \xff?"


def test_git_why_is_ask(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    done = client.run("src/http.py:120", "why the retry?", entry="main_why")
    assert done.returncode == 0
    assert daemon.get_params("ask")["lines"] == [120, 120]
    wrong = client.run(entry="main_why")
    assert (wrong.returncode, wrong.stderr[:9]) == (2, "git why: ")


def test_outside_a_repository_it_says_so_and_exits_5(client: Runner, daemon: ScriptedDaemon) -> None:
    client.cwd = client.cwd.parent
    done = client.run("ask", "why?")
    assert (done.returncode, daemon.calls) == (5, [])
    assert "lies in no git repository" in done.stderr


def test_a_misspelt_repo_is_an_error_and_never_the_repository_around_it(client: Runner, daemon: ScriptedDaemon) -> None:
    done = client.run("ask", "why?", "--repo", "typo")
    assert (done.returncode, daemon.calls) == (5, [])


def test_help_teaches_with_an_example_for_every_command(client: Runner) -> None:
    from ail_client.arguments import COMMANDS

    overview = client.run("--help")
    assert overview.returncode == 0
    assert all(f"  {name} " in overview.stdout for name in COMMANDS)
    for name in COMMANDS:
        done = client.run(name, "--help")
        assert f"examples:\n  ail-client {name}" in done.stdout
        assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["src/http.py:3"], ("why is this so?", "src/http.py", [3, 3], None)),
        (["src/http.py"], ("why is this so?", "src/http.py", None, None)),
        (["src"], ("why is this so?", "src", None, None)),
        (["old/gone.py:3-4"], ("why is this so?", "old/gone.py", [3, 4], None)),
        (["src/http.py#L3-L4", "why?"], ("why?", "src/http.py", [3, 4], None)),
        (["src/http.py:3:7", "why?"], ("why?", "src/http.py", [3, 3], None)),
        (["src/http.py:3:", "why?"], ("why?", "src/http.py", [3, 3], None)),
        (["why the retry?", "src/http.py:3"], ("why the retry?", "src/http.py", [3, 3], None)),
        (["retry", "src/http.py"], ("retry", "src/http.py", None, None)),
        ([".", "why?"], ("why?", None, None, None)),
        (["4f1c2d9:src/http.py:3", "why?"], ("why?", "src/http.py", [3, 3], "4f1c2d9")),
        (["HEAD~1", "why?"], ("why?", None, None, "HEAD~1")),
        (["4f1c2d9"], ("why is this so?", None, None, "4f1c2d9")),
        (["HEAD~1"], ("why is this so?", None, None, "HEAD~1")),
        (["odd:7", "why?"], ("why?", "odd:7", None, None)),  # a file of that name
        (["retry"], ("retry", None, None, None)),
        (["-L", "3,4", "src/http.py"], ("why is this so?", "src/http.py", [3, 4], None)),
        (["-L", "3,+2", "src/http.py", "why?"], ("why?", "src/http.py", [3, 4], None)),
        (["src/http.py", "3"], ("why is this so?", "src/http.py", [3, 3], None)),
        (["src/http.py", "+3"], ("why is this so?", "src/http.py", [3, 3], None)),
        (["3,4", "src/http.py"], ("why is this so?", "src/http.py", [3, 4], None)),
        (["src/http.py:3", "4"], ("4", "src/http.py", [3, 3], None)),
        (["why", "the", "retry?"], ("why the retry?", None, None, None)),
        (["src/http.py:3", "why", "the", "retry?"], ("why the retry?", "src/http.py", [3, 3], None)),
        (["why", "the", "retry", "src/http.py"], ("why the retry", "src/http.py", None, None)),
        (["why", "use", "the", "src"], ("why use the src", None, None, None)),
        (["why", "not", "node.js"], ("why not node.js", None, None, None)),
        (["HEAD~1", "why", "the", "retry?"], ("why the retry?", None, None, "HEAD~1")),
    ],
)
def test_every_spelling_of_a_place_asks_about_it(
    client: Runner, repo: Path, daemon: ScriptedDaemon, words: list[str], asked: tuple[object, ...]
) -> None:
    (repo / "odd:7").touch()
    daemon.script["ask"] = daemon.make_reply()
    for entry, before in (("main", ["ask"]), ("main_why", [])):
        assert client.run(*before, *words, entry=entry).returncode == 0
        params = daemon.get_params("ask")
        assert tuple(map(params.get, ("question", "file", "lines", "at"))) == asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["src/http.py", "odd:7.py", "why?"], "more than one file is named: src/http.py, odd:7.py"),
        (["-L", "3,4:src/http.py", "src/http.py"], "a place is named twice"),
        (["-L", "3,4:src/http.py", "src/http.py", "why?"], "a place is named twice"),
        (["why", "is", " "], "the question is empty"),
        (["src/http.py", "4-3"], "lines are counted from 1, the first before the last"),
    ],
)
def test_what_has_two_meanings_is_a_usage_error(client: Runner, repo: Path, words: list[str], said: str) -> None:
    (repo / "odd:7.py").touch()
    done = client.run("ask", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_two_words_that_name_no_file_are_a_question(client: Runner, daemon: ScriptedDaemon) -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params.get("file"):
            raise NotFoundError(f"no commit ever touched {params['file']}", "check the spelling")
        return daemon.make_reply(question=params["question"])

    daemon.script["ask"] = answer
    assert json.loads(client.run("ask", "retry", "twice", "--json").stdout)["question"] == "retry twice"
    done = client.run("ask", "gone", "why the retry?")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no commit ever touched gone" in done.stderr


def test_a_word_that_is_no_place_after_all_is_a_question(client: Runner, daemon: ScriptedDaemon) -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params.get("file") == "read/write":
            raise NotFoundError("no commit ever touched read/write", "check the spelling")
        if params.get("file") == "src/htp.py":
            raise NotFoundError("no commit ever touched src/htp.py", "did you mean src/http.py?")
        return daemon.make_reply(question=params["question"])

    daemon.script["ask"] = answer
    assert json.loads(client.run("ask", "read/write", "--json").stdout)["question"] == "read/write"
    for words in (["src/htp.py"], ["src/htp.py:3"]):
        done = client.run("ask", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "did you mean src/http.py?" in done.stderr
