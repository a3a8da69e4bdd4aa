"""The recipes for Vim, Emacs and VS Code, the first two run for real in batch mode; and Neovim without the plugin."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.batch import WAIT, run_emacs, run_vim, show_in_vim
from tests.editors.conftest import ROOT, Neovim, add
from tests.integration.conftest import RETRY, Repository
from tests.running import Home

from ail_rpc import WHY

NAMES = ("plain.py", "two words.py", 'it\'s "quoted".py', "$(id)`id`.py", "%#<cfile>.py", "-n")
"""Of files: a shell, an editor's command line or an option parser would take them for something else."""


@pytest.fixture
def named(home: Home, repo: Repository) -> str:
    """The sha of a commit that gave a reason for line 2 of a file of each name."""
    sha = repo.commit(RETRY, **dict.fromkeys(NAMES, "def upload():\n    retry(1)\n    send()\n"))
    add(home, repo)
    return sha[:10]


def test_vim_asks_about_a_line_and_its_quickfix_list_leads_there(home: Home, repo: Repository, named: str) -> None:
    for name in NAMES:
        listed = run_vim(home, name, ["2", "AilWhy why the retry?", *WAIT], repo.path)
        (found,) = [entry for entry in listed if entry[2].startswith(named)]
        assert (Path(found[0]).name, found[1]) == (name, 2)
        assert found[2].startswith(f"{named} Retry uploads once on idle connections — Proxies drop")


def test_vim_s_one_line_way_fills_the_quickfix_list(home: Home, repo: Repository) -> None:
    add(home, repo)
    line = next(line for line in (ROOT / "editors/vim/ail.vim").read_text().splitlines() if ":cexpr" in line)
    listed = run_vim(home, "upload.py", ["2", line.partition(":")[2]], repo.path)
    assert [entry[:2] for entry in listed if entry[2].strip().startswith(repo.shas["retry"][:10])] == [["upload.py", 2]]


def test_vim_asks_about_the_visual_area_from_another_directory(
    home: Home, scripted: ScriptedDaemon, repo: Repository, tmp_path: Path
) -> None:
    cited = ScriptedDaemon.make_citation(path="upload.py", line=3)
    scripted.script["ask"] = ScriptedDaemon.make_reply(repo=str(repo.path), citations=[cited])
    listed = run_vim(home, str(repo.path / "upload.py"), ["2,3AilWhy why?", *WAIT], tmp_path)
    assert scripted.get_params("ask")["lines"] == [2, 3]
    assert "".join(listed[0][2].split()) == "(verylikely:83%)Proxiesdropidleconnections(4f1c2d9e)."
    assert listed[1][:2] == ["project/upload.py", 3]


def test_vim_says_the_answer_and_nothing_of_autocommands(
    home: Home, scripted: ScriptedDaemon, repo: Repository, tmp_path: Path
) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply(repo=str(repo.path))
    said = tmp_path / "said"
    lines = [f"redir! > {said}", "1AilWhy why?", *WAIT, "sleep 50m", "redir END"]
    run_vim(home, "upload.py", lines, repo.path)
    assert "autocommands" not in said.read_text()
    assert "AIL: (very likely: 83%) Proxies" in said.read_text()


@pytest.mark.parametrize(("line", "count"), [(2, 1), (30, 1), (10, 5)])
def test_vim_s_popup_has_answer_and_confidence_and_covers_none_of_the_lines(
    home: Home, scripted: ScriptedDaemon, repo: Repository, tmp_path: Path, line: int, count: int
) -> None:
    (repo.path / "long.py").write_text("".join(f"x = {number}\n" for number in range(100)))
    scripted.script["ask"] = ScriptedDaemon.make_reply(repo=str(repo.path))
    said = tmp_path / "said"
    kept = "map(popup_list(), {_, id -> [popup_getpos(id), getbufline(winbufnr(id), 1, '$')]})"
    rows = f"map([{line}, {line + count - 1}], {{_, at -> screenpos(win_getid(), at, 1).row}})"
    lines = [f"{line}", "redraw", f"{line},{line + count - 1}AilWhy why?", *WAIT, "sleep 50m", "redraw"]
    show_in_vim(home, "long.py", [*lines, f"call writefile([json_encode([{kept}, {rows}])], '{said}')"], repo.path)
    ((place, text),), (first, last) = json.loads(said.read_text())
    assert "".join(text) == "(very likely: 83%) Proxies drop idle connections (4f1c2d9e)."
    assert place["line"] > last or place["line"] + place["height"] - 1 < first, (place, first, last)


