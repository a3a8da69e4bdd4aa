"""`ail-client doctor`: what the client sees for itself, how findings look, and what is told where no daemon can be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.client.conftest import Runner, ScriptedDaemon

from ail_client.findings import render_findings
from ail_client.layout import Page
from ail_rpc import VERSION

STATUS = {"version": VERSION, "pid": 1, "uptime_s": 61, "rss_bytes": 150_000_000}
CHECK = {"name": "disk", "state": "ok", "said": "5 MB", "todo": ""}


@pytest.fixture
def daemon(daemon: ScriptedDaemon) -> ScriptedDaemon:
    """The scripted daemon, at a socket as a real one makes it."""
    Path(daemon.path).chmod(0o600)
    return daemon


def examine(client: Runner, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = client.run("doctor", "--json", *options)
    told = json.loads(done.stdout)
    assert told["ok"] == (done.returncode == 0)
    return done.returncode, {check["name"]: check for check in told["checks"]}


def test_what_the_daemon_found_is_told_with_what_the_client_sees(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script |= {"doctor": {"ok": True, "checks": [CHECK]}, "status": STATUS}
    status, found = examine(client)
    assert (status, list(found)) == (0, ["client", "daemon", "socket", "disk"])
    assert "up 1 min 1 s, 150 MB" in found["daemon"]["said"]


def test_a_warning_exits_0_and_a_failure_1(client: Runner, daemon: ScriptedDaemon) -> None:
    for state, status in (("warn", 0), ("fail", 1)):
        daemon.script |= {"doctor": {"ok": True, "checks": [CHECK | {"state": state}]}, "status": STATUS}
        assert examine(client)[0] == status


def test_a_daemon_of_another_version_is_warned_of(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script |= {"doctor": {"ok": True, "checks": []}, "status": STATUS | {"version": "9.0.0"}}
    assert examine(client)[1]["daemon"]["state"] == "warn"


def test_a_socket_that_others_may_open_fails(client: Runner, daemon: ScriptedDaemon) -> None:
    Path(daemon.path).chmod(0o666)
    daemon.script |= {"doctor": {"ok": True, "checks": []}, "status": STATUS}
    status, found = examine(client)
    assert (status, found["socket"]["todo"]) == (1, f"chmod 600 {daemon.path}")


def test_a_directory_that_others_may_enter_fails(client: Runner, socket_path: str) -> None:
    Path(socket_path).parent.chmod(0o755)
    status, found = examine(client)
    assert (status, found["socket"]["state"]) == (1, "fail")
    assert "0755" in found["socket"]["said"]


def test_without_the_extra_it_says_what_to_install(client: Runner, socket_path: str) -> None:
    assert socket_path
    client.env["PATH"] = str(Path(client.cwd) / "nothing")
    status, found = examine(client)
    assert status == 1
    assert found["ail-daemon"]["todo"] == "pip install 'archaeological-intelligence[daemon]'"


def test_what_to_do_stands_below_and_nothing_can_be_hidden() -> None:
    checks = [CHECK, {"name": "git", "state": "fail", "said": "gone\x1b[2J", "todo": "install\u202egit"}]
    assert render_findings(checks, Page(None, False)) == (
        "ok    disk: 5 MB\nfail  git: gone\\x1b[2J\n      -> install\\u202egit\n\n1 failed"
    )


def test_long_findings_fit_the_page() -> None:
    check = CHECK | {"said": "some words " * 20, "todo": "other words " * 20}
    assert max(map(len, render_findings([check], Page(40, False)).splitlines())) <= 40
