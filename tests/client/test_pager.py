"""Long answers go through the person's pager, by git's rules."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.client.terminals import Terminal

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

PAGED = "sed 's/^/paged: /'"


@pytest.fixture(autouse=True)
def answered(repo: Path, daemon: ScriptedDaemon) -> None:
    repo.joinpath(".git", "config").write_text('[remote "origin"]\n\turl = git@github.com:o/r.git\n')
    daemon.script["ask"] = daemon.make_reply(citations=[daemon.make_citation()] * 5)


@pytest.mark.parametrize(
    "env", [{"GIT_PAGER": PAGED, "PAGER": "false"}, {"PAGER": PAGED}, {"GIT_PAGER": PAGED, "GIT_DIR": ".git"}]
)
def test_what_is_longer_than_the_screen_is_paged(client: Runner, env: dict[str, str]) -> None:
    seen = Terminal(client, lines=24).run("ask", "why?", **env)
    assert (seen.status, seen.notes) == (0, "")
    assert seen.text.startswith("paged: Proxies drop")
    assert seen.text.count("paged: ") > 24


@pytest.mark.parametrize(
    ("lines", "option", "pager"), [(24, "--no-pager", PAGED), (1000, "--json", PAGED), (24, "--limit=9", "cat")]
)
def test_what_fits_or_is_not_to_be_paged_is_written(client: Runner, lines: int, option: str, pager: str) -> None:
    seen = Terminal(client, lines=lines).run("ask", "why?", option, GIT_PAGER=pager)
    assert "paged: " not in seen.text
    assert "Proxies drop" in seen.text


def test_core_pager_is_the_user_s_and_never_the_repository_s(client: Runner, repo: Path) -> None:
    repo.joinpath(".git", "config").write_text("[core]\n\tpager = touch pwned\n")
    config = client.cwd.parent / "gitconfig"
    config.write_text(f'[core]\n\tpager = "{PAGED}"\n')
    for env in ({}, {"GIT_DIR": str(repo / ".git")}):
        seen = Terminal(client, lines=24).run("ask", "why?", GIT_CONFIG_GLOBAL=str(config), **env)
        assert seen.text.startswith("paged: Proxies")
        assert not (repo / "pwned").exists()


def test_a_pager_that_is_not_there_does_not_hide_the_answer(client: Runner) -> None:
    seen = Terminal(client, lines=24).run("ask", "why?", GIT_PAGER="no-such-pager")
    assert seen.status == 0
    assert seen.text.count("Retry once on idle connections") == 5


def test_a_pager_that_is_left_early_is_no_error(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply(answer="word " * 200_000)
    seen = Terminal(client, lines=24).run("ask", "why?", GIT_PAGER="head -n 1")
    assert (seen.status, seen.notes) == (0, "")
    assert seen.text.count("\n") == 1


def test_links_go_only_into_a_pager_that_lets_them_through(client: Runner) -> None:
    assert "\x1b]8" not in Terminal(client, lines=24).run("ask", "why?", GIT_PAGER="cat -u").screen
    assert "\x1b]8" in Terminal(client, lines=24).run("ask", "why?", GIT_PAGER="cat -u", AIL_HYPERLINKS="always").screen
    assert "\x1b[35m" in Terminal(client, lines=24).run("ask", "why?", GIT_PAGER="cat -u").screen


def read_until(terminal: int, expected: str) -> str:
    seen = ""
    while expected not in seen:
        assert select.select([terminal], [], [], 30)[0], f"{expected} not in {seen!r}"
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_ctrl_c_in_less_leaves_less_alone_and_q_ends_both(client: Runner) -> None:
    child, terminal = pty.fork()
    if not child:
        os.chdir(client.cwd)
        code = "import sys; from ail_client.cli import main; sys.exit(main())"
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = client.env | {"TERM": "xterm-256color", "GIT_PAGER": "less"}
        os.execve(sys.executable, [sys.executable, "-c", code, "ask", "why?"], env)  # noqa: S606  # no shell needed
    try:
        read_until(terminal, ":\x1b[K")
        os.write(terminal, b"\x03")
        seen = ""
        while "5. " not in seen:  # less throws away what was typed before it heard of the signal, and may only ring
            os.write(terminal, b"G")
            while select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        os.write(terminal, b"q")
        _, status = os.waitpid(child, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
