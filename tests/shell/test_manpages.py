"""The shipped man pages: read by man, complete, and found by git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.__main__ import SHARE

from ail_client.arguments import COMMANDS

PAGES = sorted((SHARE / "man" / "man1").iterdir())
ROOT = SHARE.parents[1]

needs_man = pytest.mark.skipif(not (shutil.which("man") and shutil.which("groff")), reason="man is not installed")


def read(*command: str, **env: str) -> str:
    sealed = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "MANWIDTH": "80", "PAGER": "cat"}
    done = subprocess.run(command, env=sealed | env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@needs_man
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_set_without_a_warning(page: Path) -> None:
    text = read("man", "--warnings=w", "-l", str(page))
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert heading in text
    assert page.stem in text


@needs_man
def test_every_command_has_its_place_and_an_example() -> None:
    text = read("man", "-l", str(SHARE / "man" / "man1" / "ail-client.1"))
    for name in COMMANDS:
        assert f"\n   {name}\n" in text
        assert f"           ail-client {name}" in text


@needs_man
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_why_help_is_the_man_page(tmp_path: Path) -> None:
    (tmp_path / "git-why").write_text("#!/bin/sh\n")
    (tmp_path / "git-why").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    text = read("git", "why", "--help", PATH=path, MANPATH=str(SHARE / "man"))
    assert "say from the history why code is as it is" in text


@pytest.mark.parametrize(("program", "module"), [("ail-daemon", "ail_daemon.cli"), ("ail-hook", "ail_hooks.cli")])
def test_the_pages_written_by_hand_know_every_command(program: str, module: str) -> None:
    paths = os.pathsep.join(str(ROOT / room) for room in ("client", "hooks", "daemon"))
    code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    usage = read(sys.executable, "-c", code, "--help", PYTHONPATH=paths)
    page = (SHARE / "man" / "man1" / f"{program}.1").read_text()
    of_daemon = {"run", "model", "install-service", "uninstall-service"}
    commands = of_daemon if program == "ail-daemon" else {"install", "uninstall", "status", "run"}
    for name in commands:
        assert name in usage
        assert "\\fB" + name.replace("-", r"\-") in page


def test_every_program_has_a_page() -> None:
    assert [page.name for page in PAGES] == ["ail-client.1", "ail-daemon.1", "ail-hook.1", "git-why.1"]


@pytest.mark.parametrize(
    ("module", "commands"),
    [
        ("ail_daemon.cli", ("run", "build", "reset", "uninstall", "install-service", "uninstall-service", "doctor")),
        ("ail_daemon.cli", ("model prepare", "model info", "model verify", "model export", "model import")),
        ("ail_hooks.cli", ("install", "uninstall", "status")),
    ],
)
def test_the_help_of_every_command_has_examples_that_it_understands(module: str, commands: tuple[str, ...]) -> None:
    paths = os.pathsep.join(str(ROOT / room) for room in ("client", "hooks", "daemon"))
    code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    for command in commands:
        told = read(sys.executable, "-c", code, *command.split(), "--help", PYTHONPATH=paths)
        program = "ail-hook" if "hooks" in module else "ail-daemon"
        examples = told.partition("examples:\n")[2].splitlines()
        assert examples
        assert all(line.startswith(f"  {program} {command}") for line in examples), told
