"""Repositories made to harm whoever reads them: every command of ours over canaries and traps. Nothing runs, nothing is
written, nothing is fetched, and nobody else waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.hostile_repository import CANARIES, TRAPS, hash_tree, plant
from tests.integration.conftest import Repository
from tests.running import BIN, Home, sealed_home
from tests.tools import one_fast, require

from ail_client.connection import connect
from ail_client.deadline import Deadline

pytestmark = pytest.mark.model


class Cage:
    """A planted repository, its log of canaries, and a daemon that runs under strace for as long as the module lasts."""

    def __init__(self, home: Home, repo: Repository, log: Path) -> None:
        self.home, self.repo, self.log = home, repo, log
        self.trace = home.directory / "trace"
        self._is_enrolled = False

    def enrol(self) -> None:
        """Add the repository, unless a test before did."""
        if not self._is_enrolled:
            self.run(*ADD)
            self._is_enrolled = True

    def forget(self) -> None:
        """Let the next test add the repository anew."""
        self._is_enrolled = False

    def run(self, *words: str, cwd: Path | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of ours within the repository, under strace as well; nothing it says is looked at."""
        traced = ["strace", "-f", "-qq", "-e", "trace=network", "-A", "-o", str(self.trace)]
        program = shutil.which(words[0], path=str(BIN)) or words[0]
        return self.home.run(*traced, program, *words[1:], cwd=cwd or self.repo.path, input=stdin or "", timeout=200)

    def read_sung(self) -> list[str]:
        """Return the canaries that ran."""
        return self.log.read_text().split() if self.log.exists() else []

    def read_network(self) -> list[str]:
        """Return the calls that had anything to do with a network but for Unix sockets, which are named by their path."""
        lines = self.trace.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"AF_(?!UNIX)[A-Z0-9]+|PF_(?!UNIX)[A-Z]+", line)]


def make_project(path: Path) -> Repository:
    made = Repository(path)
    made.shas = {
        "first": made.commit("Begin\n\nBecause somebody has to.", app__py="one = 1\ntwo = 2\n"),
        "retry": made.commit(
            "Retry once\n\nProxies drop idle connections, so that the first try fails.\n\nWhy: proxies",
            app__py="one = 1\ntwo = retry(2)\n",
            page__txt="blue\n",
        ),
    }
    return made


@pytest.fixture(scope="module")
def cage(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cage]:
    """A repository that is hostile from the beginning, enrolled by a traced client of a traced daemon."""
    require("strace")
    directory = tmp_path_factory.mktemp("cage")
    repo = make_project(directory / "project")
    (repo.path / "app.py").write_text("one = 1\ntwo = retry(3)\n")
    repo.git("add", "-A")  # something is staged
    plant(repo.path, directory / "sung")
    with sealed_home(models) as home:
        made = Cage(home, repo, directory / "sung")
        daemon = start_traced(made)
        yield made
        home.stop()
        daemon.wait(30)


