"""`ail-lsp` over stdio with a real daemon: what an editor is told of a small history."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.daemon_process import wait_until
from tests.editors.lsp import CAPABILITIES, Editor, RefusedError, at, span, start
from tests.integration.conftest import Repository, make_repository
from tests.running import BIN, Home, sealed_home

REASON = "We retry once because the second attempt opens a fresh connection."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Repository]]:
    """A home whose daemon has read a repository with a remote; no test changes either."""
    with sealed_home() as home:
        repo = make_repository(tmp_path_factory.mktemp("served") / "project")
        repo.git("remote", "add", "origin", "https://github.com/o/r.git")
        done = home.client("add", str(repo.path), "--wait")
        assert done.returncode == 0, done.stderr
        yield home, repo


@pytest.fixture(scope="module")
def common_editor(served: tuple[Home, Repository]) -> Iterator[Editor]:
    with start(served[0], served[1].path) as running:
        yield running


@pytest.fixture
def editor(common_editor: Editor) -> Iterator[Editor]:
    """An editor with that repository as its workspace; its server is the same for all tests that change no setting."""
    yield common_editor
    common_editor.forget()


def test_a_hover_has_at_most_two_sentences_how_sure_they_are_and_a_linked_commit(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    said = editor.hover(editor.open(served[1].path / "upload.py"), 2)
    sha = served[1].shas["retry"]
    assert said is not None
    assert said.startswith("Proxies drop connections")
    assert REASON in said
    assert "(very likely: " in said
    assert f"[`{sha[:10]}`](https://github.com/o/r/commit/{sha})" in said
    assert "years ago · Ann Author" in said


def test_a_file_that_was_opened_is_read_ahead_and_its_hovers_say_the_same(served: tuple[Home, Repository]) -> None:
    home, repo = served
    with start(home) as editor, home.connected() as call:
        before = editor.hover(editor.open(repo.path / "upload.py"), 2)
        wait_until(lambda: call("prefetch", repo=str(repo.path), file="upload.py")["ready"])
    with start(home) as editor:
        assert editor.hover(editor.open(repo.path / "upload.py"), 2) == before
    assert before is not None
    assert REASON in before


def test_an_editor_that_shows_no_markdown_gets_none(served: tuple[Home, Repository]) -> None:
    plain = {"textDocument": {"hover": {"contentFormat": ["plaintext"]}}}
    with start(served[0], capabilities=plain) as editor:
        said = editor.hover(editor.open(served[1].path / "upload.py"), 2)
    assert said is not None
    assert re.search(rf"\n\(very likely: \d\d%\) {served[1].shas['retry'][:10]} · ", said)
    assert "[" not in said


def test_nothing_is_said_of_blank_lines_lines_past_the_end_and_what_is_not_committed(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    path = served[1].path / "upload.py"
    uri = editor.open(path, "def upload():\n   \n    retry(1)\n    mine()\n    send()\n")
    assert editor.hover(uri, 2) is None
    assert editor.hover(uri, 4) is None
    assert editor.hover(uri, 60) is None
    said = editor.hover(uri, 3)
    assert said is not None, "a committed line of an unsaved buffer, one lower than in HEAD"
    assert REASON in said


def test_lines_are_those_of_the_buffer_after_every_kind_of_change(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    uri = editor.open(served[1].path / "upload.py")
    editor.change(uri, 2, {"range": span((1, 0), (1, 0)), "text": "# \U0001f600\r\n"})
    editor.change(uri, 3, {"range": span((1, 4), (1, 4)), "text": "!\n# two"})
    assert editor.hover(uri, 1) is None, "not committed"
    moved = editor.hover(uri, 4)
    assert moved is not None
    assert REASON in moved
    editor.change(uri, 4, {"text": "nothing\nof\nHEAD\n"})
    replaced = editor.hover(uri, 2)
    assert replaced is not None, "a changed line has the reason of what it replaces"
    assert REASON in replaced


def test_a_buffer_with_other_line_ends_than_head_has_the_same_lines(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    uri = editor.open(served[1].path / "upload.py", "def upload():\r\n    retry(1)\r\n    send()\r\n# more\r\n")
    said = editor.hover(uri, 2)
    assert said is not None
    assert REASON in said
    assert editor.hover(uri, 4) is None


def test_hover_on_demand_shows_only_what_was_asked_for(served: tuple[Home, Repository]) -> None:
    with start(served[0], hover="onDemand") as editor:
        uri = editor.open(served[1].path / "upload.py")
        assert editor.hover(uri, 2) is None
        editor.execute("ail.why", uri, [2, 2])
        assert editor.hover(uri, 2) is not None
        editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": {"hover": "off"}}})
        assert editor.hover(uri, 2) is None


def test_the_least_sureness_is_a_setting_and_a_wrong_one_changes_nothing(served: tuple[Home, Repository]) -> None:
    with start(served[0], hoverConfidence=1) as editor:
        uri = editor.open(served[1].path / "upload.py")
        assert editor.hover(uri, 2) is None
        editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": {"hoverConfidence": 0.0}}})
        assert editor.hover(uri, 2) is not None
        editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": {"hoverConfidence": 7, "limit": True}}})
        editor.wait_for("window/showMessage", lambda said: said["message"].startswith("ail.hoverConfidence must be"))
        editor.wait_for("window/showMessage", lambda said: said["message"].startswith("ail.limit must be"))


def test_code_actions_come_where_somebody_looks_for_them(editor: Editor, served: tuple[Home, Repository]) -> None:
    uri = editor.open(served[1].path / "upload.py")

    def ask(**context: Any) -> list[Any]:
        about = {"textDocument": {"uri": uri}, "range": span((1, 0), (3, 0)), "context": {"diagnostics": []} | context}
        return list(editor.request("textDocument/codeAction", about))

    why, related = ask()
    assert (why["title"], why["command"]["arguments"]) == ("Why is this so?", [uri, [1, 2]])
    assert related["title"] == "What bears on this change?"
    assert ask(triggerKind=2) == [], "no lamp at every line that the cursor comes to"
    assert ask(only=["refactor"]) == []
    assert len(ask(only=["ail"])) == 2
    result = editor.execute(why["command"]["command"], *why["command"]["arguments"])
    assert REASON in result["answer"]


def test_an_answer_is_a_page_that_the_editor_opens(served: tuple[Home, Repository]) -> None:
    pages: list[str] = []
    with start(served[0], served[1].path) as editor:
        directory = show_a_page(editor, served[1], pages)
        assert editor.leave() == 0
    assert not directory.exists()


def show_a_page(editor: Editor, repo: Repository, pages: list[str]) -> Path:
    """Ask about a line, check the page that is shown, return the directory that it lies in."""

    def show(params: Any) -> Any:
        pages.append(Path(params["uri"].removeprefix("file://")).read_text())
        return {"success": True}

    editor.answers["window/showDocument"] = show
    result = editor.execute("ail.why", editor.open(repo.path / "upload.py"), [2, 2])
    assert pages == [result["markdown"]]
    assert pages[0].startswith("## Why is this so? `upload.py:2`\n\n> Proxies drop")
    assert "### 1. [`" in pages[0]
    directory = Path(editor.wait_for("window/showDocument")["uri"].removeprefix("file://")).parent
    assert directory.stat().st_mode & 0o777 == 0o700
    return directory


def test_an_editor_without_documents_to_show_gets_a_message(served: tuple[Home, Repository]) -> None:
    with start(served[0], capabilities={}) as editor:
        editor.execute("ail.why", editor.open(served[1].path / "upload.py"), [2, 2])
        assert REASON in editor.wait_for("window/showMessage")["message"]


def test_an_extension_that_presents_results_gets_them_as_values(served: tuple[Home, Repository]) -> None:
    with start(served[0], presents=True) as editor:
        result = editor.execute("ail.why", (served[1].path / "upload.py").as_uri(), [2, 2])
        assert (result["place"], result["error"], result["isOfChange"]) == ("upload.py:2", None, False)
        (first, *_) = result["citations"]
        assert (first["sha"], first["path"], first["line"]) == (served[1].shas["retry"], "upload.py", 2)
        assert not [name for name, _ in editor.notes if name.startswith("window/")]


def test_a_free_question_is_about_the_workspace_s_repository(editor: Editor, served: tuple[Home, Repository]) -> None:
    result = editor.execute("ail.ask", "why is the start page blue?", editor.open(served[1].path / "upload.py"))
    assert result["place"] == "", "it was not about the file"
    result = editor.execute("ail.ask", "why is the start page blue?")
    assert "red was taken for an error" in result["answer"]
    assert result["citations"][0]["sha"] == served[1].shas["paint"]


def test_a_commit_is_a_virtual_document_with_its_diff(editor: Editor, served: tuple[Home, Repository]) -> None:
    result = editor.execute("ail.why", editor.open(served[1].path / "upload.py"), [2, 2])
    text = editor.request("workspace/textDocumentContent", {"uri": result["citations"][0]["uri"]})["text"]
    assert text.startswith(f"commit {served[1].shas['retry']}\nAuthor: Ann Author <ann@example.org>\n")
    assert "    Retry uploads once on idle connections\n" in text
    assert "+++ b/upload.py\n@@ -0,0 +1,3 @@\n+def upload():\n+    retry(1)\n" in text
    elsewhere = result["citations"][0]["uri"].replace("project", "other")
    assert (
        "no file of that repository is open"
        in editor.request("workspace/textDocumentContent", {"uri": elsewhere})["text"]
    )
    assert "names no commit" in editor.request("workspace/textDocumentContent", {"uri": "ail://commit/--help"})["text"]
    shown = editor.execute("ail.showCommit", served[1].shas["paint"][:12], None)
    assert "+body { background: blue }" in shown["text"]


def test_a_server_that_was_started_again_shows_the_commits_of_what_is_open(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    result = editor.execute("ail.why", editor.open(served[1].path / "upload.py"), [2, 2])
    about = {"uri": result["citations"][0]["uri"]}
    with start(served[0], hover="onDemand") as again:
        assert "no file of that repository is open" in again.request("workspace/textDocumentContent", about)["text"]
        again.open(served[1].path / "upload.py")
        assert "    Retry uploads once" in again.request("workspace/textDocumentContent", about)["text"]


def test_an_editor_that_asks_for_content_is_shown_a_commit_by_its_address(served: tuple[Home, Repository]) -> None:
    able = {**CAPABILITIES, "workspace": {"textDocumentContent": {}}}
    with start(served[0], served[1].path, capabilities=able) as editor:
        editor.answers["window/showDocument"] = lambda _: {"success": True}
        uri = editor.execute("ail.showCommit", served[1].shas["paint"][:12], None)["uri"]
        assert editor.wait_for("window/showDocument")["uri"] == uri
        assert "+body" in editor.request("workspace/textDocumentContent", {"uri": uri})["text"]


def test_nothing_that_a_repository_configures_is_run(served: tuple[Home, Repository], tmp_path: Path) -> None:
    home, repo = served[0], make_repository(tmp_path / "hostile")
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    keys = (
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
        "core.fsmonitor",
        "core.pager",
        "gpg.program",
    )
    for key in keys:
        repo.git("config", key, str(program))
    repo.git("config", "log.showSignature", "true")
    (repo.path / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n")
    home.client("add", str(repo.path), "--wait")
    with start(home, repo.path) as editor:
        uri = editor.open(repo.path / "upload.py", "def upload():\n    send()\n")
        assert editor.execute("ail.related", uri)["error"] is None
        assert "+    retry(1)" in editor.execute("ail.showCommit", repo.shas["retry"], uri)["text"]
    assert not canary.exists()


def test_lenses_are_off_until_switched_on_and_get_their_title_when_they_are_seen(
    served: tuple[Home, Repository],
) -> None:
    with start(served[0]) as editor:
        uri = editor.open(served[1].path / "upload.py")
        about = {"textDocument": {"uri": uri}}
        assert editor.request("textDocument/codeLens", about) == []
        editor.notify("workspace/didChangeConfiguration", {"settings": {"ail": {"codeLens": True}}})
        editor.wait_for("workspace/codeLens/refresh")
        (lens,) = editor.request("textDocument/codeLens", about)
        assert "command" not in lens
        shown = editor.request("codeLens/resolve", lens)
        assert shown["command"] == {
            "title": shown["command"]["title"],
            "command": "ail.why",
            "arguments": [uri, [1, 3]],
        }
        assert shown["command"]["title"].endswith(("1 reason", " reasons"))


def test_the_hint_stands_at_the_line_where_the_cursor_rests(served: tuple[Home, Repository]) -> None:
    with start(served[0], inlayHint=True) as editor:
        uri = editor.open(served[1].path / "upload.py")
        about = {"textDocument": {"uri": uri}, "range": span((1, 0), (4, 0))}
        assert editor.request("textDocument/inlayHint", about) == []
        editor.notify("ail/cursor", {"textDocument": {"uri": uri}, "position": at(2)})
        editor.wait_for("workspace/inlayHint/refresh")
        (hint,) = editor.request("textDocument/inlayHint", about)
        assert hint["position"] == at(2, 12)
        assert hint["label"] == f"{served[1].shas['retry'][:10]} 2023-11-14 Retry uploads once on idle connections"


def test_a_symlinked_workspace_is_followed(served: tuple[Home, Repository], tmp_path: Path, editor: Editor) -> None:
    (tmp_path / "link").symlink_to(served[1].path)
    assert editor.hover(editor.open(tmp_path / "link" / "upload.py"), 2) is not None


def test_files_without_a_history_are_silent_and_say_why_when_asked(
    editor: Editor, served: tuple[Home, Repository], tmp_path: Path
) -> None:
    (tmp_path / "loose.py").write_text("x = 1\n")
    loose = editor.open(tmp_path / "loose.py")
    assert editor.hover(loose, 1) is None
    assert "lies in no git repository" in editor.execute("ail.why", loose, [1, 1])["error"]["message"]
    config = editor.open(served[1].path / ".git" / "config")
    assert editor.hover(config, 1) is None
    never = editor.open(served[1].path / "new.py", "x = 1\n")
    assert editor.hover(never, 1) is None
    item = {"uri": "untitled:Untitled-1", "languageId": "python", "version": 1, "text": "x = 1\n"}
    editor.notify("textDocument/didOpen", {"textDocument": item})
    assert editor.hover("untitled:Untitled-1", 1) is None
    assert "only files on this machine" in editor.execute("ail.why", "untitled:Untitled-1", [1, 1])["error"]["message"]


def test_a_binary_file_and_one_of_a_hundred_thousand_lines_are_no_trouble(
    editor: Editor, served: tuple[Home, Repository]
) -> None:
    binary = editor.open(served[1].path / "upload.py", "\0\x01\ud800" + "\x0c" * 50)
    assert editor.hover(binary, 1) is None
    large = editor.open(served[1].path / "db.py", "TIMEOUT_S = 30\n" + "x = 1\n" * 100_000)
    for version in range(2, 30):
        editor.change(large, version, {"range": span((50_000, 0), (50_000, 0)), "text": "y"})
    assert editor.hover(large, 1) is not None
    assert editor.hover(large, 50_000) is None


def test_a_workspace_of_several_repositories_asks_which_one_is_meant(
    served: tuple[Home, Repository], tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("Begin", a__py="x = 1\n")
    with start(served[0], served[1].path, other.path, served[1].path / "none") as editor:
        assert "the workspace has 2 repositories" in editor.execute("ail.ask", "why blue?")["error"]["message"]
        result = editor.execute("ail.ask", "why is the page blue?", (served[1].path / "upload.py").as_uri())
        assert result["citations"][0]["sha"] == served[1].shas["paint"]


WRONG: tuple[tuple[str, list[Any]], ...] = (
    ("ail.why", []),
    ("ail.why", [3]),
    ("ail.why", ["file:///x", [2, 1]]),
    ("ail.why", ["file:///x", "lines"]),
    ("ail.why", ["file:///x", [1, 1], "q", 4]),
    ("ail.related", ["file:///never/opened"]),
    ("ail.ask", []),
    ("ail.ask", [["q"]]),
    ("ail.showCommit", [{}]),
    ("ail.add", [1]),
    ("ail.none", []),
)


def test_a_command_with_wrong_arguments_is_refused_with_a_sentence(editor: Editor) -> None:
    for command, arguments in WRONG:
        with pytest.raises(RefusedError) as refused:
            editor.execute(command, *arguments)
        assert refused.value.code == -32602, (command, arguments)
        assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_program_says_what_it_is(served: tuple[Home, Repository], argument: str) -> None:
    done = served[0].run(str(BIN / "ail-lsp"), argument)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ail-lsp" in done.stdout


def test_without_the_extra_it_says_what_to_install_and_exits_69() -> None:
    code = "import ail_lsp.cli as cli; cli.find_spec = lambda name: None; raise SystemExit(cli.main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 69
    assert "pip install 'archaeological-intelligence[lsp]'" in done.stderr
