"""The units' texts: what systemd's and Apple's own readers make of them, whose files they replace, where they are shipped."""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.running import BIN, ROOT, Home
from tests.tools import require

from ail_daemon.administration.units import keeping
from ail_daemon.administration.units.texts import find_program, make_hardening, make_plist, make_service, make_socket
from ail_rpc.errors import UsageError

PROGRAM = str(BIN / "ail-daemon")


def write_units(directory: Path, *, is_hardened: bool = False) -> list[str]:
    (directory / "ail.service").write_text(make_service(PROGRAM, {"XDG_STATE_HOME": "/a b/100%"}))
    (directory / "ail.socket").write_text(make_socket())
    if is_hardened:
        (directory / "ail.service.d").mkdir()
        (directory / "ail.service.d" / "hardening.conf").write_text(make_hardening("/home/ann/my state/ail"))
    return [str(directory / "ail.socket"), str(directory / "ail.service")]


def analyze(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    command = [require("systemd-analyze"), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("is_hardened", [False, True], ids=["base", "hardened"])
def test_systemd_finds_nothing_to_say_of_the_units(tmp_path: Path, is_hardened: bool) -> None:
    done = analyze(tmp_path, "--user", "verify", *write_units(tmp_path, is_hardened=is_hardened))
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_systemd_would_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    units = write_units(tmp_path)
    (tmp_path / "ail.service").write_text(make_service(PROGRAM, {}).replace("WatchdogSec", "WatchDogSec"))
    assert "WatchDogSec" in analyze(tmp_path, "--user", "verify", *units).stderr


def test_hardened_the_service_is_exposed_by_2_1_of_10_at_the_most(tmp_path: Path) -> None:
    units = write_units(tmp_path, is_hardened=True)
    said = analyze(tmp_path, "security", "--offline=yes", units[1]).stdout
    found = re.search(r"Overall exposure level for ail\.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= 2.1


def test_the_units_as_they_lie_in_the_source_are_right_as_well(tmp_path: Path) -> None:
    home = tmp_path / ".local" / "bin"
    home.mkdir(parents=True)
    (home / "ail-daemon").symlink_to(PROGRAM)
    units = [str(ROOT / "systemd" / name) for name in ("ail.socket", "ail.service")]
    done = analyze(tmp_path, "--user", "verify", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_for_macos_starts_the_program_at_login_and_after_a_crash() -> None:
    agent = plistlib.loads(make_plist("/Users/ann & co/ail-daemon", {"XDG_STATE_HOME": "/s"}, "/s/log").encode())
    assert agent["ProgramArguments"] == ["/Users/ann & co/ail-daemon", "run"]
    assert (agent["Label"], agent["RunAtLoad"], agent["KeepAlive"]) == ("ail.daemon", True, {"SuccessfulExit": False})
    assert (agent["StandardErrorPath"], agent["EnvironmentVariables"]) == ("/s/log", {"XDG_STATE_HOME": "/s"})


@pytest.mark.parametrize(
    "program", ["/usr/bin/ail-daemon", "/a b/%h/$HOME", "/it's", '/quo"te\\s %n $$', "/ün;ï", "/a\\"]
)
def test_the_program_is_read_back_from_what_was_written(program: str) -> None:
    assert find_program(make_service(program, {})) == program
    assert find_program(make_plist(program, {}, "/log")) == program


def test_a_path_that_would_begin_a_line_of_its_own_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be written into a unit"):
        make_service("/a\nExecStartPre=/bin/evil", {})


def test_a_unit_of_somebody_else_is_left_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ail.socket").write_text("[Socket]\nListenStream=/mine\n")
    with pytest.raises(UsageError, match=r"ail\.socket is not ours"):
        keeping.save({tmp_path / "ail.service": make_service(PROGRAM, {}), tmp_path / "ail.socket": make_socket()})
    assert [file.name for file in tmp_path.iterdir()] == ["ail.socket"]
    assert keeping.remove([tmp_path / "ail.socket"]) == []


def test_without_a_session_it_writes_the_units_and_says_what_to_run(home: Home) -> None:
    done = home.run(PROGRAM, "install-service")
    assert done.returncode == 0, done.stderr
    assert "systemctl --user enable --now ail.socket ail.service" in done.stdout
    assert "AIL_SOCKET names" in done.stdout, "the service listens elsewhere"
    units = home.directory / "config" / "systemd" / "user"
    assert sorted(file.name for file in units.iterdir()) == ["ail.service", "ail.socket"]
    assert find_program((units / "ail.service").read_text()) == PROGRAM
    assert home.run(PROGRAM, "uninstall-service").returncode == 0
    assert list(units.iterdir()) == []


def test_where_systemd_does_not_answer_the_links_go_as_well(home: Home) -> None:
    home.run(PROGRAM, "install-service")
    units = home.directory / "config" / "systemd" / "user"
    for wants, unit in (("sockets.target.wants", "ail.socket"), ("default.target.wants", "ail.service")):
        (units / wants).mkdir()
        (units / wants / unit).symlink_to(units / unit)
    other = units / "default.target.wants" / "other.service"
    other.symlink_to("/elsewhere/other.service")
    done = home.run(PROGRAM, "uninstall-service")
    assert done.returncode == 0, done.stderr
    assert "no session of systemd answers" in done.stdout
    assert [file for file in units.rglob("*") if file.is_symlink() or file.is_file()] == [other]


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling, which builds the wheel, is not installed")
def test_the_units_come_with_the_installed_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    code = "from ail_daemon.administration.units.texts import make_socket, make_service, make_plist, make_hardening as hard;"
    code += "import ail_daemon; print(ail_daemon.__file__);"
    code += "print(bool(make_socket() and make_service('/p', {}) and make_plist('/p', {}, '/l') and hard('/s')))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(installed / "ail_daemon" / "__init__.py"), "True"]


def test_installed_without_hardening_it_takes_that_back(home: Home) -> None:
    drop_in = home.directory / "config" / "systemd" / "user" / "ail.service.d" / "hardening.conf"
    assert home.run(PROGRAM, "install-service", "--hardened").returncode == 0
    assert f"ReadWritePaths=-{home.state} " in drop_in.read_text()
    assert f"removed: {drop_in}" in home.run(PROGRAM, "install-service").stdout
    assert not drop_in.parent.exists()