def start_traced(cage: Cage) -> subprocess.Popen[bytes]:
    read, write = os.pipe()
    traced = ["strace", "-f", "-qq", "-e", "trace=network", "-A", "-o", str(cage.trace)]
    run = [*traced, str(BIN / "ail-daemon"), "run", "--ready-fd", str(write)]
    process = subprocess.Popen(run, env=cage.home.env, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as ready:
        assert '"socket"' in ready.readline()
    return process


ADD = ("ail-client", "add", ".", "--wait", "--timeout", "180")
COMMANDS: dict[str, tuple[str, ...]] = {
    "add": ADD,
    "ask": ("ail-client", "ask", "--no-cache", "why do we retry?"),
    "ask FILE": ("ail-client", "ask", "--no-cache", "app.py", "why do we retry?"),
    "ask FILE:LINE": ("ail-client", "ask", "--no-cache", "app.py:2", "why do we retry?"),
    "ask --ref": ("ail-client", "ask", "--no-cache", "--ref", "signed", "why do we retry?"),
    "ask --since": ("ail-client", "ask", "--no-cache", "--since", "2 years ago", "why do we retry?"),
    "ask --path": ("ail-client", "ask", "--no-cache", "--path", "*.py", "why do we retry?"),
    "git why": ("git-why", "app.py:1", "why is it one?"),
    "related FILE": ("ail-client", "related", "app.py"),
    "related --staged": ("ail-client", "related", "--staged"),
    "related RANGE": ("ail-client", "related", "--range", "HEAD^..HEAD"),
    "show": ("ail-client", "show", "HEAD"),
    "check index": ("ail-client", "check", "index", "--repo", "."),
    "check consistency": ("ail-client", "check", "consistency", "--repo", ".", "--sample", "2"),
    "status": ("ail-client", "status"),
    "repos": ("ail-client", "repos"),
    "doctor": ("ail-client", "doctor"),
    "metrics": ("ail-client", "metrics"),
    "cache stats": ("ail-client", "cache", "stats"),
    "backup": ("ail-client", "backup", "{home}/kept.bak"),
    "restore": ("ail-client", "restore", "{home}/kept.bak"),
    "hook pre-commit": ("ail-hook", "run", "pre-commit"),
    "hook prepare-commit-msg": ("ail-hook", "run", "prepare-commit-msg", "{home}/message"),
    "hook post-commit": ("ail-hook", "run", "post-commit"),
    "hook post-merge": ("ail-hook", "run", "post-merge", "0"),
    "hook post-checkout": ("ail-hook", "run", "post-checkout", "HEAD", "HEAD", "1"),
    "hook post-rewrite": ("ail-hook", "run", "post-rewrite", "rebase"),
    "hook status": ("ail-hook", "status"),
    "remove --purge": ("ail-client", "remove", ".", "--purge"),
}  # fmt: skip
OF_USE = {
    "add": 0, "ask": 0, "ask FILE:LINE": 0, "ask --ref": 0, "related FILE": 1, "related --staged": 1, "related RANGE": 1,
    "show": 0, "check index": 0, "backup": 0, "restore": 0,
}  # fmt: skip
"""What these may exit with besides 0: they must do their work, or the others prove nothing."""


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_runs_writes_or_fetches_anything(cage: Cage, name: str) -> None:
    (cage.home.directory / "message").write_text("")
    if name != "add":
        cage.enrol()
    if name == "remove --purge":
        cage.forget()
    if name == "restore":
        cage.run("ail-client", "backup", f"{cage.home.directory}/kept.bak")
    before = hash_tree(cage.repo.path)
    words = [word.format(home=cage.home.directory, **cage.repo.shas) for word in COMMANDS[name]]
    words = [cage.repo.shas["retry"] if word == "HEAD" and name == "show" else word for word in words]
    done = cage.run(*words)
    assert (cage.read_sung(), cage.read_network()) == ([], [])
    assert hash_tree(cage.repo.path) == before
    assert name not in OF_USE or done.returncode in (0, OF_USE[name]), done.stderr


@pytest.mark.slow
def test_an_assistant_runs_writes_or_fetches_no_more_than_a_person(cage: Cage) -> None:
    cage.enrol()
    before = hash_tree(cage.repo.path)
    traced = ["-f", "-qq", "-e", "trace=network", "-A", "-o", str(cage.trace), str(BIN / "ail-mcp")]
    server = StdioServerParameters(command="strace", args=traced, env=cage.home.env, cwd=cage.repo.path)

    async def use_every_tool() -> list[bool]:
        calls: dict[str, dict[str, object]] = {
            "history_ask": {"question": "why do we retry?", "path": "app.py", "start_line": 2},
            "history_related": {},
            "history_commit": {"sha": cage.repo.shas["retry"]},
            "history_status": {},
        }
        async with Client(stdio_client(server, errlog=open(os.devnull, "w"))) as client:
            return [bool((await client.call_tool(name, given)).is_error) for name, given in calls.items()]

    failed = asyncio.run(asyncio.wait_for(use_every_tool(), 60))
    assert (failed, cage.read_sung(), cage.read_network()) == ([False] * 4, [], [])
    assert hash_tree(cage.repo.path) == before


def test_the_canaries_would_sing_and_a_network_call_would_show(tmp_path: Path) -> None:
    require("strace")
    repo = make_project(tmp_path / "project")
    plant(repo.path, tmp_path / "sung")
    path = [name for name in os.get_exec_path() if not Path(name, "git-why").exists()]  # ours would go before the alias
    env = {"PATH": os.pathsep.join(path), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    asked = ("status", "log --show-signature signed", "diff", "commit --allow-empty", "fetch", "why")
    for words in map(str.split, asked):
        subprocess.run(
            ["git", f"--work-tree={repo.path}", *words], cwd=repo.path, env=env, capture_output=True, check=False
        )
    sung = set((tmp_path / "sung").read_text().split())
    assert {"core.fsmonitor", "core.sshCommand", "filter.canary.process", "gpg.program", "alias.why"} <= sung, sung
    assert CANARIES >= 24
    trace = tmp_path / "trace"
    program = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    traced = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
    subprocess.run([*traced, sys.executable, "-c", program], check=True)
    assert "AF_INET" in trace.read_text()


def test_no_library_of_ours_keeps_or_sends_anything_of_its_own(cage: Cage) -> None:
    cage.enrol()
    cage.run(*COMMANDS["ask"])
    ours = {"state", "ail.sock", "ail.sock.lock", "ail.sock.start", "trace", "message", "kept.bak"}
    assert {path.name for path in cage.home.directory.iterdir()} <= ours  # onnxruntime left a device's id in ~/.cache
    assert cage.read_network() == []


def test_a_repository_that_turns_hostile_after_it_was_added_is_as_harmless(home: Home, tmp_path: Path) -> None:
    repo = make_project(tmp_path / "project")
    with home.daemon(), home.connected() as call:
        call("repo.add", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        plant(repo.path, tmp_path / "sung")
        before = hash_tree(repo.path)
        call("repo.notify", repo=str(repo.path))
        call.wait_complete(str(repo.path))
        reply = call(
            "ask", repo=str(repo.path), question="why do we retry?", file="app.py", lines=[2, 2], no_cache=True
        )
        assert repo.shas["retry"] in [cited["sha"] for cited in reply["citations"]]
        assert call("check.index", repo=str(repo.path))["ok"]
        assert hash_tree(repo.path) == before
    assert not (tmp_path / "sung").exists()


def test_a_git_directory_elsewhere_is_read_only_where_it_is_ours(home: Home, tmp_path: Path) -> None:
    elsewhere = make_project(tmp_path / "elsewhere")
    (tmp_path / "pointing").mkdir()
    (tmp_path / "pointing" / ".git").write_text(f"gitdir: {elsewhere.path}/.git\n")
    os.chown(elsewhere.path / ".git", 65534, -1) if os.geteuid() == 0 else pytest.skip("giving files away needs root")
    done = home.client("add", str(tmp_path / "pointing"), "--wait")
    assert done.returncode == 5
    assert "belongs to another user" in done.stderr


def test_a_bare_repository_within_an_enrolled_one_is_not_read_with_it(home: Home, repo: Repository) -> None:
    inner = repo.path / "vendor" / "inner"
    Repository(inner, "--bare")
    plant_config = inner / "config"
    plant_config.write_text(plant_config.read_text() + f"[core]\n\tfsmonitor = touch {repo.path}/ran\n")
    home.client("add", str(repo.path), "--wait")
    done = home.client("ask", "why is the page blue?", cwd=inner)
    assert (done.returncode, "is not enrolled" in done.stderr) == (5, True)
    assert not (repo.path / "ran").exists()


@pytest.mark.parametrize("name", one_fast(TRAPS, "a FIFO for its attributes"))
def test_a_repository_that_hangs_its_readers_hinders_no_other(
    home: Home, repo: Repository, tmp_path: Path, name: str
) -> None:
    trapped = make_project(tmp_path / "trapped")
    with home.daemon(AIL_MAX_SILENCE_S="1", AIL_MAX_QUERY_TIME_S="2"):
        with home.connected() as call:
            call("repo.add", repo=str(trapped.path))
            call.wait_complete(str(trapped.path))
        TRAPS[name](trapped.path / ".git")
        trapped_ask(home, trapped)
        done = home.client("add", str(repo.path), "--wait", "--timeout", "180", timeout=200)
        assert done.returncode == 0, done.stderr
        asked = home.client("ask", "--repo", str(repo.path), "why is the page blue?", timeout=20)
        assert asked.returncode == 0, asked.stderr
        assert "Traceback" not in (home.directory / "daemon.err").read_text()
    subprocess.run(["rm", "-rf", trapped.path], check=True)  # Python's own gives up at a thousand directories


def trapped_ask(home: Home, trapped: Repository) -> None:
    """Ask where nobody can tell; whatever is said, it is said in time, and by a daemon that lives."""
    for words in (["ask", "why do we retry?"], ["ask", "app.py:2", "why?"], ["add", "."], ["related", "--staged"]):
        done = home.client(*words, "--timeout", "3", cwd=trapped.path, timeout=20)
        assert done.returncode in (0, 1, 3, 4, 5), (words, done.stderr)
        assert "Traceback" not in done.stderr
    connect(str(home.socket), Deadline(5)).close()


@pytest.mark.slow
def test_git_that_says_nothing_in_the_worker_is_ended_and_the_repository_set_aside(home: Home, tmp_path: Path) -> None:
    trapped = make_project(tmp_path / "trapped")
    TRAPS["a FIFO for its packed refs"](trapped.path / ".git")
    with home.daemon(AIL_MAX_SILENCE_S="1"), home.connected() as call:
        call("repo.add", repo=str(trapped.path))
        while not (told := call("status")["repos"][0])["notice"]:
            assert told["phase"] != "idle" or not told["complete"]
            time.sleep(0.05)
    assert "set aside" in told["notice"], json.dumps(told)
    assert "did not finish" in told["notice"] or "said nothing" in told["notice"]
