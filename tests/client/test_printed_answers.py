"""What is printed of a reply in each format: answer, citations, the nearest commits, notes, errors; and where it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.terminals import ESCAPES, run_on_terminal

from ail_rpc.errors import InternalError, NotEnrolledError, OutOfTimeError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")

HOSTILE = "\x1b[31mred\x07\x9b1m\x7f\u202egnp\u2066\u200b\u2028\u2029\udcff\ufeff\r"
FORBIDDEN = set("\x00\x07\x1b\x7f\x9b\u202e\u2066\u200b\u2028\u2029\ufeff\r\udcff")


def test_an_answer_is_printed_first_and_the_commit_that_says_it_after(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    done = client.run("ask", "why the retry?")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Proxies drop idle connections (4f1c2d9e)."
    assert lines[1] == "(very likely: 83%)"
    assert lines[3].startswith("1. 4f1c2d9e4f  2026-05-04 (")
    assert lines[3].endswith("Jane Doe")
    assert "   src/http.py:121" in lines
    assert "   says something alike, touches these lines" in lines


@pytest.mark.parametrize(
    ("confidence", "said"), [(0.0049, "(a guess: below 5%)"), (0.05, "(a guess: 5%)"), (0.4, "(perhaps: 40%)")]
)
def test_how_sure_an_answer_is_is_said_to_no_less_than_means_something(
    client: Runner, daemon: ScriptedDaemon, confidence: float, said: str
) -> None:
    daemon.script["ask"] = daemon.make_reply(confidence=confidence)
    assert client.run("ask", "why the retry?").stdout.splitlines()[1] == said


def test_a_quoted_comment_is_said_to_stand_where_it_stands_wherever_it_is_quoted(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    message = {"text": "x", "sha": "4f1c2d9e" * 5, "path": None, "line": 3, "kind": "message", "is_quoted": True}
    comment = message | {"path": "src/http.py", "line": 12, "kind": "comment", "line_now": 14, "is_current": True}
    daemon.script["ask"] = daemon.make_reply(evidence=[message, comment])
    assert "a comment written at src/http.py:12, today on line 14" in client.run("ask", "why?").stdout
    daemon.script["ask"] = daemon.make_reply(evidence=[message, comment | {"line_now": 12}])
    assert "a comment written at src/http.py:12, still there\n" in client.run("ask", "why?").stdout
    daemon.script["ask"] = daemon.make_reply(evidence=[comment | {"kind": "docs"}])
    assert "\ndocumentation written at src/http.py:12, today" in client.run("ask", "why?").stdout
    daemon.script["ask"] = daemon.make_reply(evidence=[comment | {"kind": "changelog"}])
    assert "\na changelog entry written at src/http.py:12, today" in client.run("ask", "why?").stdout
    daemon.script["ask"] = daemon.make_reply(evidence=[message, comment | {"is_quoted": False}])
    assert "a comment" not in client.run("ask", "why?").stdout


def test_no_evidence_is_said_on_stderr_and_exits_1(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(outcome="no_evidence", answer="", citations=[], confidence=0.1)
    done = client.run("ask", "why?")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No evidence" in done.stderr
    as_json = client.run("ask", "why?", "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["outcome"]) == (1, "no_evidence")


def test_where_no_reason_is_recorded_nothing_is_said_of_how_sure_that_is(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    said = "Retry once (4f1c2d9e4f)"
    daemon.script["ask"] = daemon.make_reply(outcome="no_reason_recorded", answer=said, confidence=0.08)
    done = client.run("ask", "why?")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"No reason is recorded. What was done: {said}")
    assert "%" not in done.stdout
    grep = client.run("ask", "why?", "--format", "grep")
    assert grep.stderr == f"No reason is recorded. What was done: {said}\n"
    markdown = client.run("ask", "why?", "--format", "markdown")
    assert "8%" not in markdown.stdout


def test_below_the_bar_the_nearest_commits_are_offered_as_such_in_two_lines_each(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    cited = [daemon.make_citation(subject=f"Retry {number}\x1b[2J") for number in range(2)]
    daemon.script["ask"] = daemon.make_reply(
        outcome="no_evidence", answer="", citations=cited, confidence=0.2, file=None
    )
    done = client.run("ask", "why?")
    assert (done.returncode, done.stdout) == (1, "")
    first, heading, *nearest, last = done.stderr.splitlines()
    assert (first, heading) == ("No evidence in the history that surely answers this.", "not sure; nearest:")
    assert [line for line in nearest if not line.startswith("      ")] == [
        f"   4f1c2d9e4f  Retry {number}\\x1b[2J" for number in range(2)
    ]
    assert len(nearest) == 4
    assert nearest[1].endswith("Proxies drop idle connections. Nobody tells us.")
    assert last.startswith("next: ")
    assert "name the file" in last
    assert client.run("ask", "why?", "--format", "grep").stderr == "No evidence in the history.\n"


def test_the_nearest_say_what_fits_the_question_in_two_lines_of_a_terminal(
    client: Runner, daemon: ScriptedDaemon
) -> None:
    sentence = "Proxies drop idle connections, so that the next request on such a one fails. " * 4
    cited = [
        daemon.make_citation(sentence=sentence),
        daemon.make_citation(sentence="Short,\x1b[2J because it was late."),
    ]
    daemon.script["ask"] = daemon.make_reply(outcome="no_evidence", answer="", citations=cited, confidence=0.2)
    status, shown = run_on_terminal(client, "ask", "why?", columns=80)
    lines = ESCAPES.sub("", shown).splitlines()
    told = [line for line in lines if line.startswith("      ")]
    assert (status, len(told)) == (1, 3)
    assert told[0].strip().endswith("Proxies drop idle connections, so that the next request on")
    assert told[1].endswith("…")
    assert max(map(len, lines)) <= 80
    assert told[2].endswith("Short,\\x1b[2J because it was late.")


def test_the_nearest_without_such_a_sentence_say_their_first_paragraph(client: Runner, daemon: ScriptedDaemon) -> None:
    cited = [daemon.make_citation(sentence="", excerpt="It replaces what generated the\nroot.\n\nMore of it.")]
    daemon.script["ask"] = daemon.make_reply(outcome="no_evidence", answer="", citations=cited, confidence=0.2)
    assert client.run("ask", "why?").stderr.splitlines()[3].endswith(": It replaces what generated the root.")


def test_what_to_try_next_goes_by_what_was_asked(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(outcome="no_evidence", answer="", citations=[], confidence=0.0)
    done = client.run("ask", "src/http.py", "why?")
    assert "nearest" not in done.stderr
    assert "leave the file out" in done.stderr


@pytest.mark.parametrize(("pending", "note"), [(1200, "note: 1,200 commits are not searchable in full yet\n"), (0, "")])
def test_how_many_commits_are_not_searchable_yet_is_noted_where_it_is_known(
    client: Runner, daemon: ScriptedDaemon, pending: int, note: str
) -> None:
    index = {"head": "4" * 40, "commits": 10, "pending": pending, "complete": False}
    daemon.script["ask"] = daemon.make_reply(index=index)
    assert client.run("ask", "why?").stderr == note


def test_a_degraded_answer_says_so_on_stderr(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(degraded="model missing")
    done = client.run("ask", "why?")
    assert (done.returncode, done.stderr) == (0, "note: model missing\n")
    assert "model missing" not in done.stdout


def test_grep_format_is_one_line_a_citation_as_the_contract_has_it(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    second = daemon.make_citation(path=None, line=None, excerpt="", subject="Other\nthing")
    daemon.script["ask"] = daemon.make_reply(repo=str(repo), citations=[daemon.make_citation(), second])
    assert client.run("ask", "why?", "--format", "grep").stdout.splitlines() == [
        "src/http.py:121:1: 4f1c2d9e4f Retry once on idle connections — Proxies drop idle connections.",
        "src/http.py:1:1: 4f1c2d9e4f Other thing",
    ]
    client.cwd = repo / "src"
    assert client.run("ask", "why?", "--format", "grep").stdout.startswith("http.py:121:1: ")
    daemon.script["ask"] = daemon.make_reply(repo=str(repo), file=None, citations=[second])
    assert client.run("ask", "why?", "--format", "grep").stdout.startswith("-:1:1: ")


def test_beside_grep_lines_the_answer_is_one_line_that_editors_bear(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(answer="Proxies\ndrop it.\n" * 10_000)
    [line] = client.run("ask", "why?", "--format", "grep").stderr.splitlines()
    assert line.startswith("(very likely: 83%) Proxies drop it. Proxies drop it.")
    assert line.endswith("…")
    assert len(line) == len("(very likely: 83%) ") + 1000


@pytest.mark.parametrize("form", ["text", "grep", "json"])
def test_no_control_character_of_a_commit_reaches_the_terminal(
    client: Runner, daemon: ScriptedDaemon, form: str
) -> None:
    hostile = daemon.make_citation(subject=HOSTILE, author=HOSTILE, excerpt=HOSTILE + "\n" + HOSTILE, path=HOSTILE,
                            author_time=HOSTILE, reasons=[HOSTILE],
                            pull_request={"number": 1, "title": HOSTILE})  # fmt: skip
    daemon.script["ask"] = daemon.make_reply(answer=HOSTILE, degraded=HOSTILE, citations=[hostile])
    done = client.run("ask", "why?", "--format", form)
    assert done.returncode == 0
    assert not FORBIDDEN & set(done.stdout + done.stderr)
    assert "red" in done.stdout


def test_an_error_s_own_words_cannot_steer_the_terminal_either(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = NotEnrolledError(f"{HOSTILE} was never added", "ail-client add")
    done = client.run("ask", "why?")
    assert (done.returncode, done.stdout) == (5, "")
    assert "was never added" in done.stderr
    assert "hint: ail-client add" in done.stderr
    assert not FORBIDDEN & set(done.stderr)


@pytest.mark.parametrize(("error", "status"), [(OutOfTimeError("late"), 4), (InternalError("bug", "request 7"), 70)])
def test_an_error_from_the_daemon_keeps_its_exit_status(
    client: Runner, daemon: ScriptedDaemon, error: Exception, status: int
) -> None:
    daemon.script["ask"] = error
    assert client.run("ask", "why?").returncode == status


def test_a_commit_is_shown_with_its_message_and_what_became_of_it(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["show"] = {
        "sha": "a" * 40, "author": "Jane", "author_time": "2026-05-04T09:12:33+02:00",
        "message": "Subject\n\nBody \x1b[2J", "paths": ["a.py"], "reverted_by": "b" * 40,
    }  # fmt: skip
    done = client.run("show", "aaaa")
    assert done.stdout.startswith(f"commit {'a' * 40}\n")
    assert "    Body \\x1b[2J\n" in done.stdout
    assert "reverted by bbbbbbbbbb\n" in done.stdout
    assert daemon.get_params("show")["sha"] == "aaaa"


def test_a_reader_that_leaves_early_is_no_error(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(citations=[daemon.make_citation(excerpt="word " * 2000)] * 100)
    with client.start("ask", "why?") as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert (process.stderr.read(), process.wait(30)) == ("", 0)


def test_a_full_disk_behind_stdout_is_said(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    command = [sys.executable, "-m", "ail_client", "ask", "why?"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=repo, env=client.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "could not be written: No space left" in done.stderr


def test_a_reply_of_unknown_form_is_a_sentence_and_exit_70(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = {"surprise": 1}
    done = client.run("ask", "why?")
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert "KeyError" in done.stderr
    client.env["AIL_DEBUG"] = "1"
    assert "Traceback" in client.run("ask", "why?").stderr


def test_the_wire_reply_is_printed_as_it_is_under_json(client: Runner, daemon: ScriptedDaemon) -> None:
    reply: dict[str, Any] = daemon.make_reply(extra={"future": [1, None, True]}, answer="é\u202e")
    daemon.script["ask"] = reply
    done = client.run("ask", "why?", "--json")
    assert done.stdout.isascii()
    assert json.loads(done.stdout) == reply
