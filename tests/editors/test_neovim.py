"""ail.nvim in a real Neovim: what is asked, what is shown, where keys lead; a real daemon where words matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.conftest import Neovim, add
from tests.integration.conftest import Repository
from tests.running import Home

from ail_rpc import WHY

ASK = "vim.cmd('Ail why the retry?')\nemit('answer', (wait_float()))"


def asked(nvim: Neovim, scripted: ScriptedDaemon, lua: str, *files: str | bytes, **options: Any) -> dict[str, Any]:
    """Return the params of the question that *lua* led to."""
    scripted.script.setdefault("ask", ScriptedDaemon.make_reply(file=None))
    nvim(f"{lua}\nwait_float()", *files, **options)
    return scripted.get_params("ask")


def test_a_question_is_answered_in_a_float_by_a_daemon_that_is_started_for_it(
    nvim: Neovim, home: Home, repo: Repository
) -> None:
    add(home, repo)
    home.stop()
    seen = nvim(f"vim.api.nvim_win_set_cursor(0, {{2, 0}})\n{ASK}", str(repo.path / "upload.py"))
    text = " ".join(seen["answer"])
    assert "We retry once because the second attempt" in text
    assert f"1. {repo.shas['retry'][:10]}  2023-11-14  Ann Author" in text
    assert "touches these lines" in text


def test_the_line_the_range_the_file_or_the_repository_is_asked_about(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    file = str(repo.path / "upload.py")
    line = asked(nvim, scripted, "vim.cmd('3') vim.cmd('Ail why?')", file)
    assert (line["question"], line["lines"], line["file"], line["limit"]) == ("why?", [3, 3], file, 5)
    assert asked(nvim, scripted, "vim.cmd('2,3Ail why?')", file)["lines"] == [2, 3]
    assert asked(nvim, scripted, "vim.cmd('3') vim.cmd('Ail')", file)["question"] == WHY
    visual = "vim.cmd('normal! ggVj\\27') vim.cmd(\"'<,'>Ail why?\")"
    assert asked(nvim, scripted, visual, file)["lines"] == [1, 2]
    whole = asked(nvim, scripted, "vim.cmd('%Ail why?')", file)
    assert (whole["file"], "lines" in whole) == (file, False)
    nowhere = asked(nvim, scripted, "vim.cmd('Ail why?')", cwd=repo.path)
    assert (nowhere["repo"], "file" in nowhere) == (str(repo.path), False)


def test_the_keys_of_an_answer_show_the_commit_go_to_the_place_and_fill_the_quickfix_list(
    nvim: Neovim, home: Home, repo: Repository
) -> None:
    add(home, repo)
    lua = """
    vim.cmd('2') vim.cmd('Ail why the retry?') wait_float()
    local function press(keys) vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'x', false) end
    press(']]') emit('on', vim.api.nvim_get_current_line())
    press('<CR>') emit('commit', wait_buffer('git')) press('q')
    vim.cmd('Ail why the retry?') wait_float()
    press(']]gf') emit('at', {vim.fn.expand('%:t'), vim.fn.line('.')})
    vim.cmd('Ail why the retry?') wait_float()
    press('Q') emit('list', vim.fn.getqflist()[1].text) emit('title', vim.fn.getqflist({title = 1}).title)
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    sha = repo.shas["retry"]
    assert seen["on"].startswith(f"1. {sha[:10]}")
    assert seen["commit"][0] == f"commit {sha}"
    assert "    Retry uploads once on idle connections" in seen["commit"]
    assert seen["at"] == ["upload.py", 2]
    assert seen["list"].startswith(f"{sha[:10]} Retry uploads once on idle connections — Proxies drop")
    assert seen["title"] == "AIL: why the retry?"


