"""`ail-daemon install-service` under a real user manager of systemd's: enabled, woken by a client, watched, taken away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from tests.daemon.daemon_process import wait_until
from tests.running import BIN
from tests.session import Session
from tests.tools import one_fast

CLIENT, DAEMON = str(BIN / "ail-client"), str(BIN / "ail-daemon")


def read_status(session: Session) -> dict[str, object]:
    done = session.run(CLIENT, "status", "--json", "--no-start")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def install_hardened(session: Session) -> Path:
    """Install with a drop-in of the user's own, without which a home in /tmp, as a test's is, were hidden; return its path."""
    own = session.home.directory / "config" / "systemd" / "user" / "ail.service.d" / "own.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\nPrivateTmp=no\nEnvironment=TMPDIR=%t/ail\n")
    done = session.run(DAEMON, "install-service", "--hardened")
    assert (done.returncode, done.stderr) == (0, "")
    return own


def test_it_is_enabled_runs_and_answers_at_the_socket_of_systemd(session: Session) -> None:
    done = session.run(DAEMON, "install-service")
    assert (done.returncode, done.stderr) == (0, "")
    assert session.systemctl("is-enabled", "ail.socket", "ail.service").split() == ["enabled", "enabled"]
    assert read_status(session)["pid"] == int(session.show("ail.service", "MainPID"))
    assert read_status(session)["socket"] == session.socket


@pytest.mark.slow
def test_installed_again_it_changes_nothing(session: Session) -> None:
    session.run(DAEMON, "install-service")
    pid = read_status(session)["pid"]
    again = session.run(DAEMON, "install-service")
    assert (again.returncode, again.stdout) == (0, "installed already, and running\n")
    assert read_status(session)["pid"] == pid


@pytest.mark.slow
def test_after_a_stop_the_next_client_wakes_it(session: Session) -> None:
    session.run(DAEMON, "install-service")
    pid = read_status(session)["pid"]
    assert session.run(CLIENT, "stop").returncode == 0
    wait_until(lambda: session.show("ail.service", "ActiveState") == "inactive")
    assert read_status(session)["pid"] != pid, "systemd listened, and started it"
    assert session.show("ail.service", "ActiveState") == "active"


@pytest.mark.slow
def test_a_daemon_that_a_client_had_started_gives_way(session: Session) -> None:
    pid = json.loads(session.run(CLIENT, "status", "--json").stdout)["pid"]
    assert session.run(DAEMON, "install-service").returncode == 0
    assert read_status(session)["pid"] == int(session.show("ail.service", "MainPID"))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_one_that_was_killed_is_started_again(session: Session) -> None:
    session.run(DAEMON, "install-service")
    pid = session.show("ail.service", "MainPID")
    os.kill(int(pid), signal.SIGKILL)
    wait_until(lambda: session.show("ail.service", "MainPID") not in (pid, "0"))
    assert read_status(session)["pid"] == int(session.show("ail.service", "MainPID"))


@pytest.mark.slow
def test_one_that_hangs_is_killed_by_the_watchdog_and_started_again(session: Session) -> None:
    session.run(DAEMON, "install-service")
    session.systemctl("stop", "ail.service")
    drop_in = Path(session.home.directory) / "config/systemd/user/ail.service.d/own.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nWatchdogSec=1\n")  # the daemon is told, and speaks twice as often
    session.systemctl("daemon-reload")
    session.systemctl("start", "ail.service")
    pid, heard = session.show("ail.service", "MainPID"), set()

    def has_been_heard() -> bool:
        heard.add(session.show("ail.service", "WatchdogTimestampMonotonic"))
        return len(heard) > 4

    wait_until(has_been_heard)
    assert session.show("ail.service", "NRestarts") == "0", "while it is well it is left alone"
    os.kill(int(pid), signal.SIGSTOP)
    wait_until(lambda: session.show("ail.service", "MainPID") not in (pid, "0"))
    assert session.show("ail.service", "NRestarts") == "1"


@pytest.mark.slow
def test_hardened_it_reads_the_home_and_writes_its_own_directories_alone(session: Session) -> None:
    install_hardened(session)
    repo = session.home.directory / "project"
    for words in (["init", "-q", str(repo)], ["-C", str(repo), "commit", "-q", "--allow-empty", "-m", "Begin because"]):
        who = {f"GIT_{role}_{what}": "a" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], env=session.env | who, check=True)
    added = session.run(CLIENT, "add", str(repo), "--wait", "--timeout", "60")
    assert added.returncode == 0, added.stderr
    asked = session.run(CLIENT, "ask", "--repo", str(repo), "--json", "why begin?")
    assert json.loads(asked.stdout)["index"]["commits"] == 1
    mounts = Path(f"/proc/{session.show('ail.service', 'MainPID')}/mountinfo").read_text().splitlines()
    home = {line.split()[4]: line.split()[5].split(",")[0] for line in mounts}
    state = str(session.home.state)
    assert (home[state], home["/"]) == ("rw", "ro")


@pytest.mark.slow
def test_uninstalled_nothing_of_it_is_left_but_what_others_put_there(session: Session) -> None:
    own = install_hardened(session)
    units = own.parent.parent
    done = session.run(DAEMON, "uninstall-service")
    assert (done.returncode, done.stderr) == (0, "")
    assert [file for file in units.rglob("*") if file.is_file() or file.is_symlink()] == [own]
    assert session.systemctl("list-units", "--all", "--plain", "--no-legend", "ail.*") == ""
    assert session.run(DAEMON, "uninstall-service").stdout == "no service of ours is installed\n"


@pytest.mark.parametrize("name", one_fast(["a b%h$HOME", 'quo"te\\s', "ünï;code'"], "a b%h$HOME"))
def test_a_program_at_an_odd_path_is_found_by_systemd(session: Session, name: str) -> None:
    beside = session.home.directory / name
    beside.mkdir()
    (beside / "python3").symlink_to(BIN / "python")
    program = beside / "ail-daemon"
    program.write_text(f'#!/bin/sh\nexec {DAEMON} "$@"\n')
    program.chmod(0o755)
    code = (
        f"import sys; sys.executable = {str(beside / 'python3')!r}; from ail_daemon.cli import main; sys.exit(main())"
    )
    done = session.run(str(BIN / "python"), "-c", code, "install-service")
    assert (done.returncode, done.stderr) == (0, "")
    assert session.show("ail.service", "ActiveState") == "active"
