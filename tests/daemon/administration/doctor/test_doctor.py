"""The doctor, with each part taken away or damaged for real: it finds that, says what to do, and nothing else."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.conftest import Repository
from tests.running import BIN, NO_WEIGHTS, Home

from ail_daemon.administration.doctor.machine import can_harden, look_at_watches
from ail_daemon.administration.doctor.parts import KNOWN_SIMILARITY

pytestmark = pytest.mark.model
PARTS = ["libraries", "settings", "model", "faiss", "sqlite", "git", "watches", "disk", "service", "github"]
Found = dict[str, dict[str, str]]


def examine(home: Home, *options: str, **env: str) -> tuple[int, Found]:
    done = home.client("doctor", "--json", *options, env=env)
    assert done.stderr == ""
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def find_wrong(found: Found) -> list[tuple[str, str]]:
    return [(name, check["state"]) for name, check in found.items() if check["state"] != "ok"]


@pytest.fixture
def indexed(home: Home, repo: Repository) -> Repository:
    """An indexed repository; its daemon runs."""
    assert home.client("add", str(repo.path), "--wait").returncode == 0
    return repo


def test_where_all_is_well_it_says_so_of_everything(home: Home, indexed: Repository) -> None:
    status, found = examine(home)
    assert (status, find_wrong(found)) == (0, [])
    assert list(found) == ["client", "daemon", "socket", *PARTS, f"repository {indexed.path}"]
    near = re.search(r"say the same: ([\d.]+)", found["model"]["said"])
    assert near
    assert float(near[1]) == pytest.approx(
        KNOWN_SIMILARITY, abs=0.02
    )  # processors round int8 products in two ways: .74, .75
    assert found[f"repository {indexed.path}"]["said"] == "3 commits, all searchable"


@pytest.mark.slow
def test_without_a_daemon_it_finds_the_same(home: Home, indexed: Repository) -> None:
    _, with_daemon = examine(home)
    home.stop()
    status, without = examine(home, "--no-start")
    assert (status, find_wrong(without)) == (0, [("daemon", "warn")])
    assert {name: without[name]["said"] for name in PARTS if name != "disk"} == {
        name: with_daemon[name]["said"] for name in PARTS if name != "disk"
    }
    assert without[f"repository {indexed.path}"]["said"] == "3 commits, all searchable"


@pytest.mark.slow
@pytest.mark.usefixtures("indexed")
def test_a_daemon_that_hangs_is_told_of_and_the_rest_examined(home: Home) -> None:
    pid = json.loads(home.client("status", "--json").stdout)["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        status, found = examine(home)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (status, find_wrong(found)) == (1, [("daemon", "fail")])
    assert f"pid {pid}" in found["daemon"]["said"]


@pytest.mark.slow
def test_a_wrong_setting_is_named(bare_home: Home) -> None:
    file = bare_home.directory / "config" / "ail" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("FAISS_ROLLOUT = 101\n")
    status, found = examine(bare_home)
    assert (status, find_wrong(found)) == (1, [("daemon", "fail"), ("settings", "fail"), ("model", "warn")])
    assert "FAISS_ROLLOUT must be a whole number from 0 to 100" in found["settings"]["said"]
    assert found["settings"]["todo"] == f"correct it in {file}"


@contextmanager
def own_models(home: Home) -> Iterator[Path]:
    """Give the home a copy of its models that may be damaged."""
    yield home.own_models((home.state / "models").resolve())


def test_a_missing_model_is_a_warning_with_what_to_run(home: Home) -> None:
    (home.state / "models").unlink()
    home.model = NO_WEIGHTS
    status, found = examine(home)
    assert (status, find_wrong(found)) == (0, [("model", "warn")])
    assert "ail-daemon model prepare" in found["model"]["todo"]


@pytest.mark.parametrize("name", ["model.onnx", "words.bin"])
def test_a_damaged_model_fails(home: Home, name: str) -> None:
    with own_models(home) as models:
        for file in models.glob(f"*/{name}"):
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.chmod(0o600)
            file.write_bytes(content)
        status, found = examine(home, "--no-start")
    assert (status, find_wrong(found)) == (1, [("daemon", "warn"), ("model", "fail")])


@pytest.mark.slow
@pytest.mark.usefixtures("indexed")
def test_a_damaged_index_fails_and_says_what_repairs_it(home: Home) -> None:
    home.stop()
    (store,) = home.state.glob("repos/*/store.sqlite")
    with store.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(bytes(4096))
    status, found = examine(home, "--no-start")
    assert (status, find_wrong(found)) == (1, [("daemon", "warn"), ("sqlite", "fail")])
    assert found["sqlite"]["todo"] == "ail-client check index"


def test_a_repository_that_is_gone_fails(bare_home: Home, repo: Repository) -> None:
    bare_home.client("add", str(repo.path), "--wait")
    repo.path.rename(repo.path.with_name("elsewhere"))
    status, found = examine(bare_home)
    assert (status, find_wrong(found)) == (1, [("model", "warn"), (f"repository {repo.path}", "fail")])
    assert "ail-client remove" in found[f"repository {repo.path}"]["todo"]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a directory away")
def test_a_repository_that_became_another_user_s_fails(bare_home: Home, repo: Repository) -> None:
    bare_home.client("add", str(repo.path), "--wait")
    os.chown(repo.path / ".git", 65534, 65534)
    status, found = examine(bare_home)
    assert (status, find_wrong(found)) == (1, [("model", "warn"), (f"repository {repo.path}", "fail")])


def test_without_git_it_fails(bare_home: Home) -> None:
    status, found = examine(bare_home, "--no-start", PATH=str(BIN))
    assert (status, find_wrong(found)) == (1, [("daemon", "warn"), ("model", "warn"), ("git", "fail")])


@pytest.mark.slow
def test_a_service_of_an_installation_that_is_gone_fails(bare_home: Home) -> None:
    assert bare_home.run(str(BIN / "ail-daemon"), "install-service").returncode == 0
    unit = bare_home.directory / "config" / "systemd" / "user" / "ail.service"
    unit.write_text(unit.read_text().replace(str(BIN), "/opt/gone/bin"))
    status, found = examine(bare_home, "--no-start")
    assert (status, find_wrong(found)) == (1, [("daemon", "warn"), ("model", "warn"), ("service", "fail")])
    assert found["service"]["said"] == "the service runs /opt/gone/bin/ail-daemon, which is not there any more"


def test_low_limits_of_watches_come_with_the_command_that_raises_them(tmp_path: Path) -> None:
    (tmp_path / "max_user_watches").write_text("8000\n")
    (tmp_path / "max_user_instances").write_text("128\n")
    found = look_at_watches([], tmp_path)
    assert (found.state, found.todo) == ("warn", "sudo sysctl -w fs.inotify.max_user_watches=8192")


@pytest.mark.parametrize("name", ["user/max_user_namespaces", "kernel/apparmor_restrict_unprivileged_userns", "none"])
def test_hardening_is_recommended_where_the_kernel_lets_it_work(name: str) -> None:
    forbidding = {"user/max_user_namespaces": "0\n", "kernel/apparmor_restrict_unprivileged_userns": "1\n"}

    def read(asked: str) -> str:
        if asked == name:
            return forbidding[asked]
        raise FileNotFoundError(asked)

    assert can_harden(read) == (name == "none")


@pytest.mark.slow
def test_of_one_repository_alone_and_of_one_that_is_not_enrolled(
    home: Home, indexed: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    assert home.client("add", str(other.path)).returncode == 0
    _, found = examine(home, "--repo", str(indexed.path))
    assert [name for name in found if name.startswith("repository")] == [f"repository {indexed.path}"]
    assert home.client("doctor", "--repo", str(Repository(tmp_path / "third").path)).returncode == 5
