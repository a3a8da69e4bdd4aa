"""The shipped completions, in the shells they are for."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tools.__main__ import SHARE, make_files

COMMANDS = {"ask", "related", "show", "add", "status", "doctor", "restore"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with files to complete, and programs of the names that are completed."""
    (tmp_path / "src").mkdir()
    (tmp_path / "setup.py").write_text("")
    (tmp_path / "bin").mkdir()
    for name in ("ail-client", "git-why"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def run(here: Path, *command: str) -> list[str]:
    env = {"HOME": str(here), "PATH": f"{here / 'bin'}:{os.environ['PATH']}", "TERM": "dumb", "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_the_shipped_files_are_what_the_parsers_make() -> None:
    for file, text in make_files().items():
        assert file.read_text() == text, f"`python -m tools` makes {file.name} anew"


def complete_in_bash(here: Path, line: str) -> set[str]:
    """What bash offers for *line*: the function it would call, called as readline does."""
    words = line.split(" ")
    script = """
        source "$1"; line=$2; shift 2
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$line COMP_POINT=${#line}
        name=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$name" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    file = SHARE / "bash-completion" / "completions" / words[0]
    return {word.strip() for word in run(here, "bash", "--norc", "-c", script, "bash", str(file), line, *words)}


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ail-client ", COMMANDS),
        ("ail-client st", {"status", "stop"}),
        ("ail-client ask --fo", {"--format"}),
        ("ail-client ask --format ", {"text", "json", "grep"}),
        ("ail-client health ", {"live", "ready"}),
        ("ail-client ask se", {"setup.py"}),
        ("git-why --mo", {"--mode"}),
        ("git-why se", {"setup.py"}),
    ],
)
def test_bash_completes(here: Path, line: str, offered: set[str]) -> None:
    assert offered <= complete_in_bash(here, line)


def test_bash_completes_git_why_as_git_s_own_completion_asks_it_to(here: Path) -> None:
    script = """
        source "$1"
        words=(git -C . why --mo) cword=4 cur=--mo prev=why __git_cmd_idx=3
        _git_why; printf '%s\\n' "${COMPREPLY[@]}"
    """
    file = SHARE / "bash-completion" / "completions" / "git-why"
    assert "--mode" in {word.strip() for word in run(here, "bash", "--norc", "-c", script, "bash", str(file))}


def type_in_zsh(here: Path, typed: str, *expected: str) -> str:
    """What a real interactive zsh shows after *typed*, as soon as it shows all of *expected*; at most 30 s."""
    functions = SHARE / "zsh" / "site-functions"
    (here / ".zshrc").write_text(
        f"PROMPT='READY> '; fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -d $HOME/dump\n"
        "unsetopt beep; setopt no_always_last_prompt; LISTMAX=1000; stty columns 200 rows 100\n"
    )
    child, terminal = pty.fork()
    if not child:
        os.chdir(here)
        path = f"{here / 'bin'}:{os.environ['PATH']}"
        os.execvpe(  # noqa: S606  # no shell is meant to start this shell
            "zsh", ["zsh", "-i"], {"HOME": str(here), "PATH": path, "TERM": "dumb", "LANG": "C.UTF-8"}
        )
    try:
        read_until(terminal, "READY>")
        os.write(terminal, typed.encode())
        return read_until(terminal, *expected)
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def read_until(terminal: int, *expected: str) -> str:
    seen = ""
    while not all(word in seen for word in expected):
        assert select.select([terminal], [], [], 30)[0], f"{expected} not in {seen!r}"
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ail-client re\t\t", {"related", "remove", "repos", "reload", "restore"}),
        ("ail-client ask --fo\t", {"--format "}),
        ("ail-client health l\t", {"live"}),
        ("ail-client ask set\t", {"setup.py"}),
        ("ail-client add s\t", {"src/"}),
        ("git-why --mo\t", {"--mode "}),
        ("git why --mo\t", {"--mode "}),
        ("git why set\t", {"setup.py"}),
    ],
)
def test_zsh_completes(here: Path, typed: str, offered: set[str]) -> None:
    type_in_zsh(here, typed, *offered)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ail-client ", COMMANDS),
        ("ail-client st", {"status", "stop"}),
        ("ail-client ask --fo", {"--format"}),
        ("ail-client ask --format ", {"text", "json", "grep"}),
        ("ail-client health ", {"live", "ready"}),
        ("ail-client ask se", {"setup.py"}),
        ("git-why --mo", {"--mode"}),
        ("git why --mo", {"--mode"}),
        ("git why se", {"setup.py"}),
    ],
)
def test_fish_completes(here: Path, line: str, offered: set[str]) -> None:
    fish = SHARE / "fish"
    paths = f"set fish_complete_path {fish / 'vendor_completions.d'} $__fish_data_dir/completions"
    script = f"{paths}; source {fish / 'vendor_conf.d' / 'git-why.fish'}; complete -C '{line}'"
    assert offered <= {word.partition("\t")[0] for word in run(here, "fish", "--no-config", "-c", script)}
