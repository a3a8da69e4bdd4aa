"""ail.nvim and daemons that are missing, slow, stopped, busy, strange: a clear word each time, and never a second daemon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.conftest import Neovim
from tests.integration.conftest import Repository
from tests.running import Home

from ail_rpc.errors import BusyError

ASK = "vim.cmd('Ail why?') emit('answer', table.concat((wait_float()), ' '))"


@pytest.fixture
def file(repo: Repository) -> str:
    return str(repo.path / "upload.py")


@pytest.fixture
def silent(home: Home) -> Iterator[socket.socket]:
    """A socket that takes connections and says nothing, as a stopped daemon's does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        listener.listen()
        yield listener


def test_a_daemon_that_is_slower_than_the_limit_is_given_up(nvim: Neovim, scripted: ScriptedDaemon, file: str) -> None:
    done = threading.Event()
    scripted.script["ask"] = lambda _params: (done.wait(30), ScriptedDaemon.make_reply())[1]
    said = nvim(f"require('ail').setup{{ timeout_s = 0.3 }} {ASK}", file)["answer"]
    done.set()
    assert said.startswith("no answer within 0.3 s hint: ask again")


@pytest.mark.usefixtures("silent")
def test_a_stopped_daemon_is_told_from_a_slow_one(nvim: Neovim, file: str) -> None:
    assert nvim(ASK, file)["answer"].startswith("the daemon took the connection and said nothing for 1.5 s")


def test_where_none_runs_and_none_may_be_started_it_says_so(nvim: Neovim, home: Home, file: str) -> None:
    said = nvim(f"require('ail').setup{{ may_start = false }} {ASK}", file)["answer"]
    assert said == f"no daemon listens at {home.socket} hint: `ail-client status` starts one"
    assert not home.socket.exists()


def test_a_client_that_is_not_there_or_lacks_the_daemon_is_named(nvim: Neovim, file: str, tmp_path: Path) -> None:
    missing = nvim(f"require('ail').setup{{ client = '/nowhere/ail-client' }} {ASK}", file)["answer"]
    assert missing.startswith("ail-client is not on PATH hint: pip install archaeological-intelligence")
    bare = tmp_path / "ail-client"
    bare.write_text("#!/bin/sh\nexit 69\n")
    bare.chmod(0o755)
    said = nvim(f"require('ail').setup{{ client = '{bare}' }} {ASK}", file)["answer"]
    assert said == "the daemon is not installed hint: pip install 'archaeological-intelligence[daemon]'"


def test_busy_is_tried_again_until_there_is_room(nvim: Neovim, scripted: ScriptedDaemon, file: str) -> None:
    turns = iter([BusyError("too many"), BusyError("too many"), ScriptedDaemon.make_reply(answer="At last.")])
    scripted.script["ask"] = lambda _params: next(turns)
    assert nvim(ASK, file)["answer"].startswith("At last.")


def test_a_daemon_that_hangs_up_is_asked_again_but_not_for_ever(
    nvim: Neovim, scripted: ScriptedDaemon, file: str
) -> None:
    def hang_up(_params: object) -> None:
        raise EOFError

    scripted.script["ask"] = hang_up
    assert nvim(ASK, file)["answer"].startswith("the daemon closed the connection before it answered")
    assert [name for name, _ in scripted.calls].count("ask") == 3


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x94\x01\x01\xc1", b"\x93\x01\x01\xc0", b"\xc1"]
)
def test_what_is_no_daemon_at_the_socket_is_refused(
    nvim: Neovim, scripted: ScriptedDaemon, file: str, said: bytes
) -> None:
    scripted.script["hello"] = said
    assert "the daemon" in nvim(ASK, file)["answer"] or "no daemon of AIL" in nvim(ASK, file)["answer"]


def test_a_daemon_of_another_protocol_gets_no_answer_shown(nvim: Neovim, scripted: ScriptedDaemon, file: str) -> None:
    scripted.script |= {"hello": {**ScriptedDaemon.HELLO, "protocol": 2}, "ask": ScriptedDaemon.make_reply()}
    assert nvim(ASK, file)["answer"] == "the daemon speaks protocol 2, this plugin 1 hint: update the plugin"


def test_a_socket_that_others_could_have_made_is_not_spoken_to(
    nvim: Neovim, home: Home, scripted: ScriptedDaemon, file: str
) -> None:
    home.directory.chmod(0o755)
    said = nvim(ASK, file)["answer"]
    home.directory.chmod(0o700)
    assert said.startswith(f"{home.directory} is not this user's alone")
    assert scripted.calls == []


def test_a_new_question_gives_the_last_one_up(nvim: Neovim, scripted: ScriptedDaemon, file: str) -> None:
    done = threading.Event()

    def answer(params: dict[str, object]) -> object:
        if params["question"] == "first?":
            done.wait(30)
        return ScriptedDaemon.make_reply(answer=f"To {params['question']}")

    scripted.script["ask"] = answer
    lua = "vim.cmd('Ail first?') vim.wait(200) vim.cmd('Ail second?') emit('answer', wait_float()[1])"
    said = nvim(lua, file)["answer"]
    done.set()
    assert said == "To second?"


def test_the_socket_is_looked_for_where_the_client_looks(nvim: Neovim, home: Home) -> None:
    def path(**env: str) -> object:
        clean = {"AIL_SOCKET": "", "XDG_RUNTIME_DIR": "", "XDG_STATE_HOME": "", "HOME": "/home/ann"}
        return nvim("emit('path', (require('ail.paths').get_socket()) or 'none')", env=clean | env)["path"]

    deep = "/" + "d" * 100
    assert path(AIL_SOCKET="/x/y.sock") == "/x/y.sock"
    assert path(XDG_RUNTIME_DIR=str(home.directory)) == f"{home.directory}/ail/ail.sock"
    assert path(XDG_RUNTIME_DIR="/nowhere") == "/home/ann/.local/state/ail/run/ail.sock"
    assert path(XDG_STATE_HOME="/state") == "/state/ail/run/ail.sock"
    assert path(XDG_STATE_HOME="relative") == "/home/ann/.local/state/ail/run/ail.sock"
    assert path(HOME=deep) == "none"


def test_on_macos_the_socket_lies_below_library_and_has_a_shorter_path(nvim: Neovim) -> None:
    env = {"AIL_SOCKET": "", "XDG_RUNTIME_DIR": "", "XDG_STATE_HOME": "", "HOME": "/Users/ann"}
    lua = """
    require('ail.editor').uv.os_uname = function() return { sysname = 'Darwin' } end
    local paths = require('ail.paths')
    emit('seen', { paths.get_socket(), paths.get_socket('/' .. ('x'):rep(103)) or 'none' })
    """
    assert nvim(lua, env=env)["seen"] == ["/Users/ann/Library/Application Support/ail/run/ail.sock", "none"]