def test_emacs_asks_about_a_line_and_next_error_leads_there(home: Home, repo: Repository, named: str) -> None:
    asked = run_emacs(home, [repo.path / name for name in NAMES], '(forward-line 1) (ail-why "why the retry?")')
    for name, (place, *text) in zip(NAMES, asked, strict=True):
        assert place == f"{name}:2"
        assert any("likely: " in line and "Proxies drop" in line for line in text)
        assert any(f":2:1: {named} Retry uploads once on idle connections — Proxies" in line for line in text)


def test_emacs_asks_about_the_region(home: Home, scripted: ScriptedDaemon, repo: Repository) -> None:
    scripted.script["ask"] = ScriptedDaemon.make_reply(repo=str(repo.path))
    region = '(transient-mark-mode 1) (push-mark (point-min) t t) (forward-line 2) (ail-why "it\'s \\"why\\"?")'
    run_emacs(home, [repo.path / "upload.py"], region)
    asked = scripted.get_params("ask")
    assert (asked["lines"], asked["question"]) == ([1, 2], 'it\'s "why"?')


def test_vim_and_emacs_ask_why_it_is_so_where_nothing_else_is_asked(
    home: Home, scripted: ScriptedDaemon, repo: Repository
) -> None:
    """Not with the line's code as the question: of 60 lines 40 got no evidence so, and none by the place alone."""
    scripted.script["ask"] = ScriptedDaemon.make_reply(repo=str(repo.path))
    run_vim(home, str(repo.path / "upload.py"), ["2AilWhy", *WAIT], repo.path)
    assert scripted.get_params("ask")["question"] == WHY
    enter = "(cl-letf (((symbol-function 'read-string) (lambda (_prompt _first _history default) default)))"
    prompted = f"(require 'cl-lib) (forward-line 1) {enter} (call-interactively #'ail-why))"
    run_emacs(home, [repo.path / "upload.py"], prompted)
    assert (scripted.get_params("ask")["question"], scripted.get_params("ask")["lines"]) == (WHY, [2, 2])


def get_task() -> Any:
    text = (ROOT / "editors/vscode/tasks.json").read_text()
    return json.loads(re.sub(r"(?m)(^|[,{ ]) *//.*$", r"\1", text))["tasks"][0]


@pytest.mark.slow
def test_vs_code_s_problem_matcher_reads_what_the_client_prints(home: Home, repo: Repository) -> None:
    """The pattern as VS Code applies it, by a JavaScript engine where there is one; names with colons and spaces among them."""
    repo.git("mv", "upload.py", "a:12 b.py")
    repo.commit("Name it anew")
    add(home, repo)
    task = get_task()
    words = {"${relativeFile}:${lineNumber}": "a:12 b.py:2", "${input:ailQuestion}": "why the retry?"}
    done = home.client(*(words.get(word, word) for word in task["args"]), cwd=repo.path)
    pattern = task["problemMatcher"]["pattern"]
    keys = ("file", "line", "column", "code", "message")
    found = [re.search(pattern["regexp"], line) for line in done.stdout.splitlines()]
    read = [[match[pattern[key]] for key in keys] for match in found if match]
    assert len(read) == len(found) > 0, done.stdout
    sha = repo.shas["retry"][:10]
    assert [row[:4] for row in read if row[3] == sha] == [["a:12 b.py", "2", "1", sha]]
    if node := shutil.which("node"):
        script = "const [p, t] = process.argv.slice(1); const r = new RegExp(p);"
        script += "console.log(JSON.stringify(t.split('\\n').map(l => l.match(r))))"
        said = subprocess.run(
            [node, "-e", script, pattern["regexp"], done.stdout.strip()], capture_output=True, check=True
        )
        assert [[row[pattern[key]] for key in keys] for row in json.loads(said.stdout)] == read


def test_neovim_asks_without_the_plugin_in_two_lines(nvim: Neovim, home: Home, repo: Repository) -> None:
    """The lines of the help file, as they stand there."""
    help_text = (ROOT / "editors/ail.nvim/doc/ail.txt").read_text()
    connect, ask = re.findall(r"^ +:(let ail = .*|echo rpcrequest.*)$", help_text, re.MULTILINE)
    add(home, repo)
    with home.connected():
        lua = f"""
        vim.cmd([==[{connect.replace("$XDG_RUNTIME_DIR . '/ail/ail.sock'", "$AIL_SOCKET")}]==])
        emit('said', vim.api.nvim_exec([==[{ask}]==], true))
        """
        assert "We retry once because" in nvim(lua, cwd=repo.path)["said"]
