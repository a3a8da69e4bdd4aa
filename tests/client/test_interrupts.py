"""Ctrl-C, and readers that leave: no traceback, the statuses of git, the terminal as it was."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.terminals import Terminal

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")
INTERRUPTED = (130, -signal.SIGINT)
"""What a shell shows as 130: an exit with that status, or death by the signal."""


class Waiting:
    """An answer that does not come until the test ends; says when it was asked for."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.over = threading.Event()

    def __call__(self, _params: dict[str, Any]) -> dict[str, Any]:
        self.asked.set()
        self.over.wait(30)
        raise EOFError


def test_ctrl_c_while_waiting_for_the_answer_ends_at_once(client: Runner, daemon: ScriptedDaemon) -> None:
    waiting = Waiting()
    daemon.script["ask"] = waiting
    process = client.start("ask", "why?")
    assert waiting.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    waiting.over.set()
    assert (process.returncode, out, err) == (130, "", "")


def test_ctrl_c_while_progress_is_shown_takes_the_line_away(client: Runner, repo: Path, daemon: ScriptedDaemon) -> None:
    state = {"path": str(repo), "complete": False, "phase": "reading", "done": 5, "of": 9, "notice": None}
    shown = threading.Semaphore(0)

    def look(_params: dict[str, Any]) -> dict[str, Any]:
        shown.release()
        return {"repos": [state]}

    daemon.script |= {"repo.add": {"path": str(repo)}, "status": look}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ail_client", "add", "--wait"]
    process = subprocess.Popen(command, cwd=repo, env=client.env, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    for _ in range(2):  # at the second look the first was shown
        assert shown.acquire(timeout=30)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    written = b""
    with os.fdopen(ours, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while chunk := file.read(4096):
            written += chunk
    assert written.startswith(b"\r\x1b[Kreading 5 of 9")
    assert written.endswith(b"\r\x1b[K")


def test_ctrl_c_at_any_moment_is_no_traceback(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    code = "import sys; from ail_client.cli import main; print(flush=True); sys.exit(main())"
    for moment in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", code, "ask", "why?"], cwd=client.cwd, env=client.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()  # Python itself has started; what it does before is not ours
        threading.Event().wait(moment * 0.004)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        if err.startswith(
            "Exception ignored in: <function _get_module_lock"
        ):  # Python's importer, in a callback of its own
            err = ""
        assert (process.returncode in (0, *INTERRUPTED), err) == (True, "")


def test_ctrl_c_while_the_client_is_being_imported_is_no_traceback(client: Runner) -> None:
    code = """if True:
        import builtins, os, signal
        real = builtins.__import__
        def interrupted(name, *rest):
            if name == "ail_rpc.errors":
                os.kill(os.getpid(), signal.SIGINT)
            return real(name, *rest)
        builtins.__import__ = interrupted
        from ail_client.cli import main
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=client.cwd, env=client.env, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("program", ["ail-client", "git-why"])
@pytest.mark.parametrize(("handler", "ends_by"), [(signal.SIG_DFL, -signal.SIGINT), (signal.SIG_IGN, 7)])
def test_ctrl_c_while_the_program_looks_for_its_modules_is_no_traceback(
    client: Runner, tmp_path: Path, program: str, handler: signal.Handlers, ends_by: int
) -> None:
    package = tmp_path / "ail_client"
    package.mkdir()
    (package / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nos._exit(7)\n")
    done = subprocess.run(
        [Path(sys.executable).with_name(program), "why?"], cwd=client.cwd, env=client.env | {"PYTHONPATH": str(tmp_path)},
        capture_output=True, check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (ends_by, b"", b"")


@pytest.mark.parametrize(
    ("form", "note"),
    [("text", ""), ("grep", "(very likely: 83%) Proxies drop idle connections (4f1c2d9e).\n"), ("json", "")],
)
def test_a_reader_that_leaves_is_no_error(client: Runner, daemon: ScriptedDaemon, form: str, note: str) -> None:
    daemon.script["ask"] = daemon.make_reply(citations=[daemon.make_citation(excerpt="word " * 150)] * 500)
    process = client.start("ask", "why?", "--format", form)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(30)) == (note, 0)


def test_a_closed_stdout_is_no_error(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    command = 'exec "$0" -m ail_client ask why? >&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], cwd=client.cwd, env=client.env, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "name", ["with space.py", "quo\"te's.py", "new\nline.py", "-rf", "caf\udce9.py", "変更.py", "*.py"]
)
def test_a_file_of_any_name_is_asked_about(client: Runner, repo: Path, daemon: ScriptedDaemon, name: str) -> None:
    (repo / name).write_text("x = 1\n")
    daemon.script["ask"] = daemon.make_reply(file=name, citations=[daemon.make_citation(path=name)])
    shown = Terminal(client).run("ask", "--", name, "why?")
    assert (shown.status, shown.notes) == (0, "")
    assert daemon.get_params("ask")["file"] == name
    client.run("ask", f"./{name}:1", "why?")
    assert (daemon.get_params("ask")["file"], daemon.get_params("ask")["lines"]) == (name, [1, 1])


def test_a_file_outside_any_repository_says_so(client: Runner, tmp_path: Path, daemon: ScriptedDaemon) -> None:
    (tmp_path / "alone.py").write_text("")
    client.cwd = tmp_path
    done = client.run("ask", "alone.py", "why?")
    assert (done.returncode, done.stdout) == (5, "")
    assert "lies in no git repository" in done.stderr
    assert daemon.calls == []


@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (["aks", "why?"], 2, "did you mean `ask`?"),
        (["why the retry?"], 2, "a question needs its command: ail-client ask"),
        (["ask", "--limt", "3", "why?"], 2, "did you mean `--limit`?"),
        (["health", "redy"], 2, "did you mean `ready`?"),
        (["ask", "--format", "txt", "why?"], 2, "did you mean `text`?"),
        (["ask", "-why"], 2, "go behind `--`"),
        (["qqqq"], 2, "`ail-client --help` lists them"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(client: Runner, words: list[str], status: int, hint: str) -> None:
    done = client.run(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert hint in done.stderr