def test_an_unsaved_buffer_s_text_is_sent_with_its_lines(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    """The daemon finds which lines of HEAD they are, and cites lines of the text that it was sent."""
    scripted.script["ask"] = ScriptedDaemon.make_reply(
        repo=str(repo.path), file="upload.py", citations=[ScriptedDaemon.make_citation(path="upload.py", line=3)]
    )
    lua = """
    vim.api.nvim_buf_set_lines(0, 0, 0, false, {'# one', '# two'})
    vim.cmd('4') vim.cmd('Ail! why?') wait(function() return #vim.fn.getqflist() > 0 end)
    emit('line', vim.fn.getqflist()[1].lnum)
    vim.cmd('write') vim.cmd('1,2Ail why?') emit('saved', (wait_float()))
    """
    text = (repo.path / "upload.py").read_text()
    seen = nvim(lua, str(repo.path / "upload.py"))
    sent = [(params["lines"], params.get("contents")) for name, params in scripted.calls if name == "ask"]
    assert sent == [([4, 4], f"# one\n# two\n{text}"), ([1, 2], None)]
    assert seen["line"] == 3


def test_a_large_unsaved_buffer_is_copied_part_by_part_and_anew_where_it_is_changed(
    nvim: Neovim, repo: Repository
) -> None:
    """The editor takes keys between the parts: copying 10,000 lines at once blocked it for 2 ms."""
    lua = """
    local lines = {}
    for number = 1, 9000 do lines[number] = 'line ' .. number end
    vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    local copied
    require('ail.lines').get_contents(vim.api.nvim_get_current_buf(), function(text) copied = text end)
    emit('at_once', copied ~= nil)
    vim.api.nvim_buf_set_lines(0, -1, -1, false, {'the last'})
    wait(function() return copied end)
    emit('copied', copied)
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    assert not seen["at_once"]
    assert seen["copied"] == "".join(f"line {number}\n" for number in range(1, 9001)) + "the last\n"


def test_a_buffer_of_a_deleted_file_is_asked_about_as_a_file(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    """Its directory may be gone as well; the file is still named from the repository's root."""
    repo.commit("Add a page", **{"deep/er/gone__py": "x = 1\n"})
    repo.git("rm", "-q", "deep/er/gone.py")
    repo.commit("Drop the page")
    params = asked(nvim, scripted, "vim.cmd('Ail why?')", str(repo.path / "deep/er/gone.py"))
    assert (params["file"], params["repo"]) == (str(repo.path / "deep/er/gone.py"), str(repo.path))
    assert params["lines"] == [1, 1]  # the daemon knows that HEAD has no such file


def test_names_with_spaces_quotes_newlines_and_bytes_arrive_as_they_are(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    for name in ("two words.py", 'it\'s "quoted".py', "$(id)`id`.py", "new\nline.py", "%#<cfile>.py", "-n"):
        (repo.path / name).write_text("x = 1\n")
        repo.commit("Add one")
        params = asked(nvim, scripted, "vim.cmd('Ail why?')", str(repo.path / name))
        assert (params["file"], params["lines"]) == (str(repo.path / name), [1, 1])
    raw = str(repo.path).encode() + b"/caf\xe9.py"
    Path(raw.decode("utf-8", "surrogateescape")).write_text("x = 1\n")
    repo.commit("Add one")
    params = asked(nvim, scripted, "vim.cmd('Ail why?')", raw)
    assert (params["file"].encode("utf-8", "surrogateescape"), params["lines"]) == (raw, [1, 1])


def test_a_file_outside_any_repository_gets_the_daemon_s_words(nvim: Neovim, home: Home, tmp_path: Path) -> None:
    (tmp_path / "lone.py").write_text("x = 1\n")
    with home.daemon():
        seen = nvim(ASK, str(tmp_path / "lone.py"), cwd=tmp_path)
    assert "lies in no git repository" in " ".join(seen["answer"])


def test_a_repository_that_was_not_added_is_told_with_what_to_do(nvim: Neovim, home: Home, repo: Repository) -> None:
    with home.daemon():
        seen = nvim(ASK, str(repo.path / "upload.py"))
    assert "is not enrolled" in " ".join(seen["answer"])
    assert f"hint: ail-client add {repo.path}" in " ".join(seen["answer"])


def test_related_names_the_file_and_shows_what_bears_on_it(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    cited = ScriptedDaemon.make_citation(relation="reverts", sentence="Proxies drop idle connections.")
    companion = {"path": "tests/test_http.py", "share": 0.8, "of": 10, "beside": "src/http.py"}
    scripted.script["related"] = {
        "repo": str(repo.path), "files": ["upload.py"], "outcome": "answered", "citations": [cited], "companions": [companion],
        "degraded": None, "index": None,
    }  # fmt: skip
    file = str(repo.path / "upload.py")
    seen = nvim("vim.cmd('AilRelated') emit('answer', (wait_float()))", file)
    assert scripted.get_params("related")["files"] == [file]
    assert seen["answer"][0] == "tests/test_http.py usually changes with src/http.py: 8 of 10 times"
    assert {"   Retry once on idle connections", "   is taken back"} <= set(seen["answer"])


def test_related_staged_sends_the_change_of_the_index_that_the_commit_is_made_of(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    """Also in the editor of `git commit -a`, which has an index of its own."""
    scripted.script["related"] = ScriptedDaemon.make_reply(question=None, file=None, answer=None, confidence=None)
    (repo.path / "upload.py").write_text("def upload():\n    send()\n")
    assert "nothing is staged" in nvim("vim.cmd('AilRelated staged') vim.wait(300)", cwd=repo.path)["messages"]
    repo.git("add", "-A")
    repo.git("read-tree", "--index-output=.git/other", "HEAD")
    lua = "vim.cmd('AilRelated staged') wait_float()"
    nvim(lua, cwd=repo.path)
    sent = scripted.get_params("related")
    assert (sent["repo"], "\n-    retry(1)\n" in sent["staged"]) == (str(repo.path), True)
    said = nvim("vim.cmd('AilRelated staged') vim.wait(300)", cwd=repo.path, env={"GIT_INDEX_FILE": ".git/other"})
    assert "nothing is staged" in said["messages"]


@pytest.mark.usefixtures("scripted")
def test_a_method_the_daemon_does_not_know_is_a_clear_error(nvim: Neovim, repo: Repository) -> None:
    seen = nvim("vim.cmd('AilRelated') emit('answer', (wait_float()))", str(repo.path / "upload.py"))
    assert seen["answer"] == ["unknown method: related"]


def test_no_evidence_is_said(nvim: Neovim, scripted: ScriptedDaemon, repo: Repository) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply(outcome="no_evidence", answer="", citations=[], confidence=0.0)
    assert nvim(ASK, str(repo.path / "upload.py"))["answer"] == ["No evidence in the history."]


def test_below_the_bar_the_nearest_commits_are_shown_as_such(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply(outcome="no_evidence", answer="", confidence=0.2)
    answer = nvim(ASK, str(repo.path / "upload.py"))["answer"]
    assert answer[0] == "No evidence in the history that surely answers this. Nearest:"
    assert not any("20%" in line for line in answer)


@pytest.mark.parametrize(("line", "last"), [(2, 2), (25, 25), (40, 40), (36, 40)])
def test_the_answer_never_covers_the_lines_it_is_about(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository, line: int, last: int
) -> None:
    excerpt = "\n\n".join(f"Sentence {number} of many." for number in range(30))
    scripted.script["ask"] = ScriptedDaemon.make_reply(citations=[ScriptedDaemon.make_citation(excerpt=excerpt)] * 3)
    (repo.path / "upload.py").write_text("".join(f"line {number}\n" for number in range(1, 41)))
    lua = f"""
    vim.o.lines, vim.o.columns = 44, 100 vim.cmd('{line}')
    vim.cmd('redraw') vim.cmd('{line},{last}Ail why?')
    local before = vim.fn.line('w0')
    wait_float()
    local at = vim.api.nvim_win_get_position(require('ail.float').window)
    local height = vim.api.nvim_win_get_height(require('ail.float').window)
    emit('top', at[1]) emit('bottom', at[1] + height + 1) emit('shift', before - 1)
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    rows = range(line - 1 - seen["shift"], last - seen["shift"])
    assert all(not seen["top"] <= row <= seen["bottom"] for row in rows), seen
    assert seen["top"] >= 0
    assert seen["bottom"] < 44


def test_a_hint_comes_at_once_and_soon_after_the_cursor_rests(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    lua = """
    local function row()
      local space = vim.api.nvim_create_namespace('ail_hint')
      local marks = vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {})
      return marks[1] and marks[1][2]
    end
    vim.o.updatetime = 4000
    vim.cmd('AilHint on') emit('first', vim.wait(2000, function() return row() == 0 end, 10))
    vim.api.nvim_win_set_cursor(0, { 2, 0 }) vim.cmd('doautocmd CursorMoved')
    emit('second', vim.wait(2000, function() return row() == 1 end, 10))
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    assert (seen["first"], seen["second"]) == (True, True)


def test_the_hint_is_off_until_switched_on_and_never_starts_a_daemon(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    lua = """
    local function hints()
      local space = vim.api.nvim_create_namespace('ail_hint')
      return vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {details = true})
    end
    vim.cmd('doautocmd CursorHold') emit('off', #hints())
    vim.cmd('2') vim.cmd('AilHint on') wait(function() return #hints() > 0 end)
    emit('row', hints()[1][2]) emit('text', hints()[1][4].virt_text[1][1])
    vim.cmd('AilHint') emit('again', #hints())
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    assert (seen["off"], seen["row"], seen["again"]) == (0, 1, 0)
    assert seen["text"].strip() == "4f1c2d9e4f 2026-05-04 Retry once on idle connections"
    assert scripted.get_params("ask")["lines"] == [2, 2]


def test_an_answer_that_comes_when_the_cursor_has_moved_does_not_take_it(
    nvim: Neovim, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply()
    lua = """
    local window = vim.api.nvim_get_current_win()
    vim.cmd('1') vim.cmd('Ail why?') vim.cmd('3') local _, float = wait_float()
    emit('stays', vim.api.nvim_get_current_win() == window)
    vim.cmd('Ail why?') wait(function() return vim.api.nvim_get_current_win() ~= window end) emit('goes', true)
    """
    seen = nvim(lua, str(repo.path / "upload.py"))
    assert (seen["stays"], seen["goes"]) == (True, True)


def test_checkhealth_tells_of_the_editor_the_programs_and_the_daemon(
    nvim: Neovim, home: Home, repo: Repository
) -> None:
    lua = "vim.cmd('checkhealth ail') emit('page', table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'))"
    down = nvim(lua)["page"]
    assert "no daemon listens at" in down
    assert "ail-client: " in down
    add(home, repo)
    up = nvim(lua)["page"]
    assert "1 repositories are enrolled" in up
    assert "no model: questions are answered by words alone" in up


def test_the_help_has_its_tags_and_an_unknown_option_is_refused(nvim: Neovim, tmp_path: Path) -> None:
    lua = f"""
    vim.cmd('helptags ' .. vim.fn.fnameescape({str(tmp_path)!r}))
    emit('tags', vim.fn.readfile({str(tmp_path / "tags")!r}))
    local ok, err = pcall(require('ail').setup, {{ timeuot_s = 3 }}) emit('refused', not ok and err)
    """
    (tmp_path / "ail.txt").write_text((Path(__file__).parents[2] / "editors/ail.nvim/doc/ail.txt").read_text())
    seen = nvim(lua)
    tags = {line.split("\t")[0] for line in seen["tags"]}
    assert {"ail", ":Ail", ":AilRelated", ":AilShow", ":AilHint", "ail-setup", "ail-keys", "ail-socket"} <= tags
    assert 'no option "timeuot_s"' in seen["refused"]


def test_the_life_of_a_line_is_shown_oldest_first_with_its_reason(nvim: Neovim, home: Home, repo: Repository) -> None:
    repo.shas["twice"] = repo.commit("Retry twice", upload__py="def upload():\n    retry(2)\n    send()\n")
    repo.shas["layout"] = repo.commit("Run black", upload__py="def upload():\n    retry( 2 )\n    send()\n")
    add(home, repo)
    lines = nvim("vim.cmd('2AilLog') emit('life', (wait_float()))", str(repo.path / "upload.py"))["life"]
    heads = [line for line in lines if line[:2] in ("1.", "2.")]
    assert [line.split()[1] for line in heads] == [repo.shas["retry"][:10], repo.shas["twice"][:10]]
    assert any("Proxies drop" in line or "We retry once because" in line for line in lines)
    assert any("no reason is recorded" in line for line in lines)
    assert any(f"reformatting: {repo.shas['layout'][:10]}  Run black" in line for line in lines)
