"""How `ail-lsp` ends, and that nothing of it stays: neither the process nor the pages that it wrote for the editor."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.lsp import Editor, start
from tests.integration.conftest import Repository, repo
from tests.outside import home, scripted
from tests.running import Home

__all__ = ["home", "repo", "scripted"]

ENDS_WITHIN_S = 10.0


def show_page(editor: Editor, repo: Repository) -> Path:
    """Have a page shown; return the file that the editor was to open."""
    editor.answers["window/showDocument"] = lambda _: {"success": True}
    editor.execute("ail.why", editor.open(repo.path / "upload.py"), [2, 2])
    page = Path(editor.wait_for("window/showDocument")["uri"].removeprefix("file://"))
    assert page.is_file()
    return page


def send(number: int) -> Callable[[Editor], None]:
    return lambda editor: editor.process.send_signal(number)


def close_stdin(editor: Editor) -> None:
    assert editor.process.stdin is not None
    editor.process.stdin.close()


def exit_without_shutdown(editor: Editor) -> None:
    editor.notify("exit", None)


def shut_down(editor: Editor) -> None:
    editor.request("shutdown", None)
    editor.notify("exit", None)


ENDINGS: dict[str, tuple[Callable[[Editor], None], int]] = {
    "SIGTERM": (send(signal.SIGTERM), -signal.SIGTERM),
    "SIGHUP": (send(signal.SIGHUP), -signal.SIGHUP),
    "SIGINT": (send(signal.SIGINT), 130),
    "stdin closed": (close_stdin, 1),
    "exit without shutdown": (exit_without_shutdown, 1),
    "shutdown": (shut_down, 0),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_page_and_no_process_stays_however_the_server_ends(
    home: Home, scripted: ScriptedDaemon, repo: Repository, ending: str
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    end, status = ENDINGS[ending]
    with start(home, repo.path, startDaemon=False) as editor:
        page = show_page(editor, repo)
        end(editor)
        assert editor.process.wait(ENDS_WITHIN_S) == status
        assert not page.parent.exists()


def test_what_a_killed_server_leaves_goes_when_the_next_starts_and_nothing_of_one_that_runs(
    home: Home, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    with start(home, repo.path, startDaemon=False) as running, start(home, repo.path, startDaemon=False) as killed:
        kept, left = show_page(running, repo), show_page(killed, repo)
        killed.process.kill()
        killed.process.wait(ENDS_WITHIN_S)
        with start(home, repo.path, startDaemon=False):
            assert not left.parent.exists()
            assert kept.is_file()


def test_an_editor_that_is_killed_takes_its_server_along_though_another_holds_its_pipe(
    home: Home, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with killed, Editor(home.env) as editor:  # this process holds the pipe
        editor.initialize(repo.path, process=killed.pid, startDaemon=False)
        page = show_page(editor, repo)
        killed.kill()  # and nobody reaps it yet
        assert editor.process.wait(ENDS_WITHIN_S) == 1
        assert not page.parent.exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_without_an_editor_s_pipes_it_says_so(home: Home, closed: str) -> None:
    done = home.run("sh", "-c", f"ail-lsp {closed}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ail-lsp: stdin or stdout is closed\nhint: ")


@pytest.mark.parametrize("process", [0, -1, 2**31 - 1, 2**70])
def test_a_process_that_cannot_be_watched_is_not(home: Home, repo: Repository, process: int) -> None:
    with Editor(home.env) as editor:
        editor.initialize(repo.path, process=process, startDaemon=False)
        assert editor.leave() == 0
