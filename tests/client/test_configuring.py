"""`flags`, `reload` and `cache` against a scripted daemon: what is sent, what is shown, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_rpc.errors import UsageError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

ENABLED = {"name": "AIL_FAISS_ENABLED", "value": False, "origin": "flags"}
REFS = {"name": "AIL_REFS", "value": ["tags", "branches"], "origin": "file"}
TOKEN = {"name": "GITHUB_TOKEN", "value": None, "origin": "default"}
STATS = {"hits": 3, "misses": 1, "evictions": 2, "entries": 4, "size": 1000, "bytes": 12_345}


def test_flags_are_a_table_of_names_values_and_origins(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["flags"] = {"flags": [ENABLED, REFS, TOKEN], "changed": [], "applying": []}
    done = client.run("flags")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        "SETTING", "AIL_FAISS_ENABLED", "AIL_REFS", "GITHUB_TOKEN"
    ]  # fmt: skip
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        ["AIL_FAISS_ENABLED", "false", "set", "while", "running"],
        ["AIL_REFS", "tags,", "branches", "file"],
        ["GITHUB_TOKEN", "none", "default"],
    ]
    assert daemon.get_params("flags") == {}


def test_assignments_are_sent_together_and_what_changed_is_told(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["flags"] = {"flags": [], "changed": [ENABLED], "applying": ["AIL_MODEL"]}
    done = client.run("flags", "faiss_enabled=off", "A=x=y")
    assert daemon.get_params("flags") == {"set": {"faiss_enabled": "off", "A": "x=y"}}
    assert done.stdout == "AIL_FAISS_ENABLED = false (set while running)\n"
    assert "still under way: AIL_MODEL" in done.stderr


def test_a_flag_that_is_no_assignment_or_given_twice_is_refused(client: Runner, daemon: ScriptedDaemon) -> None:
    for arguments in (["A"], ["=1"], ["A=1", "A=2"]):
        assert client.run("flags", *arguments).returncode == 2
    assert not daemon.calls


def test_the_daemon_s_refusal_is_told_as_it_is(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["flags"] = UsageError("FAISS_ROLLOUT must be a whole number", "nothing was changed")
    done = client.run("flags", "FAISS_ROLLOUT=101")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "ail-client: FAISS_ROLLOUT must be a whole number",
        "hint: nothing was changed",
    ]


def test_reload_says_what_changed_by_it(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["reload"] = {"changed": [REFS], "applying": []}
    assert client.run("reload").stdout == "AIL_REFS = tags, branches (file)\n"
    daemon.script["reload"] = {"changed": [], "applying": []}
    assert client.run("reload").stdout == "nothing changed\n"
    assert json.loads(client.run("reload", "--json").stdout) == {"changed": [], "applying": []}


def test_cache_stats_tell_hits_misses_evictions_size_and_memory(client: Runner, daemon: ScriptedDaemon) -> None:
    embeddings = {"hits": 30, "misses": 10}
    daemon.script["cache.stats"] = {
        "exact": STATS,
        "similar": {**STATS, "hits": 0, "misses": 0},
        "embeddings": embeddings,
    }
    _, exact, similar, texts = client.run("cache", "stats").stdout.splitlines()
    assert exact.split() == ["exact", "(L1)", "4", "1,000", "3", "1", "75", "%", "2", "12", "kB"]
    assert similar.split()[6] == "-"
    assert texts == "embeddings: 30 of 40 texts were not encoded anew"


@pytest.mark.usefixtures("repo")
def test_cache_clear_is_about_everything_unless_a_repository_is_named(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["cache.clear"] = {"exact": 4, "similar": 1}
    assert client.run("cache", "clear").stdout == "forgotten: 4 answers, and 1 to similar questions\n"
    assert daemon.get_params("cache.clear") == {}
    client.run("cache", "clear", "--repo", ".")
    assert set(daemon.get_params("cache.clear")) == {"repo"}


@pytest.mark.usefixtures("repo")
def test_warm_sends_a_file_in_parts_and_tells_failures_by_their_line(client: Runner, daemon: ScriptedDaemon) -> None:
    sent: list[list[str]] = []

    def warm(params: dict[str, Any]) -> dict[str, Any]:
        sent.append(params["questions"])
        wrong = [
            {"line": n, "reason": "no such \x1b file"} for n, line in enumerate(params["questions"], 1) if line == "bad"
        ]
        return {"warmed": len(params["questions"]) - len(wrong), "failed": len(wrong), "failures": wrong}

    daemon.script["cache.warm"] = warm
    lines = [f"src/a.py\twhy {n}?" for n in range(70)] + ["bad"]
    (client.cwd / "questions.txt").write_bytes("\r\n".join(lines).encode())
    done = client.run("cache", "warm", "questions.txt")
    assert (done.returncode, done.stdout) == (0, "warmed: 70, failed: 1\n")
    assert done.stderr == "questions.txt:71: no such \\x1b file\n"
    assert [line for part in sent for line in part] == lines
    assert len(sent) == 2


@pytest.mark.usefixtures("repo")
def test_warm_reads_stdin_and_fails_where_nothing_could_be_warmed(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["cache.warm"] = {"warmed": 0, "failed": 1, "failures": [{"line": 1, "reason": "model missing"}]}
    Path(client.cwd / "piped").write_text("why?\n")
    with (client.cwd / "piped").open() as piped:
        client.stdin = piped.fileno()
        done = client.run("cache", "warm", "-")
    assert (done.returncode, done.stdout) == (1, "warmed: 0, failed: 1\n")
    assert daemon.get_params("cache.warm")["questions"][0] == "why?"


def test_warm_with_a_file_that_is_not_there_asks_nothing(client: Runner, daemon: ScriptedDaemon) -> None:
    done = client.run("cache", "warm", "nowhere.txt")
    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr
    assert client.run("cache", "warm").returncode == client.run("cache", "stats", "f").returncode == 2
    assert not daemon.calls
