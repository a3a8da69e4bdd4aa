"""`ail-hook run`, as other hook tools call it: never a word, never a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hooks.desks import SOURCES, Desk

from ail_hooks.hints import leave
from ail_rpc.discovery import find_repository
from ail_rpc.hints import HINTS_MAX_BYTES, Hint, parse_hints

OLD, NEW = "a" * 40, "b" * 40


def run(desk: Desk, cwd: Path, *words: str, said: str = "", **env: str) -> None:
    """Run the program, which must succeed in silence."""
    done = desk.run(cwd, "ail-hook", "run", *words, env=env, input=said)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_says_what_a_shim_says(desk: Desk) -> None:
    repo = desk.make_repository()
    run(desk, repo, "post-commit")
    run(desk, repo, "post-rewrite", "rebase", said=f"{OLD} {NEW}\n{NEW} {OLD} more\nrubbish\n")
    path = str(repo)
    assert desk.take_hints() == [
        Hint("post-commit", path), Hint("rewritten", path, OLD, NEW), Hint("rewritten", path, NEW, OLD),
        Hint("post-rewrite", path),
    ]  # fmt: skip
    assert desk.pending.parent.stat().st_mode & 0o777 == 0o700


def test_checked_out_files_are_no_reason_to_look(desk: Desk) -> None:
    repo = desk.make_repository()
    run(desk, repo, "post-checkout", OLD, OLD, "0")
    assert not desk.pending.exists()
    run(desk, repo, "post-checkout", OLD, OLD, "1")
    run(desk, repo, "post-checkout")  # a tool that does not pass the arguments on
    assert len(desk.take_hints()) == 2


def test_git_dir_tells_the_repository_where_it_is_set(desk: Desk) -> None:
    repo = desk.make_repository()
    run(desk, desk.home, "post-commit", GIT_DIR="../project/.git")
    run(desk, desk.home, "post-commit", GIT_DIR=str(repo / ".git"))
    assert {find_repository(hint.path).common_dir for hint in desk.take_hints()} == {str(repo / ".git")}


@pytest.mark.parametrize(
    "words", [(), ("",), ("post-dance",), ("--help",), ("post-commit\udcff",), ("pre-push", "origin")]
)
def test_an_event_that_it_does_not_know_is_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    run(desk, desk.home, *words)
    assert not desk.pending.exists()


def test_outside_a_repository_it_leaves_a_hint_that_leads_nowhere(desk: Desk) -> None:
    run(desk, desk.home, "post-commit")
    assert desk.take_hints() == [Hint("post-commit", str(desk.home))]


@pytest.mark.parametrize("how", ["a file above", "full", "a directory", "no home"])
def test_a_state_directory_that_takes_nothing_is_not_noticed(desk: Desk, how: str) -> None:
    if how == "a file above":
        desk.state.parent.write_text("a file in the directory's place")
    else:
        desk.pending.parent.mkdir(parents=True)
    if how == "full":
        desk.pending.symlink_to("/dev/full")
    if how == "a directory":
        desk.pending.mkdir()
    env = {"HOME": "/proc/nonexistent", "XDG_STATE_HOME": ""} if how == "no home" else {}
    run(desk, desk.home, "post-commit", **env)


def test_a_directory_that_is_gone_is_not_noticed(desk: Desk) -> None:
    gone = desk.directory / "gone"
    gone.mkdir()
    script = f'rmdir "{gone}"; exec ail-hook run post-commit'
    done = desk.run(gone, "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_standard_input_that_is_closed_or_never_ends_does_not_hold_it(desk: Desk) -> None:
    done = desk.run(desk.home, "sh", "-c", "ail-hook run post-rewrite <&- >&- 2>&-")
    assert done.returncode == 0
    reading, writing = os.pipe()
    try:
        os.write(writing, f"{OLD} {NEW}\n".encode())
        done = desk.run(desk.home, "ail-hook", "run", "post-rewrite", stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert [hint.event for hint in desk.take_hints()] == ["post-rewrite", "rewritten", "post-rewrite"]


def test_an_interrupt_is_no_reason_to_fail(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ail_hooks.running.run", interrupt)
    assert desk.hook("run", "post-commit") == 0


def test_the_file_is_bounded_here_too(desk: Desk) -> None:
    desk.pending.parent.mkdir(parents=True)
    desk.pending.write_bytes(b"x" * (HINTS_MAX_BYTES - 30) + b"\n")
    leave("post-commit", "/r")
    leave("post-commit", "/r")
    assert desk.pending.stat().st_size <= HINTS_MAX_BYTES
    assert parse_hints(desk.pending.read_bytes()) == [Hint("post-commit", "/r")]


def test_it_imports_neither_the_client_nor_what_only_installing_needs(desk: Desk) -> None:
    program = (
        f"import sys; sys.path[:0] = {SOURCES!r}; before = set(sys.modules); from ail_hooks.cli import main; "
        "main(['run', 'post-commit']); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=desk.env, cwd=desk.home, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {
        "__future__", "ail_hooks", "ail_hooks.cli", "ail_hooks.running", "ail_hooks.hints",
        "ail_rpc", "ail_rpc.hints", "ail_rpc.paths", "ail_rpc.errors",
    }  # fmt: skip
    assert len(desk.take_hints()) == 1


TOOLS = {
    "pre-commit": ("pre-commit install -t post-commit -t post-rewrite", ".pre-commit-config.yaml"),
    "prek": ("prek install -t post-commit -t post-rewrite", ".pre-commit-config.yaml"),
    "lefthook": ("lefthook install", "lefthook.yml"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_snippet_makes_a_real_hook_tool_run_it(
    old_git: Desk, tool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old_git.env["PATH"] += f":{Path(sys.executable).parent}"  # pre-commit and prek are installed with the tests
    if not shutil.which(tool, path=old_git.env["PATH"]):
        pytest.skip(f"{tool} is not installed")
    repo = old_git.make_repository()
    command, file = TOOLS[tool]
    (repo / file).write_text("repos: []\n" if "pre" in tool else "post-commit: {}\n")
    assert old_git.run(repo, "sh", "-c", command).returncode == 0
    assert old_git.hook("install", "--post-commit", str(repo)) == 1
    snippet = capsys.readouterr().out
    (repo / file).write_text(snippet if tool == "lefthook" else f"repos:\n{snippet}")
    done = old_git.run(repo, "sh", "-c", f"git add -A; {command}; git commit -qm Change; git commit --amend -qm More")
    assert done.returncode == 0, done.stderr
    events = [hint.event for hint in old_git.take_hints()]
    assert events.count("post-commit") == 2
    assert events.count("post-rewrite") == 1
    assert events.count("rewritten") == (1 if tool == "lefthook" else 0)  # the others keep git's pairs to themselves
