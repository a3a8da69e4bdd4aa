"""Two hundred hostile commits in Neovim, Vim and Emacs: nothing that is obeyed, hides or reorders text gets into a buffer."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import ScriptedDaemon
from tests.editors.batch import WAIT, run_emacs, run_vim
from tests.editors.conftest import Neovim
from tests.hostile import CORPUS, PATHS, find_raw, write_history
from tests.running import Home

from ail_client.sanitise import to_path
from ail_rpc.framing import pack

UNICODE_OF_TABLE = "14.0.0"


def as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def make_reply(repo: Path) -> dict[str, Any]:
    """A reply that cites every hostile commit in every field a commit's author can write."""
    citations = []
    for number, entry in enumerate(CORPUS):
        subject, _, body = as_text(entry.message).partition("\n")
        citations.append(
            ScriptedDaemon.make_citation(
                sha=f"{number:040x}", subject=subject, excerpt=body, author=as_text(entry.author), line=1,
                path=as_text(PATHS[number % len(PATHS)]), reasons=["words", subject], reverted_by=subject,
            )
        )  # fmt: skip
    answer = "\n".join(citation["excerpt"] for citation in citations)
    return ScriptedDaemon.make_reply(
        repo=str(repo), file=None, answer=answer, citations=citations, degraded=as_text(CORPUS[0].message)
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A repository whose files have hostile names; lists lead to them."""
    write_history(tmp_path / "project")
    return tmp_path / "project"


def test_neovim_shows_hostile_answers_and_lists_without_a_raw_character(
    nvim: Neovim, scripted: ScriptedDaemon, files: Path
) -> None:
    scripted.script["ask"] = make_reply(files)
    lua = """
    vim.cmd('Ail why?') emit('float', (wait_float()))
    require('ail.float').close()
    vim.cmd('Ail! why?') wait(function() return #vim.fn.getqflist() > 0 end) vim.cmd('copen')
    emit('list', vim.api.nvim_buf_get_lines(0, 0, -1, false))
    emit('names', #vim.tbl_filter(function(entry) return entry.valid == 1 end, vim.fn.getqflist()))
    """
    seen = nvim(lua, str(files / "file.py"))
    assert len(seen["list"]) == len(CORPUS)
    assert sum(line.startswith(f"{len(CORPUS)}. ") for line in seen["float"]) == 1
    assert find_raw("\n".join([*seen["float"], *seen["list"]])) == []
    assert seen["names"] == len(CORPUS), "every entry leads to its file, whatever its name"


@pytest.mark.slow
def test_neovim_shows_every_hostile_commit_without_a_raw_character_and_obeys_no_modeline(
    nvim: Neovim, home: Home, files: Path
) -> None:
    done = home.client("add", str(files), "--wait")
    assert done.returncode == 0, done.stderr
    git = ["git", "-C", str(files), "rev-list", "--all"]
    shas = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split()
    lua = f"""
    local lines, ails = {{}}, {{}}
    for _, sha in ipairs({{{",".join(repr(sha) for sha in shas)}}}) do
      vim.cmd('AilShow ' .. sha)
      vim.list_extend(lines, wait_buffer('git'))
      vim.cmd('bwipeout!')
    end
    emit('lines', lines)
    vim.o.modeline = true
    require('ail.commit').open({{ sha = '{"4" * 40}', message = 'vim: set shiftwidth=7:' }})
    emit('width', vim.bo.shiftwidth)
    """
    seen = nvim(lua, str(files / "file.py"))
    assert sum(line.startswith("commit ") for line in seen["lines"]) == len(CORPUS)
    assert find_raw("\n".join(seen["lines"])) == []
    assert seen["width"] != 7


def test_neovim_draws_the_line_between_printable_and_not_where_the_client_draws_it(nvim: Neovim, home: Home) -> None:
    """On every code point that this Python calls unprintable, and on those of the first planes, in a text each."""
    codes = [code for code in range(0x20000) if not 0xD800 <= code <= 0xDFFF]
    texts = ["".join(map(chr, codes[start : start + 64])) for start in range(0, len(codes), 64)]
    given = home.directory / "texts"
    given.write_bytes(pack(texts))
    lua = f"""
    local visible, shown = require('ail.safe').visible, {{}}
    for i, text in ipairs(vim.mpack.decode(assert(io.open({str(given)!r}, 'rb')):read('*a'))) do shown[i] = visible(text) end
    emit('shown', shown)
    """
    for text, shown in zip(texts, nvim(lua)["shown"], strict=True):
        assert find_raw(shown, "") == []
        if unicodedata.unidata_version == UNICODE_OF_TABLE:
            assert shown == to_path(text)


@pytest.mark.parametrize("raw", [b"\xc0\x9b", b"\xed\xa0\xbd", b"\xf5\x90\x80\x80", b"\xe2\x82", b"a\x80", b"\xff\n\0"])
def test_bytes_that_are_no_utf_8_are_shown_in_hexadecimal(nvim: Neovim, home: Home, raw: bytes) -> None:
    (home.directory / "raw").write_bytes(raw)
    lua = (
        f"emit('shown', require('ail.safe').visible(assert(io.open({str(home.directory / 'raw')!r}, 'rb')):read('*a')))"
    )
    assert nvim(lua)["shown"] == to_path(as_text(raw))


@pytest.fixture
def answered(scripted: ScriptedDaemon, files: Path) -> None:
    scripted.script["ask"] = make_reply(files)


def count_citations(shown: str) -> int:
    return len(re.findall(r"[:|] ?[0-9a-f]{10} ", shown))


@pytest.mark.usefixtures("answered")
def test_vim_s_quickfix_list_holds_no_raw_character(home: Home, files: Path) -> None:
    out = home.directory / "out.txt"
    lines = ["AilWhy why?", *WAIT, "copen", f"call writefile(getline(1, '$'), '{out}')"]
    answer, note, *citations = run_vim(home, "file.py", lines, files)
    assert answer[2].startswith("(very likely: 83%) The kestrel is simple")
    assert note[2].startswith("note: Change a")
    assert len(citations) == len(CORPUS)
    shown = as_text(out.read_bytes())
    assert count_citations(shown) == len(CORPUS)
    assert find_raw(shown) == []


@pytest.mark.usefixtures("answered")
def test_emacs_s_compilation_buffer_holds_no_raw_character(home: Home, files: Path) -> None:
    shown = "\n".join(run_emacs(home, [files / "file.py"], '(ail-why "why?")')[0])
    assert count_citations(shown) == len(CORPUS)
    assert find_raw(shown) == []
