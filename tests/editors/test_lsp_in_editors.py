"""`ail-lsp` in editors' own clients of the protocol: Neovim's, without any plugin, and Emacs's eglot."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.editors.conftest import ROOT, Neovim, add
from tests.integration.conftest import Repository
from tests.running import BIN, Home
from tests.tools import require

REASON = "We retry once because the second attempt opens a fresh connection."
EGLOT = "/usr/share/emacs/site-lisp/elpa"

IN_NEOVIM = """
local client = vim.lsp.start_client({{ cmd = {{ {program!r} }}, root_dir = vim.fn.getcwd(), name = 'ail' }})
vim.lsp.buf_attach_client(0, client)
wait(function() return (vim.lsp.get_client_by_id(client) or {{}}).initialized end)
vim.api.nvim_win_set_cursor(0, {{ 2, 4 }})
local function ask(method, params)
  local replies = assert(vim.lsp.buf_request_sync(0, method, params, 20000))
  return assert(replies[client]).result
end
emit('hover', ask('textDocument/hover', vim.lsp.util.make_position_params()).contents.value)
vim.api.nvim_buf_set_lines(0, 0, 0, false, {{ '# \\240\\159\\152\\128 one more', '' }})
vim.api.nvim_win_set_cursor(0, {{ 4, 4 }})
emit('moved', ask('textDocument/hover', vim.lsp.util.make_position_params()).contents.value)
local about = vim.lsp.util.make_range_params()
about.context = {{ diagnostics = {{}} }}
local actions = ask('textDocument/codeAction', about)
emit('titles', vim.tbl_map(function(action) return action.title end, actions))
local messages = {{}}
vim.lsp.handlers['window/showMessage'] = function(_, said) table.insert(messages, said.message) end
local result = ask('workspace/executeCommand', actions[1].command)
emit('answer', result.answer)
emit('said', messages)
vim.lsp.stop_client(client)
wait(function() return vim.lsp.client_is_stopped(client) end)
"""

IN_EMACS = """
(progn
  (require 'eglot)
  (setq eglot-sync-connect 20 eglot-autoshutdown nil eglot-events-buffer-size 0)
  (add-to-list 'eglot-server-programs (list 'python-mode {program}))
  (find-file {file})
  (apply #'eglot (eglot--guess-contact))
  (goto-char (point-min))
  (forward-line 1)
  (let* ((server (eglot--current-server-or-lose))
         (hover (jsonrpc-request server :textDocument/hover (eglot--TextDocumentPositionParams)))
         (actions (jsonrpc-request server :textDocument/codeAction
                    (list :textDocument (eglot--TextDocumentIdentifier)
                          :range (list :start (eglot--pos-to-lsp-position) :end (eglot--pos-to-lsp-position))
                          :context '(:diagnostics [])))))
    (princ (json-encode (list :hover (plist-get (plist-get hover :contents) :value)
                              :titles (mapcar (lambda (action) (plist-get action :title)) actions))))
    (eglot-shutdown server)))
"""


def test_neovim_s_own_client_hovers_follows_the_buffer_and_runs_the_action(
    nvim: Neovim, home: Home, repo: Repository
) -> None:
    add(home, repo)
    seen = nvim(IN_NEOVIM.format(program=str(BIN / "ail-lsp")), str(repo.path / "upload.py"), cwd=repo.path)
    assert REASON in seen["hover"]
    assert REASON in seen["moved"], "two lines lower, in a buffer that was not saved"
    assert seen["titles"] == ["Why is this so?", "What bears on this change?"]
    assert REASON in seen["answer"]
    assert REASON in " ".join(seen["said"]), "it opens no documents: a message says it"


RECIPE_IN_NEOVIM = """
{recipe}
vim.cmd('edit!')
wait(function() return ail and (vim.lsp.get_client_by_id(ail) or {{}}).initialized end)
vim.lsp.buf.execute_command({{ command = 'ail.why', arguments = {{ vim.uri_from_bufnr(0), {{ 2, 2 }} }} }})
local function read()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.wo[window].previewwindow then return vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false) end
  end
end
wait(function() return read() ~= nil end)
emit('page', table.concat(read(), ' '))
vim.lsp.stop_client(ail)
wait(function() return vim.lsp.client_is_stopped(ail) end)
"""


def test_the_recipe_for_an_older_neovim_shows_the_answer_in_the_preview_window(
    nvim: Neovim, home: Home, repo: Repository
) -> None:
    add(home, repo)
    recipe = re.search(r"```lua\n(-- Neovim 0\.7 .*?)```", (ROOT / "docs" / "editors.md").read_text(), re.DOTALL)
    assert recipe is not None
    seen = nvim(RECIPE_IN_NEOVIM.format(recipe=recipe[1]), str(repo.path / "upload.py"), cwd=repo.path)
    assert seen["page"].startswith("## Why is this so? `upload.py:2`")
    assert REASON in seen["page"]


def test_emacs_s_eglot_hovers_and_offers_the_actions(home: Home, repo: Repository) -> None:
    emacs = require("emacs")
    add(home, repo)
    directories = [str(path) for path in sorted(Path(EGLOT).glob("*-*"))] if os.path.isdir(EGLOT) else []
    paths = [argument for directory in directories for argument in ("-L", directory)]
    if home.run(emacs, "-Q", "--batch", *paths, "--eval", "(require 'eglot)").returncode:
        pytest.skip("this Emacs has no eglot: it is of version 29, or of Debian's elpa-eglot")
    program, file = json.dumps(str(BIN / "ail-lsp")), json.dumps(str(repo.path / "upload.py"))
    lisp = home.directory / "eglot.el"
    lisp.write_text(IN_EMACS.format(program=program, file=file))
    done = subprocess.run(
        [emacs, "-Q", "--batch", *paths, "-l", str(lisp)], env=home.env, capture_output=True, text=True, timeout=90, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout[done.stdout.index("{") :])
    assert REASON in seen["hover"]
    assert seen["titles"] == ["Why is this so?", "What bears on this change?"]
