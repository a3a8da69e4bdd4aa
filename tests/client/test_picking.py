"""`ask -i`: on a pseudo-terminal, in fzf itself and without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.client.terminals import ESCAPES, run_on_terminal
from tests.hostile import find_raw
from tests.tools import require

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")
HOSTILE = "\x1b]52;c;eA==\x07\u202e\u2028\x9b2J\udcff\tx\n2\tforged"


def script(daemon: ScriptedDaemon) -> None:
    first = daemon.make_citation(sha="a" * 40, subject="First")
    second = daemon.make_citation(sha="b" * 40, subject=f"Second {HOSTILE}", excerpt=HOSTILE, author=HOSTILE)
    daemon.script["ask"] = daemon.make_reply(citations=[first, second])
    diff = {"sha": "b" * 40, "diff": [" def send():", "-    once()", f"+    twice()  # {HOSTILE}"]}
    daemon.script["log"] = daemon.make_reply(citations=[diff], is_whole=True)
    daemon.script["show"] = lambda params: daemon.make_citation(sha=params["sha"], message="Shown whole", paths=[])


def without_fzf(directory: Path) -> str:
    """Return a PATH on which git is and fzf is not."""
    directory.mkdir()
    for name in ("git", "less", "sh"):
        (directory / name).symlink_to(require(name))
    return str(directory)


def test_without_fzf_a_commit_is_picked_by_its_number(client: Runner, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    script(daemon)
    path = without_fzf(tmp_path / "bin")
    status, shown = run_on_terminal(client, "ask", "-i", "why?", typed=b"2\n", PATH=path)
    assert status == 0
    assert "1. aaaaaaaaaa  First" in shown
    assert "Shown whole" in shown
    assert daemon.get_params("show")["sha"] == "b" * 40
    assert find_raw(ESCAPES.sub("", shown)) == []


@pytest.mark.parametrize("typed", [b"\n", b"3\n", b"0\n", b"x\n", b"\x04"])
def test_what_is_no_number_picks_none(client: Runner, daemon: ScriptedDaemon, tmp_path: Path, typed: bytes) -> None:
    script(daemon)
    path = without_fzf(tmp_path / "bin")
    status, _ = run_on_terminal(client, "ask", "-i", "why?", typed=typed, PATH=path)
    assert status == 1
    assert "show" not in [method for method, _ in daemon.calls]


def test_in_fzf_the_preview_shows_the_change_of_the_lines(
    client: Runner, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    """A program in fzf's place: keeps what it is given, runs the preview as fzf does, picks the second."""
    script(daemon)
    fake = Path(without_fzf(tmp_path / "bin")) / "fzf"
    kept = tmp_path / "kept"
    fake.write_text(
        f'#!/bin/sh\n/bin/cat > {kept}; /bin/cat 1 > {kept}.preview; echo "$@" > {kept}.options; /usr/bin/sed -n 2p {kept}\n'
    )
    fake.chmod(0o755)
    status, shown = run_on_terminal(client, "ask", "-i", "src/http.py:1", "why?", PATH=str(fake.parent))
    assert (status, daemon.get_params("show")["sha"]) == (0, "b" * 40)
    assert "Shown whole" in shown
    assert "--preview=cat {1}" in Path(f"{kept}.options").read_text()
    preview = Path(f"{kept}.preview").read_text()
    assert "\x1b[31m-    once()\x1b[0m\n" in preview
    for text in (kept.read_text(), preview):
        assert find_raw(ESCAPES.sub("", text), allowed="\n\t") == []
    assert len(kept.read_text().splitlines()) == 2  # a subject's line break forges no entry


def test_fzf_itself_takes_what_it_is_given(client: Runner, daemon: ScriptedDaemon) -> None:
    require("fzf")
    script(daemon)
    status, shown = run_on_terminal(client, "ask", "-i", "src/http.py:1", "why?", FZF_DEFAULT_OPTS="--filter=Second")
    assert (status, daemon.get_params("show")["sha"]) == (0, "b" * 40)
    assert "Shown whole" in shown


def test_nothing_can_be_picked_without_a_terminal_or_for_a_program(client: Runner, daemon: ScriptedDaemon) -> None:
    script(daemon)
    done = client.run("ask", "-i", "why?")
    assert (done.returncode, done.stdout) == (2, "")
    assert "-i needs a terminal" in done.stderr
    assert client.run("ask", "-i", "why?", "--json").returncode == 2
    assert client.run("ask", "-i", "--log", "src/http.py:1").returncode == 2


def test_colour_is_what_color_asks_for(client: Runner, daemon: ScriptedDaemon) -> None:
    script(daemon)
    for option, is_coloured in (
        ("--color", True),
        ("--color=always", True),
        ("--no-color", False),
        ("--color=never", False),
    ):
        assert ("\x1b[35m" in client.run("ask", option, "why?").stdout) == is_coloured
    client.env["NO_COLOR"] = "1"
    assert "\x1b[35m" in client.run("ask", "why?", "--color=always").stdout
    assert "\x1b" not in client.run("ask", "why?", "--color=auto").stdout
    assert client.run("ask", "why?", "--color=blue").returncode == 2


def test_git_why_has_a_version_and_a_short_limit(client: Runner, daemon: ScriptedDaemon) -> None:
    script(daemon)
    assert client.run("--version", entry="main_why").stdout.startswith("ail-client 0.")
    client.run("-n", "3", "why?", entry="main_why")
    assert daemon.get_params("ask")["limit"] == 3
    client.run("-n7", "why?", entry="main_why")
    assert daemon.get_params("ask")["limit"] == 7
