"""`ail-lsp` and its daemon: none, a stopped one, another version; one request at a time; cancelling, offering, progress."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from tests.client.conftest import ScriptedDaemon
from tests.daemon.daemon_process import wait_until
from tests.editors.lsp import Editor, RefusedError, at, start
from tests.hostile import find_raw
from tests.integration.conftest import Repository, repo
from tests.outside import home, scripted
from tests.running import Home

from ail_rpc.errors import NotEnrolledError, OutOfTimeError

__all__ = ["home", "repo", "scripted"]

Params = dict[str, Any]


@pytest.fixture
def editor(home: Home, repo: Repository) -> Iterator[Editor]:
    with start(home, repo.path, startDaemon=False, diagnostics=True) as running:
        yield running


def test_typing_asks_nothing_and_each_line_is_asked_about_once(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    uri = editor.open(repo.path / "upload.py")
    for version in range(2, 202):
        editor.change(uri, version, {"text": f"def upload():\n    retry({version})\n    send()\n"})
    assert editor.hover(uri, 2) == editor.hover(uri, 2)
    assert [name for name, _ in scripted.calls if name not in ("hello", "prefetch")] == ["ask"]
    assert [name for name, _ in scripted.calls].count("prefetch") == 1, "when it was opened"
    params = scripted.get_params("ask")
    assert (params["file"], params["lines"], params["repo"]) == ("upload.py", [2, 2], str(repo.path))
    assert params["contents"] == "def upload():\n    retry(201)\n    send()\n"


def test_an_opened_file_is_named_to_the_daemon_and_nobody_hears_where_that_fails(
    editor: Editor, home: Home, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["prefetch"] = NotEnrolledError("it was never added", "ail-client add DIR")
    editor.open(repo.path / "upload.py")
    wait_until(lambda: "prefetch" in [name for name, _ in scripted.calls])
    assert scripted.get_params("prefetch") == {"repo": str(repo.path), "file": "upload.py"}
    editor.open(repo.path.parent / "outside.py", "x = 1\n")
    editor.request("textDocument/codeLens", {"textDocument": {"uri": (repo.path / "upload.py").as_uri()}})
    assert not [name for name, _ in editor.notes if name.startswith("window/")], "no offer, no message"
    with start(home, repo.path, hover="onDemand") as quiet:
        quiet.open(repo.path / "upload.py")
        quiet.execute("ail.why", (repo.path / "upload.py").as_uri(), [1, 1])
    assert [name for name, _ in scripted.calls].count("prefetch") == 1


def test_a_document_has_one_request_in_flight_and_only_the_newest_hover_waits(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    at_once, most = [0], [0]
    may_go_on, has_come = threading.Event(), threading.Event()

    def ask(_: Params) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        has_come.set()
        may_go_on.wait(20)
        at_once[0] -= 1
        return ScriptedDaemon.make_reply()

    scripted.script["ask"] = ask
    uri = editor.open(repo.path / "upload.py", "a\nb\nc\nd\ne\n")
    posted = []
    for line in range(1, 6):
        posted.append(editor.post("textDocument/hover", {"textDocument": {"uri": uri}, "position": at(line)}))
        assert has_come.wait(20)
    editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}})  # all hovers have been taken in
    may_go_on.set()
    said = [editor.wait(number) for number in posted]
    assert [one is not None for one in said] == [True, False, False, False, True]
    assert most == [1]
    assert [params["lines"] for name, params in scripted.calls if name == "ask"] == [[1, 1], [5, 5]]


def test_a_cancelled_request_is_answered_at_once_and_the_server_lives(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    may_go_on, has_come = threading.Event(), threading.Event()

    def ask(_: Params) -> Any:
        has_come.set()
        may_go_on.wait(20)
        return ScriptedDaemon.make_reply()

    scripted.script["ask"] = ask
    uri = editor.open(repo.path / "upload.py")
    number = editor.post("workspace/executeCommand", {"command": "ail.why", "arguments": [uri, [2, 2]]})
    assert has_come.wait(20)
    editor.notify("$/cancelRequest", {"id": number})
    with pytest.raises(RefusedError) as refused:
        editor.wait(number)
    assert refused.value.code == -32800
    may_go_on.set()
    assert editor.hover(uri, 3) is not None


def test_without_a_daemon_hovers_are_silent_and_a_command_says_what_is_wrong(editor: Editor, repo: Repository) -> None:
    uri = editor.open(repo.path / "upload.py")
    assert editor.hover(uri, 2) is None
    failed = editor.execute("ail.why", uri, [2, 2])
    assert failed["error"]["message"].startswith("no daemon listens at ")
    assert "no daemon listens" in editor.wait_for("window/showMessage")["message"]


def test_a_daemon_of_another_version_and_one_that_hangs_up_are_said_and_survived(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    uri = editor.open(repo.path / "upload.py")
    scripted.script["hello"] = {"protocol": 99, "version": "9.0"}
    assert editor.hover(uri, 2) is None
    assert "speaks protocol 99" in editor.execute("ail.why", uri, [2, 2])["error"]["message"]
    scripted.script["hello"] = b"\xc1 no frame"
    assert editor.execute("ail.why", uri, [2, 2])["error"] is not None
    scripted.script |= {
        "hello": ScriptedDaemon.HELLO,
        "ask": ScriptedDaemon.make_reply(outcome="surprise", citations=[]),
    }
    assert editor.hover(uri, 2) is None
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    assert editor.execute("ail.why", uri, [2, 2])["error"] is None


def test_one_question_that_took_too_long_silences_no_other(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = OutOfTimeError("it took too long", "ask again")
    uri = editor.open(repo.path / "upload.py")
    assert editor.hover(uri, 2) is None
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    assert editor.hover(uri, 3) is not None


@pytest.mark.slow
def test_a_silent_daemon_is_left_alone_for_a_while_by_hovers(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    may_go_on = threading.Event()
    scripted.script["hello"] = lambda _: may_go_on.wait(30) and ScriptedDaemon.HELLO
    uri = editor.open(repo.path / "upload.py")
    assert editor.hover(uri, 2) is None
    tried = len(scripted.calls)
    assert [editor.hover(uri, line) for line in (1, 2, 3)] == [None] * 3
    assert len(scripted.calls) == tried
    may_go_on.set()


def test_a_repository_that_was_never_added_is_offered_once_and_its_progress_shown(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    states = [{"phase": "embedding", "done": 300, "of": 400, "complete": False}, {"complete": True, "phase": "idle"}]
    added: list[Params] = []

    def add(params: Params) -> Params:
        added.append(params)
        return {}

    scripted.script |= {
        "ask": lambda _: ScriptedDaemon.make_reply() if added else NotEnrolledError("it was never added", "add it"),
        "repo.add": add,
        "status": lambda _: {"repos": [states.pop(0)]},
    }
    editor.answers["window/showMessageRequest"] = lambda params: params["actions"][0]
    uri = editor.open(repo.path / "upload.py")
    assert editor.hover(uri, 2) is None
    assert str(repo.path) in editor.wait_for("window/showMessageRequest")["message"]
    editor.wait_for("$/progress", lambda said: said["value"].get("message") == "embedding 300 of 400 commits")
    report = editor.wait_for("$/progress", lambda said: said["value"]["kind"] == "report")
    assert report["value"]["percentage"] == 75
    editor.wait_for("$/progress", lambda said: said["value"]["kind"] == "end")
    assert [params["repo"] for params in added] == [str(repo.path)]
    assert editor.hover(uri, 2) is not None


def test_a_refused_offer_is_not_repeated(editor: Editor, scripted: ScriptedDaemon, repo: Repository) -> None:
    scripted.script["ask"] = NotEnrolledError("it was never added", "ail-client add DIR")
    editor.answers["window/showMessageRequest"] = lambda params: params["actions"][1]
    uri = editor.open(repo.path / "upload.py")
    for _ in range(3):
        assert editor.execute("ail.why", uri, [2, 2])["error"]["hint"] == "ail-client add DIR"
    assert len([name for name, _ in editor.notes if name == "window/showMessageRequest"]) == 1


def test_related_sends_the_buffer_s_change_and_diagnostics_show_what_comes_back(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    cited = ScriptedDaemon.make_citation(relation="reverts", sentence="Proxies drop them.", path="upload.py", line=2)
    companion = {"path": "tests/test_http.py", "share": 0.8, "of": 10, "beside": "src/http.py"}
    scripted.script["related"] = {
        "repo": str(repo.path), "files": ["upload.py"], "outcome": "answered", "citations": [cited],
        "companions": [companion], "degraded": None, "index": None,
    }  # fmt: skip
    path = repo.path / "upload.py"
    uri = editor.open(path, "def upload():\n    send()\n")
    result = editor.execute("ail.related", uri)
    assert result["companions"] == ["tests/test_http.py usually changes with src/http.py: 8 of 10 times"]
    assert "What history says of this change:\n" in result["markdown"]
    assert "4f1c2d9e4f is taken back (2026-05-04" in editor.wait_for("window/showMessage")["message"]
    assert scripted.get_params("related")["staged"] == (
        "diff --git a/upload.py b/upload.py\n--- a/upload.py\n+++ b/upload.py\n@@ -2 +1,0 @@ def upload():\n-    retry(1)\n"
    )
    editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    said = editor.wait_for("textDocument/publishDiagnostics")["diagnostics"]
    assert [(one["severity"], one["range"]["start"]["line"]) for one in said] == [(4, 1), (4, 0)]
    assert said[0]["message"].startswith("4f1c2d9e4f is taken back (2026-05-04, Jane Doe")
    editor.change(uri, 2, {"text": path.read_text()})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    editor.wait_for("textDocument/publishDiagnostics", lambda sent: sent["version"] == 2 and not sent["diagnostics"])
    assert len([name for name, _ in scripted.calls if name == "related"]) == 2, "an unchanged buffer asks nothing"
    assert editor.execute("ail.related", uri)["error"] is None
    assert scripted.get_params("related")["files"] == ["upload.py"]


HOSTILE = "Retry ![x](http://evil.example/p.png) <img src=x> [a](command:x) \u202e `b` http://evil.example www.evil.example\n# h"


def test_what_a_commit_s_author_wrote_is_shown_as_text_alone(
    editor: Editor, scripted: ScriptedDaemon, repo: Repository
) -> None:
    citation = ScriptedDaemon.make_citation(
        subject=HOSTILE, author=HOSTILE, excerpt=HOSTILE, path=f"`{HOSTILE}", sha="4f1c2d9e" * 5,
        pull_request={"number": 7, "title": HOSTILE, "url": "javascript:alert(1)"}, author_time=HOSTILE,
    )  # fmt: skip
    scripted.script["ask"] = ScriptedDaemon.make_reply(answer=HOSTILE, citations=[citation])
    uri = editor.open(repo.path / "upload.py")
    page = editor.execute("ail.why", uri, [2, 2])["markdown"]
    for text, headings in ((editor.hover(uri, 2) or "", 0), (page, 2)):
        assert text
        assert find_raw(text) == []
        tokens = [part for token in MarkdownIt("commonmark").parse(text) for part in [token, *(token.children or ())]]
        kinds = [token.type for token in tokens]
        assert not {"image", "link_open", "html_inline", "html_block", "fence"} & set(kinds), text
        assert kinds.count("heading_open") == headings
        literal = "".join(token.content for token in tokens if token.type in ("text", "code_inline"))
        assert "![x](http://evil.example/p.png) <img src=x> [a](command:x)" in literal


def test_an_editor_that_dies_takes_its_server_along(home: Home, repo: Repository) -> None:
    with start(home, repo.path, startDaemon=False) as editor:
        editor.open(repo.path / "upload.py")
        assert editor.process.stdin is not None
        editor.process.stdin.close()
        assert editor.process.wait(20) == 1


def test_the_server_leaves_though_the_daemon_is_stuck(home: Home, scripted: ScriptedDaemon, repo: Repository) -> None:
    may_go_on, has_come = threading.Event(), threading.Event()

    def ask(_: Params) -> Any:
        has_come.set()
        may_go_on.wait(60)
        return ScriptedDaemon.make_reply()

    scripted.script["ask"] = ask
    with start(home, repo.path, timeout=50) as editor:
        uri = editor.open(repo.path / "upload.py")
        editor.post("textDocument/hover", {"textDocument": {"uri": uri}, "position": at(2)})
        assert has_come.wait(20)
        assert editor.leave() == 0
    may_go_on.set()


def test_a_large_unsaved_buffer_is_not_sent(editor: Editor, scripted: ScriptedDaemon, repo: Repository) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    uri = editor.open(Path(repo.path / "upload.py"), "x = 1\n" * 200_000)
    assert editor.hover(uri, 2) is None
    notes = editor.execute("ail.why", uri, [2, 2])["notes"]
    assert notes == ["the buffer is large and not saved: lines are counted as in the file on the disk"]
    assert "contents" not in scripted.get_params("ask")
