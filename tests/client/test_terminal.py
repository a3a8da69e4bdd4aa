"""What an answer looks like to somebody who sits before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wcwidth
from tests.client.terminals import ESCAPES, Terminal, run_on_terminal

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

SHA = "4f1c2d9e" * 5
WIDE = "変更の理由はプロキシです。" * 6
TEXT = (
    f"Proxies drop idle connections 🎉 after a minute.\n\n{WIDE}\n\n- cafe\u0301 crème\n- 한국어 문장도 있습니다 그리고 더\n"
    * 3
)


@pytest.fixture(autouse=True)
def answered(repo: Path, daemon: ScriptedDaemon) -> None:
    repo.joinpath(".git", "config").write_text('[remote "origin"]\n\turl = https://ann:s3cret@github.com/o/r.git\n')
    daemon.script["ask"] = daemon.make_reply()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 160, 250])
def test_no_line_is_wider_than_the_terminal_but_one_word_that_cannot_be_broken(
    client: Runner, daemon: ScriptedDaemon, columns: int
) -> None:
    citation = daemon.make_citation(excerpt=TEXT, subject=WIDE, author="変更 太郎", path="src/" + "long" * 10 + ".py")
    daemon.script["ask"] = daemon.make_reply(answer=TEXT, citations=[citation, citation])
    seen = Terminal(client, columns).run("ask", "why the proxies?")
    assert seen.status == 0
    for line in seen.text.split("\n"):
        words = line.replace("│", " ").split()
        assert wcwidth.wcswidth(line) <= columns or len(words) == 1, line
    assert "変更の理由は"[:4] in seen.text


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_note_below_the_answer_is_broken_between_words_too(
    client: Runner, daemon: ScriptedDaemon, columns: int
) -> None:
    said = " ".join(["the model is being prepared: answered by words alone"] * 3)
    daemon.script["ask"] = daemon.make_reply(degraded=said)
    _, screen = run_on_terminal(client, "ask", "why?", columns=columns)
    note = ESCAPES.sub("", screen).split("note: ")[1].rstrip("\n").split("\n")
    assert max(map(len, note)) <= columns
    assert " ".join(note) == said


def test_prose_is_no_wider_than_can_be_read(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(answer="word " * 100)
    assert max(map(len, Terminal(client, 250).run("ask", "why?").text.split("\n"))) <= 100


def test_the_words_of_the_question_stand_out_in_the_excerpt(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(question="why is the connection dropped?")
    screen = Terminal(client).run("ask", "why is the connection dropped?").screen
    assert "Proxies \x1b[1mdrop\x1b[0m idle \x1b[1mconnections\x1b[0m. Nobody tells us." in screen


def test_of_a_long_excerpt_the_lines_that_match_are_shown(client: Runner, daemon: ScriptedDaemon) -> None:
    filler = "\n\n".join(f"Filler number {number} says nothing." for number in range(30))
    citation = daemon.make_citation(excerpt=f"{filler}\n\nA proxy drops idle connections.\n\n{filler}")
    daemon.script["ask"] = daemon.make_reply(citations=[citation], question="why the proxy?")
    text = Terminal(client).run("ask", "why the proxy?").text
    assert "A proxy drops idle connections." in text
    assert text.count("Filler") == 9
    assert "│ … Filler number 29 says nothing.\n   │ A proxy" in text
    assert "nothing. …\n" in text


def test_an_excerpt_that_the_answer_holds_whole_is_not_shown_again(client: Runner, daemon: ScriptedDaemon) -> None:
    told = daemon.make_citation(excerpt="A proxy drops\nidle connections.")
    more = daemon.make_citation(excerpt="A proxy drops idle connections.\nNobody tells us.")
    daemon.script["ask"] = daemon.make_reply(
        answer="A proxy drops idle connections. (4f1c2d9e4f)", citations=[told, more]
    )
    text = Terminal(client).run("ask", "why the proxy?").text
    assert text.count("drops idle connections.") == 2
    assert "Nobody tells us." in text


def test_lines_that_an_editor_broke_are_joined_and_lists_are_not(client: Runner, daemon: ScriptedDaemon) -> None:
    body = "A proxy drops connections that were\nidle for a minute, so that the first\nupload failed.\n\n- one\n- two\n"
    daemon.script["ask"] = daemon.make_reply(citations=[daemon.make_citation(excerpt=body)])
    lines = Terminal(client, 80).run("ask", "why?").text.split("\n")
    assert "   │ A proxy drops connections that were idle for a minute, so that the first" in lines
    assert lines[lines.index("   │ - one") + 1] == "   │ - two"


def test_what_became_of_a_commit_is_said_beside_it(client: Runner, daemon: ScriptedDaemon) -> None:
    citation = daemon.make_citation(reverted_by="b" * 40, replaced_by="c" * 40, successor_of="d" * 40)
    daemon.script["ask"] = daemon.make_reply(citations=[citation])
    text = Terminal(client).run("ask", "why?").text
    for words in ("reverted by bbbbbbbbbb", "replaced by cccccccccc", "stands for the rewritten dddddddddd"):
        assert f"   {words}\n" in text


def test_commits_are_linked_to_the_remote_without_its_password(client: Runner) -> None:
    screen = Terminal(client).run("ask", "why?").screen
    assert f"\x1b]8;;https://github.com/o/r/commit/{SHA}\x1b\\" in screen
    assert screen.count("\x1b]8;;\x1b\\") == screen.count("\x1b]8;;https") == 2  # in the answer and at the citation
    assert "s3cret" not in screen
    assert "ann" not in screen


@pytest.mark.parametrize(
    "env", [{"AIL_HYPERLINKS": "never"}, {"TERM": "dumb"}, {"TERM": "linux"}, {"TERM": "eterm-color"}]
)
def test_links_can_be_switched_off(client: Runner, env: dict[str, str]) -> None:
    assert "\x1b]8" not in Terminal(client).run("ask", "why?", **env).screen


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}, {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}]
)
def test_colour_can_be_switched_off(client: Runner, env: dict[str, str]) -> None:
    assert "\x1b[" not in Terminal(client).run("ask", "why?", **env).screen


def test_colour_goes_into_a_pipe_only_when_forced(client: Runner) -> None:
    assert "\x1b" not in client.run("ask", "why?").stdout
    client.env["CLICOLOR_FORCE"] = "1"
    assert "\x1b[35m" in client.run("ask", "why?").stdout


def test_git_s_own_pager_gets_colour_and_its_width(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(answer="word " * 50)
    client.env |= {"GIT_PAGER_IN_USE": "true", "COLUMNS": "40", "TERM": "xterm"}
    out = client.run("ask", "why?").stdout
    assert "\x1b[35m" in out
    assert max(map(len, out.split("\n")[:3])) <= 40


def test_grep_lines_are_the_same_in_colour_on_a_terminal_and_in_a_pipe(client: Runner) -> None:
    plain = client.run("ask", "why?", "--format", "grep").stdout
    assert Terminal(client, 20).run("ask", "why?", "--format", "grep", CLICOLOR_FORCE="1").screen == plain


def test_json_is_the_same_on_a_terminal(client: Runner) -> None:
    assert Terminal(client, 20).run("ask", "why?", "--json").screen == client.run("ask", "why?", "--json").stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_encoding_that_lacks_our_signs_gets_others(client: Runner, daemon: ScriptedDaemon, encoding: str) -> None:
    daemon.script["ask"] = daemon.make_reply(citations=[daemon.make_citation(subject="変 …")])
    seen = Terminal(client).run("ask", "why?", PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C")
    assert seen.status == 0
    assert "\\u5909" in seen.text
    assert "   | Proxies drop" in seen.text
    assert seen.notes == ""


def test_show_breaks_what_leaves_the_page_and_says_what_became_of_the_commit(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    daemon.script["show"] = {
        "sha": SHA, "author": "Jane", "author_time": "2026-05-04T09:12:33+02:00", "message": "Subject\n\n" + "word " * 40,
        "paths": ["a.py"], "reverted_by": None, "successor_of": "d" * 40,
    }  # fmt: skip
    seen = Terminal(client, 60).run("show", "4f1c")
    assert max(map(len, seen.text.split("\n"))) <= 60
    assert "stands for the rewritten dddddddddd\n" in seen.text
    assert f"\x1b]8;;https://github.com/o/r/commit/{SHA}\x1b\\\x1b[35m{SHA}" in seen.screen


@pytest.mark.parametrize("columns", [40, 100])
def test_repositories_are_listed_as_the_terminal_has_room(client: Runner, daemon: ScriptedDaemon, columns: int) -> None:
    home = client.env["HOME"]
    daemon.script["repo.list"] = {
        "repos": [{"path": f"{home}/project", "commits": 1200, "complete": True, "notice": None}]
    }
    seen = Terminal(client, columns).run("repos")
    expected = "~/project   1,200    ready\n" if columns == 100 else "~/project\n  1,200 commits, ready\n"
    assert expected in seen.text


def test_help_fits_the_terminal(client: Runner) -> None:
    for columns in (40, 80):
        text = Terminal(client, columns).run("--help").text
        assert all(len(line) <= columns for line in text.split("\n") if not line.startswith("  "))
