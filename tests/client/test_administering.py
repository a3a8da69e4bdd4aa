from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ail_client.layout import describe_progress
from ail_client.progress import ProgressLine

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon


PROGRESS = "embedding 1,200 of 16,715 commits, 320/s, 48 s left"


def make_state(**changes: object) -> dict[str, Any]:
    state: dict[str, Any] = {
        "path": "/r", "head": "4" * 40, "commits": 0, "total": 16715, "pending": 16715, "complete": False,
        "phase": "embedding", "done": 1200, "of": 16715, "rate": 320.4, "eta_s": 48, "notice": None,
    }  # fmt: skip
    return {"repos": [state | changes]}


def test_add_enrols_the_repository_around_a_directory(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script["repo.add"] = {"repo": str(repo), "path": str(repo), "state": "new"}
    client.cwd = repo.parent
    done = client.run("add", "project/src")
    assert (done.returncode, done.stdout) == (0, f"added: {repo}\n")
    assert daemon.get_params("repo.add")["repo"] == str(repo)


def test_add_wait_returns_when_everything_is_searchable(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    states = iter([make_state(phase="idle", notice=None), make_state(), make_state(complete=True, pending=0)])
    daemon.script |= {"repo.add": {"path": str(repo)}, "status": lambda _params: next(states)}
    done = client.run("add", "--wait", "--json", "--timeout", "1")
    assert json.loads(done.stdout)["complete"] is True
    assert done.stderr == ""  # a script reads the reply, and ten seconds did not pass
    assert [method for method, _ in daemon.calls] == ["hello", "repo.add", "status", "status", "status"]


def test_add_wait_waits_for_a_model_that_is_being_prepared(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    notice = "the model is being prepared: words alone until then"
    searchable = make_state(complete=True, phase="idle", notice=notice)
    states = iter([searchable | {"preparing_s": 0.0}, searchable | {"preparing_s": 0.2}, make_state(complete=True)])
    daemon.script |= {"repo.add": {"path": str(repo), "notice": notice}, "status": lambda _params: next(states)}
    done = client.run("add", "--wait")
    assert (done.returncode, done.stdout) == (0, f"searchable: {repo}\n")
    assert "note:" not in done.stderr
    assert [method for method, _ in daemon.calls].count("status") == 3


def test_the_wait_ends_with_what_can_be_done_next(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    daemon.script |= {"repo.add": {"path": str(repo)}, "status": make_state(complete=True)}
    assert client.run("add", "--wait").stderr == 'next: git why "why …?" or git why FILE:LINE "why …?"\n'
    client.cwd = repo.parent
    done = client.run("add", "--wait", "project")
    assert done.stderr == f'next: cd {repo}; git why "why …?" or git why FILE:LINE "why …?"\n'
    assert done.stdout == f"searchable: {repo}\n"


def test_where_no_terminal_is_progress_is_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr("ail_client.progress.time.monotonic", lambda: now[0])
    line = ProgressLine()
    for second in range(25):
        now[0] = 100.0 + second
        line.show(f"embedding {second} of 25 commits\x1b[2J")
    line.clear()
    told = capsys.readouterr().err.splitlines()
    assert told == [f"embedding {second} of 25 commits\\x1b[2J" for second in (10, 20)]


def test_a_repository_that_fails_ends_the_wait_with_its_notice(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    failed = make_state(phase="idle", notice="its pack is damaged\x1b[2J")
    daemon.script |= {"repo.add": {"path": str(repo)}, "status": failed}
    done = client.run("add", "--wait")
    assert (done.returncode, done.stdout) == (5, "")
    assert "its pack is damaged\\x1b[2J" in done.stderr


def read_all(terminal: int) -> str:
    """What was written to a terminal whose other end is closed: Linux ends it with EIO."""
    written = b""
    with os.fdopen(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while chunk := file.read(4096):
            written += chunk
    return written.decode()


def test_progress_renews_one_line_on_a_terminal_and_takes_it_away(
    client: Runner, repo: Path, daemon: ScriptedDaemon
) -> None:
    states = iter([make_state(), make_state(done=2400), make_state(complete=True)])
    daemon.script |= {"repo.add": {"path": str(repo)}, "status": lambda _params: next(states)}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ail_client", "add", "--wait"]
    done = subprocess.run(command, cwd=repo, env=client.env, stderr=theirs, stdout=subprocess.PIPE, check=True)
    os.close(theirs)
    shown = read_all(ours)
    shown = shown.partition("next:")[0]
    assert [line[:14] for line in shown.split("\r\x1b[K")[1:]] == ["embedding 1,20", "embedding 2,40", ""]
    assert done.stdout == f"searchable: {repo}\n".encode()


def test_progress_tells_only_what_is_known() -> None:
    assert describe_progress({"phase": "reading", "done": 5, "of": None}) == "reading commits"
    assert describe_progress({"phase": "reading", "done": 5, "of": 9, "eta_s": 0}) == "reading 5 of 9 commits, 0 s left"


def test_a_repository_that_is_gone_from_the_disk_can_be_removed(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["repo.remove"] = {}
    assert client.run("remove", "vanished", "--purge").returncode == 0
    params = daemon.get_params("repo.remove")
    assert (params["repo"], params["purge"]) == (str(client.cwd / "vanished"), True)


def test_repos_and_status_are_tables_for_people(client: Runner, daemon: ScriptedDaemon) -> None:
    state = make_state(path="/home/\x1bme/r", commits=1200)["repos"][0]
    daemon.script["repo.list"] = {"repos": [state]}
    daemon.script["status"] = {"pid": 7, "socket": "/s", "version": "0.1.0", "model": None, "uptime_s": 61,
                               "rss_bytes": 140_000_000, "uss_bytes": 96_000_000, "repos": [state]}  # fmt: skip
    lines = client.run("repos").stdout.splitlines()
    assert lines == ["REPOSITORY      COMMITS  STATE", f"/home/\\x1bme/r  1,200    {PROGRESS}"]
    status = client.run("status").stdout
    assert "pid 7, up 1 min 1 s" in status
    assert "memory   140 MB resident, 96 MB of it the daemon's alone\n" in status
    assert lines[1] in status
    assert json.loads(client.run("status", "--json").stdout)["rss_bytes"] == 140_000_000


def test_a_model_that_is_being_loaded_is_not_called_missing(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["status"] = {"pid": 7, "socket": "/s", "version": "0.1.0", "model": None, "no_model": "model loading"}
    assert "model    loading\n" in client.run("status").stdout + "\n"
    daemon.script["status"]["no_model"] = "model missing"
    status = client.run("status").stdout
    assert "model    model missing: questions are answered by words alone" in status
    assert "ail-daemon model prepare" in status
    daemon.script["status"]["model_remedy"] = "run `pip install\x1b[2J`"
    assert "words alone; run `pip install\\x1b[2J`" in client.run("status").stdout


def test_a_model_that_is_being_prepared_says_for_how_long(client: Runner, daemon: ScriptedDaemon) -> None:
    told = {"model": None, "no_model": "the model is being prepared", "preparing_s": 12.7}
    daemon.script["status"] = {"pid": 7, "socket": "/s", "version": "0.1.0", **told}
    assert "model    preparing the model, 12 s: questions are answered by words alone" in client.run("status").stdout
    daemon.script["status"] |= {"model": "ab" * 32, "no_model": None}
    assert "model    ababababab; its files were damaged: preparing the model, 12 s" in client.run("status").stdout


def test_the_last_update_is_told_in_words_that_are_true(client: Runner, daemon: ScriptedDaemon) -> None:
    told = {"add": "when it was added", "hook": "a git hook told of it", "event": "seen on the disk"}
    for source, words in told.items():
        daemon.script["repo.list"] = make_state(complete=True, updated_by=source)
        assert f"ready (last update: {words})" in client.run("repos").stdout


def test_no_repositories_is_a_hint_on_stderr(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["repo.list"] = {"repos": []}
    done = client.run("repos")
    assert (done.returncode, done.stdout) == (0, "")
    assert "ail-client add" in done.stderr


@pytest.mark.parametrize(("is_ok", "status"), [(True, 0), (False, 1)])
def test_health_s_answer_is_its_exit_status(client: Runner, daemon: ScriptedDaemon, is_ok: bool, status: int) -> None:
    daemon.script["health"] = {"kind": "ready", "ok": is_ok}
    assert client.run("health", "ready").returncode == status
    assert daemon.get_params("health")["kind"] == "ready"


def test_the_other_commands_send_what_they_were_given(client: Runner, daemon: ScriptedDaemon) -> None:
    names = ("flags", "check.consistency", "backup", "reload")
    daemon.script |= {name: {"ok": True, "hits": 3} for name in names}
    assert client.run("check", "consistency", "--sample", "9").returncode == 0
    assert daemon.get_params("check.consistency")["sample"] == 9
    client.run("flags", "A=1", "B=x=y")
    assert daemon.get_params("flags")["set"] == {"A": "1", "B": "x=y"}
    client.run("backup", "b.bak")
    assert daemon.get_params("backup")["file"] == str(client.cwd / "b.bak")
    assert client.run("cache", "warm").returncode == 2
    assert client.run("flags", "A").returncode == 2
    assert client.run("reload").returncode == 0


def test_metrics_are_printed_as_they_are_or_asked_for_as_json(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["metrics"] = "# TYPE a counter\na 1\x1b\n"
    assert client.run("metrics").stdout == "# TYPE a counter\na 1\\x1b\n"
    daemon.script["metrics"] = {"metrics": {"a": [{"value": 1}]}}
    assert json.loads(client.run("metrics", "--json").stdout)["metrics"] == {"a": [{"value": 1}]}
    assert daemon.get_params("metrics")["json"] is True
